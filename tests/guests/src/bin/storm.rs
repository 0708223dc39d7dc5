//! Makes as much of interrupts as it can, for ever: nobody else must notice.
//!
//! Bootargs: `how=` `unacknowledged` (every interrupt enabled and pending, none is ever acknowledged), `masked` (both timers
//! expire again and again behind PSTATE.I), `stuck` (both timers' lines stay high, however often the interrupts are ended),
//! `sgis` (every vCPU sends all others SGIs without a pause). Says `storm: N` once, after its first [`MANY`] rounds.
#![no_std]
#![no_main]

use core::sync::atomic::{AtomicU64, Ordering};

use bulkhead_guests::gic::{Gic, register};
use bulkhead_guests::memory::write32;
use bulkhead_guests::psci::status;
use bulkhead_guests::timer::Timer;
use bulkhead_guests::{Machine, cpu, entry, interrupt, machine, println, smp};

entry!(main);

/// Rounds, or interrupts, after which it says so.
const MANY: u64 = 20_000;
/// The SGI that is sent.
const SGI: u32 = 5;

static ROUNDS: AtomicU64 = AtomicU64::new(0);

fn main(machine: &'static Machine) {
    let gic = interrupt::initialise(machine);
    let how = machine.arguments.text("how").unwrap_or("masked");
    println!("storm: how={how}");
    match how {
        "unacknowledged" => unacknowledged(gic),
        "masked" => masked(machine, gic),
        "stuck" => stuck(machine),
        "sgis" => sgis(machine),
        other => panic!("bootargs: how={other} is not known"),
    }
}

/// One more round.
fn count() {
    if ROUNDS.fetch_add(1, Ordering::SeqCst) + 1 == MANY {
        println!("storm: {MANY}");
    }
}

fn unacknowledged(gic: &Gic) {
    let distributor = gic.distributor();
    for word in (4..gic.lines() as usize / 8).step_by(4) {
        write32(distributor + register::ISENABLER + word, u32::MAX);
        write32(distributor + register::ISPENDR + word, u32::MAX);
    }
    write32(gic.private_frame() + register::ISENABLER, u32::MAX);
    (0..16).for_each(|sgi| gic.send_sgi(sgi, machine().cpus[0], 0));
    loop {
        write32(distributor + register::ICPENDR + 4, u32::MAX);
        write32(distributor + register::ISPENDR + 4, u32::MAX);
        cpu::wait_for_interrupt();
        count();
    }
}

fn masked(machine: &Machine, gic: &Gic) {
    gic.enable(machine.virtual_timer);
    gic.enable(machine.physical_timer);
    loop {
        Timer::Virtual.set(Timer::Virtual.count());
        Timer::Physical.set(Timer::Physical.count());
        count();
    }
}

fn stuck(machine: &Machine) {
    for (timer, intid) in [(Timer::Virtual, machine.virtual_timer), (Timer::Physical, machine.physical_timer)] {
        timer.set(0);
        interrupt::handle(intid, |_| count());
    }
    cpu::enable_interrupts();
    loop {
        cpu::wait_for_interrupt();
    }
}

fn sgis(machine: &Machine) {
    for index in 1..machine.cpus.len() {
        assert_eq!(smp::start(machine, index, send), status::SUCCESS, "vCPU {index} starts");
    }
    send(0);
}

/// What every vCPU does.
fn send(index: usize) {
    let gic = interrupt::controller();
    gic.initialise_cpu();
    interrupt::handle(SGI, |_| count());
    cpu::enable_interrupts();
    let others = || machine().cpus.iter().enumerate().filter(|(other, _)| *other != index);
    loop {
        others().for_each(|(other, affinity)| gic.send_sgi(SGI, *affinity, other));
    }
}
