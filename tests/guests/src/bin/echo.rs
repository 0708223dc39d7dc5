//! Answers each line it gets with `echo: LINE ticks=T`: T is the ticks of CNTVCT from the interrupt that brought the line's
//! first byte until LINE had been handed to the UART. The line `quit` ends it.
#![no_std]
#![no_main]

use core::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering};

use arrayvec::ArrayString;
use bulkhead_guests::{Machine, console, cpu, entry, interrupt, memory, println, timer};

entry!(main);

/// Bytes between the interrupt and the main loop; what comes while they are full is lost.
const RING: usize = 1024;

/// A received byte and the CNTVCT of the interrupt that brought it.
struct Received {
    byte: AtomicU8,
    time: AtomicU64,
}

static RECEIVED: [Received; RING] = [const { Received { byte: AtomicU8::new(0), time: AtomicU64::new(0) } }; RING];
static HEAD: AtomicUsize = AtomicUsize::new(0);
static TAIL: AtomicUsize = AtomicUsize::new(0);

fn main(machine: &'static Machine) {
    interrupt::initialise(machine);
    interrupt::handle(machine.uart_intid, |_| receive());
    memory::write32(console::address(console::register::INTERRUPT_MASK), console::RECEIVE_INTERRUPTS);
    println!("echo: ready");
    let mut line = ArrayString::<256>::new();
    let mut began = None;
    loop {
        let (byte, time) = next();
        let start = *began.get_or_insert(time);
        if !matches!(byte, b'\r' | b'\n') {
            // A longer line is answered as far as it fits.
            let _ = line.try_push(char::from(byte));
            continue;
        }
        console::print(format_args!("echo: {line}"));
        println!(" ticks={}", timer::count() - start);
        if line.as_str() == "quit" {
            return;
        }
        line.clear();
        began = None;
    }
}

/// The UART's interrupt: takes every byte there is.
fn receive() {
    let now = timer::count();
    // First: a byte that comes after the last one was read interrupts again.
    memory::write32(console::address(console::register::INTERRUPT_CLEAR), console::RECEIVE_INTERRUPTS);
    while let Some(byte) = console::read_byte() {
        let head = HEAD.load(Ordering::SeqCst);
        if head - TAIL.load(Ordering::SeqCst) < RING {
            RECEIVED[head % RING].byte.store(byte, Ordering::SeqCst);
            RECEIVED[head % RING].time.store(now, Ordering::SeqCst);
            HEAD.store(head + 1, Ordering::SeqCst);
        }
    }
}

/// Waits for the next byte.
fn next() -> (u8, u64) {
    cpu::wait_until(|| HEAD.load(Ordering::SeqCst) != TAIL.load(Ordering::SeqCst));
    let tail = TAIL.load(Ordering::SeqCst);
    let slot = &RECEIVED[tail % RING];
    let received = (slot.byte.load(Ordering::SeqCst), slot.time.load(Ordering::SeqCst));
    TAIL.store(tail + 1, Ordering::SeqCst);
    received
}
