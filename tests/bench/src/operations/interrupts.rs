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
        enable(bench, timer);
        bench.measure(name, || expiry(interface, timer));
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

/// Ticks from the deadline of `timer` to the handler, on a vCPU that spins.
fn expiry(interface: u64, timer: Timer) -> u64 {
    let deadline = set(timer);
    let which = if timer == Timer::Virtual { 1 } else { 2 };
    let (_, taken) = interrupted!(["nop"], which, interface,);
    taken - deadline
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
