//! vCPUs that are switched on and off, put to sleep and woken, and race for it (DEN0022 5.4 to 5.6, 5.20).

use core::arch::global_asm;
use core::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};

use bulkhead_guests::gic::Gic;
use bulkhead_guests::psci::{function, psci, status};
use bulkhead_guests::section;
use bulkhead_guests::smp::{self, MAXIMUM};
use bulkhead_guests::timer::{self, Timer};
use bulkhead_guests::{Machine, cpu, interrupt, machine};

use crate::crew;

/// CPU_SUSPEND's power_state of a power-down.
const POWERDOWN: u64 = 1 << 16;
/// SCTLR_EL1: M and C.
const MMU_AND_CACHE: u64 = 1 | 1 << 2;
/// D, A, I and F masked, as DAIF reads.
const ALL_MASKED: u64 = 0xf << 6;
/// No answer yet.
const NONE: i64 = i64::MIN;

static ANSWERS: [AtomicI64; MAXIMUM] = [const { AtomicI64::new(NONE) }; MAXIMUM];
static WOKEN: [AtomicU64; MAXIMUM] = [const { AtomicU64::new(0) }; MAXIMUM];

/// Two milliseconds from now, the virtual timer's interrupt of this vCPU is pending: when that is.
fn alarm() -> u64 {
    let deadline = timer::count() + timer::frequency() / 500;
    Timer::Virtual.set(deadline);
    interrupt::controller().enable(machine().virtual_timer);
    deadline
}

/// Checks with every other vCPU in the crew.
pub fn check(machine: &Machine) {
    for index in 1..machine.cpus.len() {
        powerdown(index);
    }
    if machine.cpus.len() > 1 {
        let denied = psci(function::SYSTEM_SUSPEND_64, [smp::entry(), 0, 0]);
        section::psci("5.20").equal("SYSTEM_SUSPEND while another is on", denied, status::DENIED);
        race(machine);
    }
}

/// A vCPU sleeps in a power-down state, is woken by its timer, and begins again as CPU_ON would have it.
fn powerdown(index: usize) {
    ANSWERS[index].store(NONE, Ordering::SeqCst);
    WOKEN[index].store(0, Ordering::SeqCst);
    let lives = crew::lives(index);
    crew::run(index, |index| {
        WOKEN[index].store(alarm(), Ordering::SeqCst);
        let answer = psci(function::CPU_SUSPEND_64, [POWERDOWN, smp::entry(), index as u64]);
        ANSWERS[index].store(answer, Ordering::SeqCst);
    });
    let section = section::psci("5.4");
    let seen = (crew::lives(index) - lives, ANSWERS[index].load(Ordering::SeqCst));
    section.equal(format_args!("vCPU {index} begins anew after a power-down, with its context"), seen, (1, NONE));
    section.holds("not before its timer", timer::count() >= WOKEN[index].load(Ordering::SeqCst));
    let (sctlr, daif) = smp::entered_with(index);
    section.equal("its MMU off, its interrupts masked", (sctlr & MMU_AND_CACHE, daif), (0, ALL_MASKED));
}

/// vCPUs that are at the start of the race, and the word to go.
static READY: AtomicUsize = AtomicUsize::new(0);
static GO: AtomicUsize = AtomicUsize::new(0);

fn switch_last_on(index: usize) {
    let last = machine().cpus.len() - 1;
    READY.fetch_add(1, Ordering::SeqCst);
    while GO.load(Ordering::SeqCst) == 0 {
        core::hint::spin_loop();
    }
    let answer = psci(function::CPU_ON_64, [machine().cpus[last], smp::entry(), last as u64]);
    ANSWERS[index].store(answer, Ordering::SeqCst);
}

/// All switch the last vCPU on at once: one of them does, and it begins once.
fn race(machine: &Machine) {
    const ROUNDS: u32 = 8;
    let last = machine.cpus.len() - 1;
    let mut wrong = None;
    for round in 0..ROUNDS {
        let lives = crew::lives(last);
        crew::leave(machine, last);
        [&READY, &GO].iter().for_each(|word| word.store(0, Ordering::SeqCst));
        (1..last).for_each(|index| crew::ask(index, switch_last_on));
        while READY.load(Ordering::SeqCst) < last - 1 {
            core::hint::spin_loop();
        }
        GO.store(1, Ordering::SeqCst);
        switch_last_on(0);
        (1..=last).for_each(crew::wait);
        let answers = || ANSWERS[..last].iter().map(|answer| answer.load(Ordering::SeqCst));
        let fair = answers().all(|answer| matches!(answer, status::SUCCESS | status::ALREADY_ON | status::ON_PENDING));
        let winners = answers().filter(|answer| *answer == status::SUCCESS).count();
        let begun = crew::lives(last) - lives;
        if (fair, winners, begun) != (true, 1, 1) {
            wrong.get_or_insert((round, winners, begun));
        }
    }
    section::psci("5.6").equal("a vCPU that all others switch on: round, winners and beginnings", wrong, None);
}

