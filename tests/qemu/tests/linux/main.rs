//! Linux as Debian packages it, as a guest: every test that boots one.

mod kernels;
mod second_life;
mod shell;
mod ticking;

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut suite = bulkhead_qemu::Suite::new();
    kernels::register(&mut suite);
    second_life::register(&mut suite);
    suite.run()
}
