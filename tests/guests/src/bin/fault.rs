//! Breaks in one chosen way, with nothing of its own to catch it.
//!
//! Bootargs: `how=` `read` or `write` (nothing is there), `jump` (to nothing), `zeroes` (into empty RAM), `vectors` (an
//! undefined instruction with no vectors), `stack` (the handler has none), `reserved` (an unhandled UDF with vectors,
//! reported by the guest itself), `spin` (for ever with interrupts masked), `sleep` (WFI with nothing to wake it).
#![no_std]
#![no_main]

use core::arch::asm;

use bulkhead_guests::memory::{read32, write32};
use bulkhead_guests::{Machine, check, cpu, entry, println, write_register};

entry!(main, mmu off);

/// An address where nothing is.
const NOTHING: u64 = 0x0b00_0000;

fn main(machine: &'static Machine) {
    let how = machine.arguments.text("how").unwrap_or("read");
    println!("fault: how={how}");
    match how {
        "reserved" => undefined(),
        "spin" => loop {
            core::hint::spin_loop();
        },
        "sleep" => loop {
            cpu::wait_for_interrupt();
        },
        "stack" => without_stack(),
        _ => without_vectors(how, machine),
    }
    check::failed(how, "expected no return got one");
}

fn without_vectors(how: &str, machine: &Machine) {
    write_register!("vbar_el1", NOTHING);
    match how {
        "read" => {
            read32(NOTHING as usize);
        }
        "write" => write32(NOTHING as usize, 1),
        "jump" => jump(NOTHING),
        "zeroes" => jump(machine.memory[0].end() as u64 - 4096),
        "vectors" => undefined(),
        other => panic!("bootargs: how={other} is not known"),
    }
}

fn jump(address: u64) {
    // SAFETY: this guest exists to crash.
    unsafe { asm!("blr {}", in(reg) address, clobber_abi("C")) };
}

fn undefined() {
    // SAFETY: this guest exists to crash.
    unsafe { asm!("udf #0", options(nostack)) };
}

fn without_stack() {
    // SAFETY: this guest exists to crash.
    unsafe { asm!("mov sp, {}", "udf #0", in(reg) NOTHING, options(noreturn)) };
}
