//! Does one wrong thing many times, each time gets the architecture's answer, and goes on.
//!
//! Bootargs: `times=N` (200); `what=` `read`, `write` or `fetch` (where nothing is), `register` (one that does not exist),
//! `hvc` or `smc` (a call that nobody knows). Says where it took the last abort.
#![no_std]
#![no_main]

use core::arch::asm;
use core::sync::atomic::{AtomicU64, Ordering};

use bulkhead_guests::instruction::{self, Encoding};
use bulkhead_guests::memory::{read32, write32};
use bulkhead_guests::psci::{self, Conduit, status};
use bulkhead_guests::trap::{self, EXTERNAL_ABORT, Trapped, class};
use bulkhead_guests::{Machine, entry, expect_eq, println};

entry!(main, mmu off);

/// An address where nothing is.
const NOTHING: usize = 0x0b00_0000;
/// An implementation-defined register, of which this machine has none.
const NO_REGISTER: Encoding = Encoding::new(3, 0, 15, 0, 0);
/// A function of the vendor's hypervisor range that is no vendor's (SMCCC DEN0028 6).
const NO_FUNCTION: u32 = 0x8600_1234;

/// ELR_EL1 of the last exception.
static LAST: AtomicU64 = AtomicU64::new(0);

fn main(machine: &'static Machine) {
    let times = machine.arguments.number("times", 200);
    let what = machine.arguments.text("what").unwrap_or("read");
    let mut answered = 0;
    for _ in 0..times {
        answered += u64::from(is_answered(what));
    }
    println!("repeat: {what}, {times} times, last at PC {:#x}", LAST.load(Ordering::SeqCst));
    expect_eq!("every time the architecture's answer", answered, times);
}

/// Whether doing `what` once got the answer that it should.
fn is_answered(what: &str) -> bool {
    let abort = |trapped: Option<Trapped>, class: u64| {
        trapped.is_some_and(|it| {
            LAST.store(it.elr, Ordering::SeqCst);
            it.class() == class && it.fault_status() == EXTERNAL_ABORT && it.far == NOTHING as u64
        })
    };
    let call = |conduit| psci::call(conduit, NO_FUNCTION, [0; 3]) as i32 == status::NOT_SUPPORTED as i32;
    match what {
        "read" => abort(trap::probe(|| _ = read32(NOTHING)), class::DATA_ABORT),
        "write" => abort(trap::probe(|| write32(NOTHING, 1)), class::DATA_ABORT),
        "fetch" => abort(trap::probe(fetch), class::INSTRUCTION_ABORT),
        "register" => instruction::read(NO_REGISTER).is_err_and(|trapped| trapped.class() == class::UNKNOWN),
        "hvc" => call(Conduit::Hvc),
        "smc" => call(Conduit::Smc),
        other => panic!("bootargs: what={other} is not known"),
    }
}

fn fetch() {
    // SAFETY: the probe returns to after the call; a C function may change what this one does.
    unsafe { asm!("blr {}", in(reg) NOTHING, clobber_abi("C")) };
}
