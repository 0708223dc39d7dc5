//! Vectors of the measurement's own: the first instruction of a handler reads the counter.
//!
//! Handlers use x9 to x14 without saving them, so they serve only code that gives those up, in the macros here:
//!
//! | register | holds |
//! |---|---|
//! | x9  | the counter at the handler's first instruction |
//! | x11 | 1 once an interrupt was taken |
//! | x13 | which timer the handler stops: 0 none, 1 virtual, 2 physical |
//! | x14 | address of the GICv2 CPU interface, or 0 for GICv3 |

use bulkhead_guests::machine::Controller;
use bulkhead_guests::{Machine, write_register};

core::arch::global_asm!(include_str!("vectors.s"));

unsafe extern "C" {
    static bench_vectors: u8;
}

/// Has this vCPU take exceptions to the vectors here.
pub fn install() {
    write_register!("vbar_el1", &raw const bench_vectors as u64);
}

/// What x14 holds for the handlers.
pub fn cpu_interface(machine: &Machine) -> u64 {
    match machine.controller {
        Controller::V2 { cpu_interface, .. } => cpu_interface as u64,
        Controller::V3 { .. } => 0,
    }
}

/// Ticks from just before the instructions to just after them, an exception that the last of them takes included.
macro_rules! ticks {
    ([$($instruction:expr),+], $($operand:tt)*) => {{
        let (before, after): (u64, u64);
        // SAFETY: the caller's instructions change only what the caller's operands declare.
        unsafe {
            core::arch::asm!(
                "mrs x21, cntvct_el0", $($instruction,)+ "mrs x22, cntvct_el0",
                out("x21") before, out("x22") after, out("x9") _, out("x10") _, $($operand)* options(nostack)
            );
        }
        after - before
    }};
}

/// Ticks from just before the instructions to the first of the handler of the exception that the last of them takes.
macro_rules! ticks_to_handler {
    ([$($instruction:expr),+], $($operand:tt)*) => {{
        let (before, handler): (u64, u64);
        // SAFETY: the handler changes x9 and x10 and goes on behind the instruction that took the exception.
        unsafe {
            core::arch::asm!(
                "mrs {before}, cntvct_el0", $($instruction,)+
                before = out(reg) before, out("x9") handler, out("x10") _, $($operand)* options(nostack)
            );
        }
        handler - before
    }};
}

/// Ticks from a branch to `address`, whose bit 29 is set and where nothing can be fetched, to the first instruction of
/// the handler, which goes on behind the branch.
pub fn fetch(address: u64) -> u64 {
    let (before, handler): (u64, u64);
    // SAFETY: the handler changes x9 and x10 and returns to the address in x30.
    unsafe {
        core::arch::asm!(
            "mrs {before}, cntvct_el0", "blr {address}",
            before = out(reg) before, out("x9") handler, out("x10") _, out("x30") _, address = in(reg) address,
            options(nostack)
        );
    }
    handler - before
}

/// The counter just before the instructions and at the first of the handler of the interrupt that they bring about.
/// Interrupts are let in for as long as that takes.
macro_rules! interrupted {
    ([$($instruction:expr),+], $timer:expr, $cpu_interface:expr, $($operand:tt)*) => {{
        let (before, handler): (u64, u64);
        // SAFETY: the handler changes x9 to x11 only.
        unsafe {
            core::arch::asm!(
                "mov x11, #0", "msr daifclr, #2", "mrs {before}, cntvct_el0", $($instruction,)+
                "2: cbz x11, 2b", "msr daifset, #2",
                before = out(reg) before, out("x9") handler, out("x10") _, out("x11") _,
                in("x13") $timer as u64, in("x14") $cpu_interface as u64, $($operand)* options(nostack)
            );
        }
        (before, handler)
    }};
}

pub(crate) use {interrupted, ticks, ticks_to_handler};
