//! Conformance: what any operating system may count on, checked one by one.
//!
//! A check is made by a method of the section that it rests on, and prints that: `check IHI 0069H 12.9 GICD_TYPER ..: ok`.
//!
//! The word `native` in the bootargs says that this is plain QEMU and not Bulkhead. What QEMU's own machine does
//! differently from the architecture or from Bulkhead's promises is then left out, each time with its reason.
#![no_std]
#![no_main]

mod crew;
mod gic;
mod memory;
mod psci;
mod timer;
mod trap;
mod uart;

use bulkhead_guests::{Machine, entry, interrupt, mmu};

entry!(main);

fn main(machine: &'static Machine) {
    gic::registers::check(machine, interrupt::find(machine));
    gic::priorities::reset(interrupt::find(machine));
    let gic = interrupt::initialise(machine);
    let native = machine.arguments.flag("native");
    trap::check(native);
    psci::check(machine, native);
    gic::check(machine, gic, native);
    // QEMU's own GICv3 asks which groups are enabled only after it has chosen the most urgent interrupt.
    if gic.version() == 3 && !native {
        gic::groups::check(gic);
    }
    timer::check(machine, gic);
    crew::start(machine);
    gic::check_several(machine, gic);
    trap::authentication::check_several(machine);
    timer::user::check_several(machine);
    // QEMU's own PSCI has no power-down states, and no ON_PENDING.
    if !native {
        psci::power::check(machine);
    }
    crew::dismiss(machine);
    trap::floating_point();
    trap::authentication::check();
    trap::branch_target::check();
    uart::check(machine);
    memory::check("mmu on");
    // With one core QEMU 10 does not ask for alignment by the type of memory.
    if machine.cpus.len() > 1 {
        memory::misaligned(gic.distributor(), "mmu on");
    }
    memory::transfers::check(gic, "mmu on");
    memory::walk::check(native);
    mmu::disable();
    memory::check("mmu off");
    // With its MMU off and stage 2 on QEMU 10 enforces no alignment, though all memory is Device then.
    if native {
        memory::misaligned(gic.distributor(), "mmu off");
    }
    memory::transfers::check(gic, "mmu off");
    memory::order::check(gic);
    memory::fetch();
    if !native {
        psci::power::boot_vcpu(gic);
    }
}
