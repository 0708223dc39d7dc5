//! Every test that boots a board.

mod boards;
mod elsewhere;
mod entry;
mod faults;
mod formats;
mod hypervisor;
mod judge;
mod latency;
mod native;
mod own_memory;
mod policies;
mod quiet;
mod refusals;
mod scripts;
mod second_life;
mod together;

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut suite = bulkhead_qemu::Suite::new();
    native::register(&mut suite);
    hypervisor::register(&mut suite);
    boards::register(&mut suite);
    elsewhere::register(&mut suite);
    entry::register(&mut suite);
    own_memory::register(&mut suite);
    faults::register(&mut suite);
    formats::register(&mut suite);
    quiet::register(&mut suite);
    refusals::register(&mut suite);
    scripts::register(&mut suite);
    policies::register(&mut suite);
    second_life::register(&mut suite);
    latency::register(&mut suite);
    together::register(&mut suite);
    suite.run()
}