/// What a vCPU that sleeps keeps of itself: callee-saved registers, stack and system registers, and what it woke with.
#[repr(C, align(64))]
struct Kept([AtomicU64; 24]);

static KEPT: Kept = Kept([const { AtomicU64::new(0) }; 24]);

global_asm!(
    // X0 to X3 are the call's, X4 is where to keep. Gives back the answer and 0, or, if it began anew, 0 and 1.
    ".section .text.sleep, \"ax\"",
    ".global sleep_keeping",
    "sleep_keeping:",
    "stp x19, x20, [x4]",
    "stp x21, x22, [x4, #16]",
    "stp x23, x24, [x4, #32]",
    "stp x25, x26, [x4, #48]",
    "stp x27, x28, [x4, #64]",
    "stp x29, x30, [x4, #80]",
    "mov x5, sp",
    "mrs x6, vbar_el1",
    "stp x5, x6, [x4, #96]",
    "mrs x5, cpacr_el1",
    "mrs x6, sctlr_el1",
    "stp x5, x6, [x4, #112]",
    "hvc #0",
    "mov x1, xzr",
    "ret",
    ".global wake_kept",
    "wake_kept:",
    "mrs x5, sctlr_el1",
    "mrs x6, daif",
    "stp x5, x6, [x0, #128]",
    "ldp x5, x6, [x0, #112]",
    "msr cpacr_el1, x5",
    "msr sctlr_el1, x6",
    "ldp x5, x6, [x0, #96]",
    "mov sp, x5",
    "msr vbar_el1, x6",
    "msr tpidr_el1, xzr",
    "isb",
    "ldp x19, x20, [x0]",
    "ldp x21, x22, [x0, #16]",
    "ldp x23, x24, [x0, #32]",
    "ldp x25, x26, [x0, #48]",
    "ldp x27, x28, [x0, #64]",
    "ldp x29, x30, [x0, #80]",
    "mov x0, xzr",
    "mov x1, #1",
    "ret",
    ".text",
);

/// What a sleep ended with.
#[repr(C)]
struct Woken {
    answer: u64,
    anew: u64,
}

unsafe extern "C" {
    fn sleep_keeping(function: u64, first: u64, second: u64, third: u64, kept: *const Kept) -> Woken;
    fn wake_kept();
}

/// The boot vCPU sleeps in a power-down state, and the whole system does, with the MMU off and every other vCPU off.
pub fn boot_vcpu(gic: &Gic) {
    cpu::disable_interrupts();
    let (entry, context) = (wake_kept as *const () as u64, &raw const KEPT as u64);
    for (name, number, function, arguments) in [
        ("CPU_SUSPEND to a power-down", "5.4", function::CPU_SUSPEND_64, [POWERDOWN, entry, context]),
        ("CPU_SUSPEND to a power-down in 32 bits", "5.4", function::CPU_SUSPEND, [POWERDOWN, entry, context]),
        ("SYSTEM_SUSPEND", "5.20", function::SYSTEM_SUSPEND_64, [entry, context, 0]),
        ("SYSTEM_SUSPEND in 32 bits", "5.20", function::SYSTEM_SUSPEND, [entry, context, 0]),
    ] {
        let deadline = alarm();
        let [first, second, third] = arguments;
        // SAFETY: it begins anew at `wake_kept`, which puts everything back that this function relies on.
        let woken = unsafe { sleep_keeping(function.into(), first, second, third, &raw const KEPT) };
        let now = timer::count();
        let section = section::psci(number);
        section.equal(format_args!("{name} begins anew with its context"), (woken.answer, woken.anew), (0, 1));
        section.holds(format_args!("{name} is woken by the timer, not before"), now >= deadline);
        let [sctlr, daif] = [16, 17].map(|slot: usize| KEPT.0[slot].load(Ordering::SeqCst));
        section.equal(
            format_args!("{name} leaves MMU off, interrupts masked"),
            (sctlr & MMU_AND_CACHE, daif),
            (0, ALL_MASKED),
        );
        Timer::Virtual.stop();
        gic.disable(machine().virtual_timer);
        gic.initialise_cpu();
    }
}
