//! The `log` crate's back end: straight to the UART while the machine comes up, then to the log's console port.

use bulkhead_el2::uart;
use bulkhead_vmm::lock::lock;
use bulkhead_vmm::monitor::{LogRing, log_line};
use bulkhead_vmm::platform::Platform;
use bulkhead_vmm::run::Machine;
use core::fmt::Write;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use log::{LevelFilter, Log, Metadata};
use spin::Mutex;

/// Bytes of the newest records that the monitor's `log` shows.
const CAPACITY: usize = 8 * 1024;

static RECORDS: Mutex<LogRing> = Mutex::new(LogRing::new(CAPACITY));
static MACHINE: Mutex<Option<&'static Machine>> = Mutex::new(None);
static NEWS: AtomicBool = AtomicBool::new(false);
static BOOTED: AtomicU64 = AtomicU64::new(0);

struct Logger;

static LOGGER: Logger = Logger;

/// Takes records from now on.
pub fn init() {
    BOOTED.store(bulkhead_el2::counter(), Ordering::Relaxed);
    let _ = log::set_logger(&LOGGER);
    log::set_max_level(LevelFilter::Info);
}

/// The UART is known: what was logged before is shown.
pub fn begin() {
    lock(&RECORDS).last(usize::MAX).iter().for_each(|record| print(record));
}

/// Writes `record` to the UART, and waits for it.
fn print(record: &str) {
    uart::print(record);
    uart::print("\r\n");
}

/// Gives records to the console of `machine` from now on.
pub fn attach(machine: &'static Machine) {
    *lock(&MACHINE) = Some(machine);
}

/// The records, for the monitor.
pub fn records() -> &'static Mutex<LogRing> {
    &RECORDS
}

/// Whether something was logged since this was last asked.
pub fn has_news() -> bool {
    NEWS.load(Ordering::Relaxed) && NEWS.swap(false, Ordering::AcqRel)
}

/// Writes what is left in the log's port to the UART, for the machine is about to be switched off.
pub fn flush<P: Platform>(core: &mut P, machine: &Machine) {
    machine.flush_consoles(core);
}

impl Log for Logger {
    fn enabled(&self, _metadata: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        let ticks = bulkhead_el2::counter().saturating_sub(BOOTED.load(Ordering::Relaxed));
        let time_ms = ticks.saturating_mul(1000) / bulkhead_el2::counter_frequency().max(1);
        let record = log_line(record.level(), time_ms, *record.args());
        let machine = *lock(&MACHINE);
        match machine.and_then(|machine| machine.ports.get(machine.log_port())) {
            Some(port) => {
                // A log's port takes everything.
                let mut port = lock(port);
                let _ = port.write_str(&record);
                port.push(b'\n');
                NEWS.store(true, Ordering::Release);
            }
            None => print(&record),
        }
        lock(&RECORDS).push(record);
    }

    fn flush(&self) {}
}
