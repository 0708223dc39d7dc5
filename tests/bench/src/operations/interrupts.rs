//! Interrupts from their cause to the first instruction of their handler.

use crate::Bench;
use crate::vectors::{cpu_interface, interrupted};
use bulkhead_guests::gic::register;
use bulkhead_guests::interrupt;
use bulkhead_guests::machine::Controller;
use bulkhead_guests::timer::Timer;

/// The SGI that is sent.
pub const SGI: u64 = 1;
/// Ticks that a timer is set ahead: the instructions up to the wait fit in several times over, at any cost of an exit.
const AHEAD: u64 = 50_000;

pub fn measure(bench: &Bench) {
    let interface = cpu_interface(bench.machine);
    bench.measure("sgi-to-self", || {
        let (sent, taken) = match bench.machine.controller {
            Controller::V2 { distributor, .. } => interrupted!(["str {value:w}, [{address}]"], 0, interface,
                value = in(reg) 2u64 << 24 | SGI, address = in(reg) distributor + register::SGIR,),
            Controller::V3 { .. } => {
                interrupted!(["msr s3_0_c12_c11_5, {value}"], 0, interface, value = in(reg) SGI << 24 | 1,)
            }
        };
        taken - sent
    });
    for (name, timer) in [("virtual-timer", Timer::Virtual), ("physical-timer", Timer::Physical)] {
        let lead = if timer == Timer::Physical { physical_lead() } else { 0 };
        enable(bench, timer);
        bench.measure(name, || expiry(interface, timer).wrapping_add(lead));
        timer.stop();
    }
    enable(bench, Timer::Virtual);
    bench.measure("wfi-virtual-timer", || {
        let deadline = set(Timer::Virtual);
        let (_, taken) = interrupted!(["wfi"], 1, interface,);
        taken - deadline
    });
    Timer::Virtual.stop();
}

/// Ticks that the physical counter is ahead of the virtual one, which handlers read (CNTVOFF_EL2, Arm ARM DDI 0487
/// D12.1.2). Where reading it takes an exit, the hypervisor answers for both with one count.
fn physical_lead() -> u64 {
    let (before, physical, after): (u64, u64, u64);
    // SAFETY: reads counters.
    unsafe {
        core::arch::asm!(
            "isb", "mrs {before}, cntvct_el0", "mrs {physical}, cntpct_el0", "mrs {after}, cntvct_el0",
            before = out(reg) before, physical = out(reg) physical, after = out(reg) after, options(nostack)
        );
    }
    if after - before == 2 { physical.wrapping_sub(before + 1) } else { 0 }
}

/// Ticks from the deadline of `timer` to the handler, on a vCPU that spins. For the physical timer they are short of
/// [`physical_lead`].
fn expiry(interface: u64, timer: Timer) -> u64 {
    let deadline = set(timer);
    let which = if timer == Timer::Virtual { 1 } else { 2 };
    let (_, taken) = interrupted!(["nop"], which, interface,);
    taken.wrapping_sub(deadline)
}

/// Sets `timer` a little ahead; the count at which it fires.
fn set(timer: Timer) -> u64 {
    let deadline = timer.count() + AHEAD;
    timer.set(deadline);
    deadline
}

fn enable(bench: &Bench, timer: Timer) {
    let intid = if timer == Timer::Virtual { bench.machine.virtual_timer } else { bench.machine.physical_timer };
    interrupt::controller().enable(intid);
}
