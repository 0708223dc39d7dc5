//! A sequence driven by the virtual timer, for moving a guest while it runs: at every step general, FP and system
//! registers, memory and interrupt state are found as the step before left them.
//!
//! Says `sequence=N` every `every` (50) steps, a difference as it is found, and ends after `steps` (for ever without).
//! Bootargs: `hz=N` (500) steps per second.
#![no_std]
#![no_main]

use core::arch::asm;
use core::fmt::Debug;
use core::sync::atomic::{AtomicU64, Ordering};

use bulkhead_guests::gic::{Gic, register};
use bulkhead_guests::timer::{self, Timer};
use bulkhead_guests::vector_registers::{self, Vectors};
use bulkhead_guests::{Machine, check, cpu, entry, expect, interrupt, println, read_register, write_register};

entry!(main);

/// An SPI that no device uses: left pending, disabled and with a priority of its own.
const PARKED: u32 = 62;
/// Words of memory that are checked and rewritten at every step.
const WORDS: usize = 2048;

static TICKS: AtomicU64 = AtomicU64::new(0);
static NEXT: AtomicU64 = AtomicU64::new(0);
static PERIOD: AtomicU64 = AtomicU64::new(0);
static MEMORY: [AtomicU64; WORDS] = [const { AtomicU64::new(0) }; WORDS];

fn main(machine: &'static Machine) {
    let every = machine.arguments.number("every", 50);
    let steps = machine.arguments.number("steps", u64::MAX);
    let gic = interrupt::initialise(machine);
    interrupt::handle(machine.virtual_timer, |_| tick());
    gic.set_priority(PARKED, 0x60);
    gic.set_bit(register::ISPENDR, PARKED);
    PERIOD.store(timer::frequency() / machine.arguments.number("hz", 500), Ordering::SeqCst);
    NEXT.store(timer::count() + PERIOD.load(Ordering::SeqCst), Ordering::SeqCst);
    Timer::Virtual.set(NEXT.load(Ordering::SeqCst));
    let mut count = timer::count();
    for step in 0..steps {
        leave(step);
        let differences = wait(step);
        same(step, "general registers", differences, 0);
        find(step, gic);
        let now = timer::count();
        same(step, "the counter goes forward", now >= count, true);
        count = now;
        if (step + 1) % every == 0 {
            println!("sequence={} count={now}", step + 1);
        }
    }
    cpu::disable_interrupts();
    Timer::Virtual.stop();
    expect!("the sequence has no gap", TICKS.load(Ordering::SeqCst) >= steps);
}

fn tick() {
    let next = NEXT.load(Ordering::SeqCst) + PERIOD.load(Ordering::SeqCst);
    NEXT.store(next, Ordering::SeqCst);
    TICKS.store(TICKS.load(Ordering::SeqCst) + 1, Ordering::SeqCst);
    Timer::Virtual.set(next);
}

