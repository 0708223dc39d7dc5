//! Both EL1 timers, their interrupts, and waiting for them.

mod levels;
pub mod user;

use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use bulkhead_guests::gic::{Gic, register};
use bulkhead_guests::timer::{self, ENABLE, MASK, STATUS, Timer};
use bulkhead_guests::{Machine, cpu, interrupt, machine, section};

static FIRED: AtomicU32 = AtomicU32::new(0);
static FIRED_AT: AtomicU64 = AtomicU64::new(0);

/// Two milliseconds in ticks.
fn short() -> u64 {
    timer::frequency() / 500
}

fn fired(intid: u32) {
    let timer = if intid == machine().virtual_timer { Timer::Virtual } else { Timer::Physical };
    FIRED_AT.store(timer.count(), Ordering::SeqCst);
    FIRED.fetch_add(1, Ordering::SeqCst);
    timer.stop();
}

pub fn check(machine: &Machine, gic: &Gic) {
    counters();
    for (timer, intid) in [(Timer::Virtual, machine.virtual_timer), (Timer::Physical, machine.physical_timer)] {
        interrupt::handle(intid, fired);
        expiry(timer, intid, gic);
        masked(timer, intid, gic);
        waits(timer);
        periodic(timer);
    }
    levels::check(machine, gic, machine.arguments.flag("native"));
    user::check();
    section::arm("D12.2.4").equal("no interrupt came unasked", interrupt::unexpected(), 0);
}

fn counters() {
    let (first, first_physical) = (timer::count(), timer::physical_count());
    timer::spin(short());
    let (second, second_physical) = (timer::count(), timer::physical_count());
    section::arm("D12.2.1").holds("the virtual counter counts", second - first >= short());
    section::arm("D12.2.1").holds("the physical counter counts", second_physical > first_physical);
}

fn expiry(timer: Timer, intid: u32, gic: &Gic) {
    FIRED.store(0, Ordering::SeqCst);
    timer.stop();
    section::arm("D12.2.4")
        .holds(format_args!("{timer:?} line is low while stopped"), !gic.bit(register::ISPENDR, intid));
    let compare = timer.count() + short();
    timer.set(compare);
    section::arm("D12.2.4").equal(format_args!("{timer:?} compare reads back"), timer.compare(), compare);
    cpu::wait_until(|| FIRED.load(Ordering::SeqCst) != 0);
    section::arm("D12.2.4")
        .holds(format_args!("{timer:?} not before its time"), FIRED_AT.load(Ordering::SeqCst) >= compare);
    let before = timer.count();
    timer.set_after(short() as u32);
    let compare = timer.compare();
    cpu::wait_until(|| FIRED.load(Ordering::SeqCst) > 1);
    section::arm("D12.2.4").holds(
        format_args!("{timer:?} by TVAL"),
        compare >= before + short() && FIRED_AT.load(Ordering::SeqCst) >= compare,
    );
    section::arm("D12.2.4").equal(format_args!("{timer:?} once per expiry"), FIRED.load(Ordering::SeqCst), 2);
}

/// IMASK keeps the line low though the condition holds; taking it away raises the line.
fn masked(timer: Timer, intid: u32, gic: &Gic) {
    FIRED.store(0, Ordering::SeqCst);
    cpu::disable_interrupts();
    timer.set(timer.count());
    timer.control(ENABLE | MASK);
    let line = gic.bit(register::ISPENDR, intid);
    section::arm("D12.2.4").equal(
        format_args!("{timer:?} masked"),
        (timer.status(), line),
        (ENABLE | MASK | STATUS, false),
    );
    timer.control(ENABLE);
    let line = gic.bit(register::ISPENDR, intid);
    section::arm("D12.2.4").equal(format_args!("{timer:?} unmasked"), (timer.status(), line), (ENABLE | STATUS, true));
    cpu::wait_until(|| FIRED.load(Ordering::SeqCst) != 0);
    section::arm("D12.2.4").equal(format_args!("{timer:?} delivered after the mask"), FIRED.load(Ordering::SeqCst), 1);
}

/// WFI ends for a pending interrupt although PSTATE masks it.
fn waits(timer: Timer) {
    FIRED.store(0, Ordering::SeqCst);
    cpu::disable_interrupts();
    let compare = timer.count() + short();
    timer.set(compare);
    while timer.count() < compare {
        cpu::wait_for_interrupt();
    }
    section::arm("D12.2.4").equal(format_args!("{timer:?} wakes a masked WFI"), FIRED.load(Ordering::SeqCst), 0);
    cpu::wait_until(|| FIRED.load(Ordering::SeqCst) != 0);
    cpu::send_event();
    cpu::wait_for_event();
    section::arm("D12.2.4").equal(format_args!("{timer:?} delivered after WFI"), FIRED.load(Ordering::SeqCst), 1);
}

fn periodic(timer: Timer) {
    FIRED.store(0, Ordering::SeqCst);
    let mut next = timer.count();
    for period in 1..=50 {
        next += short() / 4;
        timer.set(next);
        cpu::wait_until(|| FIRED.load(Ordering::SeqCst) == period);
    }
    cpu::disable_interrupts();
    section::arm("D12.2.4").equal(format_args!("{timer:?} fifty times"), FIRED.load(Ordering::SeqCst), 50);
}

/// Sleeps for a moment by the virtual timer.
pub fn nap() {
    FIRED.store(0, Ordering::SeqCst);
    Timer::Virtual.set(timer::count() + short());
    cpu::wait_until(|| FIRED.load(Ordering::SeqCst) != 0);
    cpu::disable_interrupts();
}
