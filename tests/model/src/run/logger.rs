//! The `log` crate's back end: to the log's console port of the world whose thread logs, and to its list.

use super::platform::Shared;
use log::{LevelFilter, Log, Metadata, Record};
use std::cell::RefCell;
use std::sync::{Arc, Once};

thread_local! {
    static WORLD: RefCell<Option<Arc<Shared>>> = const { RefCell::new(None) };
}

struct Logger;

static LOGGER: Logger = Logger;
static INIT: Once = Once::new();

/// What this thread logs belongs to `shared` from now on.
pub fn attach(shared: &Arc<Shared>) {
    INIT.call_once(|| {
        log::set_logger(&LOGGER).expect("no other logger is set in these tests");
        log::set_max_level(LevelFilter::Info);
    });
    WORLD.with(|world| *world.borrow_mut() = Some(Arc::clone(shared)));
}

impl Log for Logger {
    fn enabled(&self, _metadata: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        WORLD.with(|world| {
            if let Some(shared) = world.borrow().as_ref() {
                shared.log(format!("{}: {}", record.level(), record.args()));
            }
        });
    }

    fn flush(&self) {}
}
