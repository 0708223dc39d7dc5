//! A 1 kHz task by the virtual timer that counts the periods it missed.
//!
//! Period k is due at t0 + k*T and missed if CNTVCT at the task's entry is later than t0 + (k+1)*T; t0 and T are fixed
//! at the start. Says `periods=N missed=M` every `say` (1000) periods, at the key `p`, and at the end: after `periods=N` of the
//! bootargs (for ever without), or at the key `q`. `delay-at=K` holds the task of period K up for three periods, which
//! must be seen; `raw` prints (k, CNTVCT) of every period at the end, as far as they fit.
#![no_std]
#![no_main]

use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bulkhead_guests::timer::{self, Timer};
use bulkhead_guests::{Machine, console, cpu, entry, interrupt, memory, println};

entry!(main);

/// Periods per second.
const RATE: u64 = 1000;
/// Samples kept for `raw`.
const SAMPLES: usize = 16384;

static START: AtomicU64 = AtomicU64::new(0);
static PERIOD: AtomicU64 = AtomicU64::new(0);
static PERIODS: AtomicU64 = AtomicU64::new(0);
static MISSED: AtomicU64 = AtomicU64::new(0);
static DELAY_AT: AtomicU64 = AtomicU64::new(u64::MAX);
static WORST: AtomicU64 = AtomicU64::new(0);
static ASKED: AtomicBool = AtomicBool::new(false);
static STOPPED: AtomicBool = AtomicBool::new(false);
static SAMPLED: [AtomicU64; SAMPLES] = [const { AtomicU64::new(0) }; SAMPLES];

fn main(machine: &'static Machine) {
    let limit = machine.arguments.number("periods", u64::MAX);
    DELAY_AT.store(machine.arguments.number("delay-at", u64::MAX), Ordering::SeqCst);
    interrupt::initialise(machine);
    interrupt::handle(machine.virtual_timer, |_| task());
    interrupt::handle(machine.uart_intid, |_| key());
    memory::write32(console::address(console::register::INTERRUPT_MASK), console::RECEIVE_INTERRUPTS);
    println!("victim: {RATE} Hz, CNTFRQ {}", timer::frequency());
    PERIOD.store(timer::frequency() / RATE, Ordering::SeqCst);
    START.store(timer::count() + timer::frequency() / RATE, Ordering::SeqCst);
    Timer::Virtual.set(START.load(Ordering::SeqCst));
    let say = machine.arguments.number("say", RATE);
    let mut told = 0;
    while told < limit && !STOPPED.load(Ordering::SeqCst) {
        let next = (told + say).min(limit);
        cpu::wait_until(|| PERIODS.load(Ordering::SeqCst) >= next || ASKED.load(Ordering::SeqCst));
        ASKED.store(false, Ordering::SeqCst);
        told = if PERIODS.load(Ordering::SeqCst) >= next { next } else { told };
        tell();
    }
    cpu::disable_interrupts();
    Timer::Virtual.stop();
    if machine.arguments.flag("raw") {
        raw();
    }
    println!("victim: worst lateness {} ticks of {}", WORST.load(Ordering::SeqCst), PERIOD.load(Ordering::SeqCst));
}

/// The periodic task, in the timer's interrupt.
fn task() {
    let now = timer::count();
    let k = PERIODS.load(Ordering::SeqCst);
    let period = PERIOD.load(Ordering::SeqCst);
    let due = START.load(Ordering::SeqCst) + k * period;
    if now > due + period {
        MISSED.store(MISSED.load(Ordering::SeqCst) + 1, Ordering::SeqCst);
    }
    WORST.store(WORST.load(Ordering::SeqCst).max(now - due), Ordering::SeqCst);
    if let Some(sample) = SAMPLED.get(k as usize) {
        sample.store(now, Ordering::SeqCst);
    }
    if k == DELAY_AT.load(Ordering::SeqCst) {
        timer::spin(3 * period);
    }
    PERIODS.store(k + 1, Ordering::SeqCst);
    Timer::Virtual.set(due + period);
}

/// A key was typed.
fn key() {
    while let Some(byte) = console::read_byte() {
        STOPPED.store(STOPPED.load(Ordering::SeqCst) || byte == b'q', Ordering::SeqCst);
        ASKED.store(true, Ordering::SeqCst);
    }
    memory::write32(console::address(console::register::INTERRUPT_CLEAR), console::RECEIVE_INTERRUPTS);
}

fn tell() {
    println!("periods={} missed={}", PERIODS.load(Ordering::SeqCst), MISSED.load(Ordering::SeqCst));
}

fn raw() {
    println!("victim: t0={} T={}", START.load(Ordering::SeqCst), PERIOD.load(Ordering::SeqCst));
    for (k, sample) in SAMPLED.iter().take(PERIODS.load(Ordering::SeqCst) as usize).enumerate() {
        println!("sample {k} {}", sample.load(Ordering::SeqCst));
    }
}
