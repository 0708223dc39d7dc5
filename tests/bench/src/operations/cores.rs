//! From one vCPU to another.

use core::sync::atomic::{AtomicU64, Ordering};

use super::interrupts::SGI;
use crate::Bench;
use crate::vectors::{self, cpu_interface, interrupted};
use bulkhead_guests::gic::register;
use bulkhead_guests::machine::Controller;
use bulkhead_guests::psci::{self, function, status};
use bulkhead_guests::{Machine, cpu, interrupt, machine, smp, timer};

core::arch::global_asm!(include_str!("started.s"));

unsafe extern "C" {
    fn started_entry();
}

/// Ticks in which a vCPU that is said to be off has gone off. Xen says so while it still is on its way, and one that
/// is started then loses its x0.
const GOING_OFF: u64 = 20_000;

/// The count at which the other vCPU noticed, or 0.
static NOTICED: AtomicU64 = AtomicU64::new(0);
/// 1 while the other vCPU waits for interrupts; 2 to send it home.
static LISTENING: AtomicU64 = AtomicU64::new(0);

/// Has every other vCPU sleep for good. Returns when all of them are on their way to it.
pub fn crowd(machine: &'static Machine) {
    for index in 1..machine.cpus.len() {
        LISTENING.store(0, Ordering::SeqCst);
        let answer = smp::start(machine, index, |_| {
            LISTENING.store(1, Ordering::SeqCst);
            cpu::sleep_for_good();
        });
        assert_eq!(answer, status::SUCCESS, "vCPU {index} starts");
        wait(|| LISTENING.load(Ordering::SeqCst) == 1);
    }
}

pub fn measure(bench: &Bench) {
    bench.measure("cpu-on", || cpu_on(bench.machine.cpus[1]));
    assert_eq!(smp::start(bench.machine, 1, listen), status::SUCCESS, "vCPU 1 starts");
    wait(|| LISTENING.load(Ordering::SeqCst) == 1);
    bench.measure("sgi-to-other", || sgi(bench.machine));
    LISTENING.store(2, Ordering::SeqCst);
    sgi(bench.machine);
    wait_until_off(bench.machine.cpus[1]);
}

/// Ticks from CPU_ON to the first instruction of the vCPU with `affinity` that it starts, which goes off again.
pub fn cpu_on(affinity: u64) -> u64 {
    let entry = started_entry as *const () as u64;
    NOTICED.store(0, Ordering::SeqCst);
    take_a_whole_turn();
    let before = bulkhead_guests::read_register!("cntvct_el0");
    let answer = psci::psci(function::CPU_ON_64, [affinity, entry, NOTICED.as_ptr() as u64]);
    assert_eq!(answer, status::SUCCESS, "the vCPU starts");
    wait(|| NOTICED.load(Ordering::SeqCst) != 0);
    wait_until_off(affinity);
    NOTICED.load(Ordering::SeqCst) - before
}

/// Ticks from sending an SGI to the first instruction of the other vCPU's handler.
fn sgi(machine: &Machine) -> u64 {
    NOTICED.store(0, Ordering::SeqCst);
    let target = machine.cpus[1];
    let before: u64;
    match machine.controller {
        Controller::V2 { distributor, .. } => {
            before = bulkhead_guests::read_register!("cntvct_el0");
            bulkhead_guests::memory::write32(distributor + register::SGIR, 1 << 17 | SGI as u32);
        }
        Controller::V3 { .. } => {
            let value = SGI << 24 | 1 << (target & 0xf) | (target >> 8 & 0xff) << 16;
            before = bulkhead_guests::read_register!("cntvct_el0");
            bulkhead_guests::write_register!("s3_0_c12_c11_5", value);
        }
    }
    wait(|| NOTICED.load(Ordering::SeqCst) != 0);
    NOTICED.load(Ordering::SeqCst) - before
}

/// The other vCPU: notes when each interrupt came.
fn listen(_index: usize) {
    vectors::install();
    interrupt::controller().initialise_cpu();
    let interface = cpu_interface(machine());
    LISTENING.store(1, Ordering::SeqCst);
    while LISTENING.load(Ordering::SeqCst) != 2 {
        // Cores that count instructions take turns, and YIELD gives a turn away.
        let (_, taken) = interrupted!(["3: yield", "cbz x11, 3b"], 0, interface,);
        NOTICED.store(taken, Ordering::SeqCst);
    }
}

fn wait(done: impl Fn() -> bool) {
    while !done() {
        core::hint::spin_loop();
        take_a_whole_turn();
    }
}

/// Gives the turn away: the next begins when every other core has had its own, or sleeps.
pub fn take_a_whole_turn() {
    // SAFETY: a hint that gives the turn away.
    unsafe { core::arch::asm!("yield", options(nostack, nomem)) };
}

fn wait_until_off(affinity: u64) {
    wait(|| psci::psci(function::AFFINITY_INFO_64, [affinity, 0, 0]) == 1);
    let gone = timer::count() + GOING_OFF;
    wait(|| timer::count() >= gone);
    cpu::send_event();
}
