//! The orderly end where what firmware or owner gave is of no use: one sentence, and no more.

use crate::{cpu, uart};
use bulkhead_vmm::tell::text;
use core::fmt::Arguments;

/// Says why nothing can run, and stops this core for good.
pub fn stop(reason: Arguments<'_>) -> ! {
    uart::print(&text(format_args!("\r\nBulkhead {} stops: {reason}\r\n", env!("CARGO_PKG_VERSION"))));
    cpu::halt()
}

/// Says what is wrong with the tree that describes the board, and stops this core for good.
#[cold]
#[inline(never)]
pub fn refuse_tree(what: Arguments<'_>) -> ! {
    stop(format_args!("the board's device tree is of no use: {what}"))
}
