//! Every test that boots a board.

mod hypervisor;
mod judge;
mod native;
mod together;

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut suite = bulkhead_qemu::Suite::new();
    native::register(&mut suite);
    hypervisor::register(&mut suite);
    together::register(&mut suite);
    suite.run()
}
