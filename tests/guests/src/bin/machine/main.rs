//! Conformance in the small: what any operating system may count on, checked one by one.
//!
//! The word `native` in the bootargs says that this is plain QEMU and not Bulkhead. What QEMU's own machine does
//! differently from the architecture or from Bulkhead's promises is then left out, each time with its reason.
#![no_std]
#![no_main]

mod aborts;
mod calls;
mod controller;
mod groups;
mod registers;
mod timers;
mod transfers;
mod uart;

use bulkhead_guests::{Machine, entry, interrupt, mmu};

entry!(main);

fn main(machine: &'static Machine) {
    let gic = interrupt::initialise(machine);
    let native = machine.arguments.flag("native");
    registers::check(native);
    calls::check(machine, native);
    controller::check(machine, gic, native);
    // QEMU's own GICv3 asks which groups are enabled only after it has chosen the most urgent interrupt.
    if gic.version() == 3 && !native {
        groups::check(gic);
    }
    timers::check(machine, gic);
    registers::floating_point();
    uart::check(machine);
    aborts::check("mmu on");
    transfers::check(gic, "mmu on");
    mmu::disable();
    aborts::check("mmu off");
    transfers::check(gic, "mmu off");
    aborts::fetch();
}
