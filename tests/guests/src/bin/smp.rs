//! Every vCPU of the tree: started, made to interrupt every other, counted together, switched off, and started again.
//!
//! Bootargs: `rounds=N` (50) of interrupts all to all, `cycles=N` (3) of CPU_ON and CPU_OFF.
#![no_std]
#![no_main]

use core::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};

use bulkhead_guests::psci::{self, function, status};
use bulkhead_guests::smp::{self, MAXIMUM};
use bulkhead_guests::timer::{self, Timer};
use bulkhead_guests::{
    Machine, cpu, entry, expect, expect_eq, interrupt, machine, println, read_register, vector_registers,
    write_register,
};

entry!(main);

/// Additions that every vCPU makes to one counter in each round.
const ADDITIONS: u32 = 1000;
/// SCTLR_EL1: M and C.
const MMU_AND_CACHE: u64 = 1 | 1 << 2;
/// D, A, I and F masked, as DAIF reads.
const ALL_MASKED: u64 = 0xf << 6;

/// Interrupts that one vCPU (first index) got from another (second index, which is the SGI's number).
static RECEIVED: [[AtomicU32; MAXIMUM]; MAXIMUM] = [const { [const { AtomicU32::new(0) }; MAXIMUM] }; MAXIMUM];
/// vCPUs that found something of a former life when they began.
static HAUNTED: [AtomicBool; MAXIMUM] = [const { AtomicBool::new(false) }; MAXIMUM];
static TICKS: [AtomicU32; MAXIMUM] = [const { AtomicU32::new(0) }; MAXIMUM];
static SUM: AtomicU32 = AtomicU32::new(0);
static AT_BARRIER: AtomicUsize = AtomicUsize::new(0);

fn main(machine: &'static Machine) {
    interrupt::initialise(machine);
    let cycles = machine.arguments.number("cycles", 3) as u32;
    println!("smp: {} vCPUs", machine.cpus.len());
    for cycle in 1..=cycles {
        forget();
        start_all(machine, cycle);
        together(0);
        report(machine, cycle);
        wait_until_off(machine);
    }
    expect_eq!("no interrupt came unasked", interrupt::unexpected(), 0);
}

fn forget() {
    let counters = RECEIVED.iter().flatten().chain(&TICKS).chain([&SUM]);
    counters.for_each(|counter| counter.store(0, Ordering::SeqCst));
    AT_BARRIER.store(0, Ordering::SeqCst);
}

fn start_all(machine: &Machine, cycle: u32) {
    for index in 1..machine.cpus.len() {
        let answer = smp::start(machine, index, together);
        expect_eq!(format_args!("cycle {cycle}: vCPU {index} starts"), answer, status::SUCCESS);
        // QEMU's built-in PSCI has no ON_PENDING: it starts a vCPU again whose first start has not finished.
        if !machine.arguments.flag("native") {
            let again = matches!(smp::start(machine, index, together), status::ALREADY_ON | status::ON_PENDING);
            expect!(format_args!("cycle {cycle}: vCPU {index} is not started twice"), again);
        }
    }
    while AT_BARRIER.load(Ordering::SeqCst) < machine.cpus.len() - 1 {
        cpu::wait_for_event();
    }
    for index in 1..machine.cpus.len() {
        let answer = smp::start(machine, index, together);
        expect_eq!(format_args!("cycle {cycle}: vCPU {index} is on"), answer, status::ALREADY_ON);
    }
}

/// Registers that the runtime leaves alone.
macro_rules! unused {
    ($each:ident) => {
        $each!("tpidr_el0", "tpidrro_el0", "contextidr_el1", "far_el1", "afsr0_el1", "cntv_cval_el0")
    };
}

/// Whether this vCPU, which has just begun, has anything of a former life.
fn is_haunted() -> bool {
    macro_rules! read {
        ($($name:literal),*) => { [$(read_register!($name)),*] };
    }
    let registers = unused!(read);
    registers != [0; 6] || vector_registers::read() != [0; 64] || read_register!("cntv_ctl_el0") & 1 != 0
}

