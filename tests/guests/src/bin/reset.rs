//! Marks memory and asks for a reset. A machine that scrubs memory at a reset shows the next boot no mark.
//!
//! Natively QEMU keeps memory over a reset: the second boot finds the marks and ends.
//! Bootargs: `call=reset2` uses SYSTEM_RESET2 instead of SYSTEM_RESET.
#![no_std]
#![no_main]

use bulkhead_guests::instruction::{self, Encoding};
use bulkhead_guests::memory::{read64, write64};
use bulkhead_guests::psci::{self, function};
use bulkhead_guests::{Machine, check, entry, expect_eq, println};

entry!(main, mmu off);

const MARK: u64 = 0x6d61_726b_6d61_726b;
/// Bytes between marks; each stands at the end of its block, clear of the image at the start of one.
const BLOCK: usize = 2 << 20;

fn main(machine: &'static Machine) {
    let tree = machine.tree.start..machine.tree.end();
    let banks = machine.memory.iter();
    let words =
        banks.flat_map(|bank| (bank.start + BLOCK - 8..bank.end()).step_by(BLOCK)).filter(|word| !tree.contains(word));
    let marked = words.clone().filter(|&word| read64(word) == MARK).count();
    println!("reset: {marked} of {} marks found", words.clone().count());
    if marked > 0 {
        let expected = if machine.arguments.flag("native") { words.count() } else { 0 };
        expect_eq!("marks after a reset", marked, expected);
        return;
    }
    words.for_each(|word| write64(word, MARK));
    if let Some(found) = deferred_error() {
        return check::failed("DISR_EL1 at the beginning", format_args!("expected 0 got {found:#x}"));
    }
    println!("reset: asking for a reset");
    let answer = match machine.arguments.text("call") {
        Some("reset2") => psci::psci(function::SYSTEM_RESET2, [0; 3]),
        _ => psci::psci(function::SYSTEM_RESET, [0; 3]),
    };
    check::failed("the machine resets", format_args!("expected no return got {answer}"));
}

/// What a former life left in DISR_EL1, where the core has it, shown or not (FEAT_RAS, Arm ARM DDI 0487 D24.2); this life
/// leaves something there, too. The next one may be another guest's on that core.
fn deferred_error() -> Option<u64> {
    const REGISTER: Encoding = Encoding::new(3, 0, 12, 1, 1);
    const LEFT: u64 = 0x8042_4242;
    let found = instruction::read(REGISTER).unwrap_or(0);
    // Where there is none, it traps.
    let _ = instruction::write(REGISTER, LEFT);
    (found != 0).then_some(found)
}