fn word(step: u64, index: usize) -> u64 {
    (step << 16 | index as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

fn vectors(step: u64) -> Vectors {
    core::array::from_fn(|index| word(step, index + WORDS))
}

/// Reads or writes the ten registers of pointer authentication's keys, each with its own of `keys` (Arm ARM DDI 0487 D8.11).
macro_rules! each_key {
    ($action:ident $(, $keys:ident)?) => {
        [
            $action!("s3_0_c2_c1_0" $(, $keys[0])?),
            $action!("s3_0_c2_c1_1" $(, $keys[1])?),
            $action!("s3_0_c2_c1_2" $(, $keys[2])?),
            $action!("s3_0_c2_c1_3" $(, $keys[3])?),
            $action!("s3_0_c2_c2_0" $(, $keys[4])?),
            $action!("s3_0_c2_c2_1" $(, $keys[5])?),
            $action!("s3_0_c2_c2_2" $(, $keys[6])?),
            $action!("s3_0_c2_c2_3" $(, $keys[7])?),
            $action!("s3_0_c2_c3_0" $(, $keys[8])?),
            $action!("s3_0_c2_c3_1" $(, $keys[9])?),
        ]
    };
}

/// Whether the core has keys of pointer authentication: any algorithm in ID_AA64ISAR1_EL1 and ID_AA64ISAR2_EL1.
fn has_keys() -> bool {
    read_register!("id_aa64isar1_el1") & 0xff00_0ff0 != 0 || read_register!("s3_0_c0_c6_2") & 0xff00 != 0
}

fn keys(step: u64) -> [u64; 10] {
    core::array::from_fn(|index| word(step, index + 4))
}

/// Leaves what belongs to `step` everywhere.
fn leave(step: u64) {
    MEMORY.iter().enumerate().for_each(|(index, slot)| slot.store(word(step, index), Ordering::SeqCst));
    vector_registers::write(&vectors(step));
    vector_registers::write_control((step & 3) << 22, step & 0x1f);
    write_register!("tpidr_el0", word(step, 1));
    write_register!("tpidrro_el0", word(step, 2));
    write_register!("contextidr_el1", step & 0xffff_ffff);
    write_register!("sp_el0", word(step, 3));
    write_register!("cntkctl_el1", step & 3);
    write_register!("csselr_el1", step & 1);
    if has_keys() {
        let keys = keys(step);
        let _: [(); 10] = each_key!(write_register, keys);
    }
}

/// Finds it.
fn find(step: u64, gic: &Gic) {
    let wrong =
        MEMORY.iter().enumerate().filter(|(index, slot)| slot.load(Ordering::SeqCst) != word(step, *index)).count();
    same(step, "words of memory", wrong, 0);
    same(step, "v0 to v31", vector_registers::read() == vectors(step), true);
    same(step, "FPCR and FPSR", vector_registers::read_control(), ((step & 3) << 22, step & 0x1f));
    same(step, "TPIDR_EL0", read_register!("tpidr_el0"), word(step, 1));
    same(step, "TPIDRRO_EL0", read_register!("tpidrro_el0"), word(step, 2));
    same(step, "CONTEXTIDR_EL1", read_register!("contextidr_el1"), step & 0xffff_ffff);
    same(step, "SP_EL0", read_register!("sp_el0"), word(step, 3));
    same(step, "CNTKCTL_EL1", read_register!("cntkctl_el1"), step & 3);
    same(step, "CSSELR_EL1", read_register!("csselr_el1"), step & 1);
    if has_keys() {
        same(step, "keys of pointer authentication", each_key!(read_register), keys(step));
    }
    let parked = (gic.bit(register::ISPENDR, PARKED), gic.bit(register::ISENABLER, PARKED));
    same(step, "the parked interrupt", parked, (true, false));
}

fn same<T: PartialEq + Debug>(step: u64, what: &str, seen: T, expected: T) {
    if seen != expected {
        check::failed(format_args!("{what} at step {step}"), format_args!("expected {expected:x?} got {seen:x?}"));
    }
}

/// Keeps values that follow from `step` in x2 to x15 and x20 to x28 until a tick has come; how they differ then (0: not).
fn wait(step: u64) -> u64 {
    let seen = TICKS.load(Ordering::SeqCst);
    let differences: u64;
    cpu::enable_interrupts();
    // SAFETY: the block declares every register it changes and only reads the tick counter.
    unsafe {
        asm!(
            ".irp n, 2,3,4,5,6,7,8,9,10,11,12,13,14,15,20,21,22,23,24,25,26,27,28",
            "add x\\n, x0, #\\n",
            ".endr",
            "2: wfi",
            "ldr x16, [x1]",
            "cmp x16, x17",
            "b.eq 2b",
            "mov x17, #0",
            ".irp n, 2,3,4,5,6,7,8,9,10,11,12,13,14,15,20,21,22,23,24,25,26,27,28",
            "sub x16, x\\n, x0",
            "sub x16, x16, #\\n",
            "orr x17, x17, x16",
            ".endr",
            in("x0") word(step, 0), in("x1") TICKS.as_ptr(), inout("x17") seen => differences, out("x16") _,
            out("x2") _, out("x3") _, out("x4") _, out("x5") _, out("x6") _, out("x7") _, out("x8") _, out("x9") _,
            out("x10") _, out("x11") _, out("x12") _, out("x13") _, out("x14") _, out("x15") _, out("x20") _,
            out("x21") _, out("x22") _, out("x23") _, out("x24") _, out("x25") _, out("x26") _, out("x27") _,
            out("x28") _, options(nostack)
        );
    }
    cpu::disable_interrupts();
    differences
}
