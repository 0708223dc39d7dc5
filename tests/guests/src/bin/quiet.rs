//! Every vCPU sleeps and is woken by its virtual timer, uses FP registers, ends the interrupt, and sends the next vCPU an SGI:
//! what costs an exit of it is the timer's expiry and the SGI. Prints nothing meanwhile. The key `q` ends it; then it
//! says how often it did what.
//!
//! Bootargs: `hz=N` (100) expiries per second; `alone` sends no SGIs; `noisy` makes a hypervisor call each time, which
//! must be seen; `busy=N` (0) does not sleep for the first N percent of each period.
#![no_std]
#![no_main]

use core::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use bulkhead_guests::psci::{self, function};
use bulkhead_guests::timer::{self, Timer};
use bulkhead_guests::{
    Machine, console, cpu, entry, expect, interrupt, machine, memory, println, smp, vector_registers,
};

entry!(main);

/// The SGI that vCPUs send.
const SGI: u32 = 1;

static NEXT: [AtomicU64; smp::MAXIMUM] = [const { AtomicU64::new(0) }; smp::MAXIMUM];
static TICKS: AtomicU64 = AtomicU64::new(0);
static SENT: AtomicU64 = AtomicU64::new(0);
static RECEIVED: AtomicU64 = AtomicU64::new(0);
static WRONG: AtomicU64 = AtomicU64::new(0);
static STOPPED: AtomicBool = AtomicBool::new(false);
static RUNNING: AtomicUsize = AtomicUsize::new(0);

fn main(machine: &'static Machine) {
    interrupt::initialise(machine);
    interrupt::handle(machine.uart_intid, |_| key());
    memory::write32(console::address(console::register::INTERRUPT_MASK), console::RECEIVE_INTERRUPTS);
    RUNNING.store(machine.cpus.len(), Ordering::SeqCst);
    println!("quiet: {} vCPUs", machine.cpus.len());
    (1..machine.cpus.len()).for_each(|index| _ = smp::start(machine, index, sleep));
    sleep(0);
    while RUNNING.load(Ordering::SeqCst) != 0 {
        cpu::wait_for_event();
    }
    let told = [&TICKS, &SENT, &RECEIVED].map(|count| count.load(Ordering::SeqCst));
    println!("quiet: ticks={} sent={} received={}", told[0], told[1], told[2]);
    expect!("FP registers kept what they held", WRONG.load(Ordering::SeqCst) == 0);
}

/// What every vCPU does until it is stopped.
fn sleep(index: usize) {
    interrupt::controller().initialise_cpu();
    interrupt::handle(machine().virtual_timer, |_| tick());
    interrupt::handle(SGI, |_| _ = RECEIVED.fetch_add(1, Ordering::SeqCst));
    NEXT[index].store(timer::count() + period(), Ordering::SeqCst);
    Timer::Virtual.set(NEXT[index].load(Ordering::SeqCst));
    let mut turn = 0;
    while !STOPPED.load(Ordering::SeqCst) {
        turn += 1;
        let parked = [turn; 64];
        vector_registers::write(&parked);
        let ticks = TICKS.load(Ordering::SeqCst);
        cpu::wait_until(|| STOPPED.load(Ordering::SeqCst) || TICKS.load(Ordering::SeqCst) != ticks);
        WRONG.fetch_add(u64::from(vector_registers::read() != parked), Ordering::SeqCst);
        let awake = machine().arguments.number("busy", 0);
        let until = NEXT[index].load(Ordering::SeqCst) - period() + period() * awake / 100;
        while timer::count() < until {}
    }
    cpu::disable_interrupts();
    Timer::Virtual.stop();
    RUNNING.fetch_sub(1, Ordering::SeqCst);
    cpu::send_event();
}

/// Ticks of the counter from one expiry to the next.
fn period() -> u64 {
    timer::frequency() / machine().arguments.number("hz", 100)
}

fn tick() {
    let (machine, index) = (machine(), cpu::index());
    let next = NEXT[index].fetch_add(period(), Ordering::SeqCst) + period();
    Timer::Virtual.set(next);
    TICKS.fetch_add(1, Ordering::SeqCst);
    if !machine.arguments.flag("alone") {
        let target = (index + 1) % machine.cpus.len();
        interrupt::controller().send_sgi(SGI, machine.cpus[target], target);
        SENT.fetch_add(1, Ordering::SeqCst);
    }
    if machine.arguments.flag("noisy") {
        psci::psci(function::PSCI_VERSION, [0; 3]);
    }
}

/// A key was typed.
fn key() {
    while let Some(byte) = console::read_byte() {
        STOPPED.store(STOPPED.load(Ordering::SeqCst) || byte == b'q', Ordering::SeqCst);
    }
    memory::write32(console::address(console::register::INTERRUPT_CLEAR), console::RECEIVE_INTERRUPTS);
}