/// Leaves something behind for the next life.
fn haunt() {
    macro_rules! write {
        ($($name:literal),*) => { $(write_register!($name, 0x5a5a_5a5a_u64);)* };
    }
    unused!(write);
    vector_registers::write(&[0x5a5a_5a5a_5a5a_5a5a; 64]);
}

/// What every vCPU does, the boot vCPU among them.
fn together(index: usize) {
    let machine = machine();
    if index > 0 {
        HAUNTED[index].store(is_haunted(), Ordering::SeqCst);
    }
    let gic = interrupt::controller();
    gic.initialise_cpu();
    for sender in 0..machine.cpus.len() as u32 {
        interrupt::handle(sender, |sender| count(&RECEIVED[cpu::index()][sender as usize]));
    }
    interrupt::handle(machine.virtual_timer, |_| {
        Timer::Virtual.stop();
        count(&TICKS[cpu::index()]);
    });
    cpu::enable_interrupts();
    let rounds = machine.arguments.number("rounds", 50) as u32;
    for round in 1..=rounds {
        barrier(machine);
        Timer::Virtual.set(timer::count() + timer::frequency() / 2000);
        for (target, &affinity) in machine.cpus.iter().enumerate() {
            gic.send_sgi(index as u32, affinity, target);
        }
        (0..ADDITIONS).for_each(|_| count(&SUM));
        cpu::wait_until(|| complete(machine, index, round));
    }
    barrier(machine);
    cpu::disable_interrupts();
    if index > 0 {
        haunt();
    }
}

fn count(counter: &AtomicU32) {
    counter.fetch_add(1, Ordering::SeqCst);
}

/// Whether vCPU `index` has got this round's timer tick and interrupts.
fn complete(machine: &Machine, index: usize, round: u32) -> bool {
    let senders = &RECEIVED[index][..machine.cpus.len()];
    TICKS[index].load(Ordering::SeqCst) >= round && senders.iter().all(|sender| sender.load(Ordering::SeqCst) >= round)
}

/// Waits until every vCPU has come here as often as this one.
fn barrier(machine: &Machine) {
    let vcpus = machine.cpus.len();
    let arrival = AT_BARRIER.fetch_add(1, Ordering::SeqCst);
    let wanted = (arrival / vcpus + 1) * vcpus;
    cpu::send_event();
    while AT_BARRIER.load(Ordering::SeqCst) < wanted {
        cpu::wait_for_event();
    }
}

fn report(machine: &Machine, cycle: u32) {
    let rounds = machine.arguments.number("rounds", 50) as u32;
    let vcpus = machine.cpus.len();
    for index in 0..vcpus {
        let received: u32 = RECEIVED[index].iter().map(|sender| sender.load(Ordering::SeqCst)).sum();
        let seen = (received, TICKS[index].load(Ordering::SeqCst));
        expect_eq!(
            format_args!("cycle {cycle}: vCPU {index} interrupts and ticks"),
            seen,
            (rounds * vcpus as u32, rounds)
        );
        if index > 0 {
            let (sctlr, daif) = smp::entered_with(index);
            let seen = (sctlr & MMU_AND_CACHE, daif);
            expect_eq!(format_args!("cycle {cycle}: vCPU {index} entered as PSCI says"), seen, (0, ALL_MASKED));
            let haunted = HAUNTED[index].load(Ordering::SeqCst);
            expect!(format_args!("cycle {cycle}: vCPU {index} has nothing of a former life"), !haunted);
        }
    }
    expect_eq!(format_args!("cycle {cycle}: sum"), SUM.load(Ordering::SeqCst), rounds * ADDITIONS * vcpus as u32);
}

fn wait_until_off(machine: &Machine) {
    for &affinity in &machine.cpus[1..] {
        while psci::psci(function::AFFINITY_INFO_64, [affinity, 0, 0]) != 1 {
            cpu::send_event();
        }
    }
}
