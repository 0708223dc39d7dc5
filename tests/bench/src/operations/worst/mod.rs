//! Every exit in the most expensive state that a guest can bring it to, as far as that is known: all interrupts that the
//! machine has are pending and enabled, each a little more urgent than the last, so that a choice among them never ends
//! early, and on GICv2 routed to any vCPU, of which the machine has as many as it can. Every change makes the list registers,
//! which are too few, be chosen anew.
//!
//! Only the boot vCPU runs, but where a name ends in `-running`: cores that count instructions take turns, and what
//! others do in theirs would be counted too. A core without a vCPU may still be woken, so the least of all samples counts.

mod aborts;
mod calls;
mod controller;
mod delivery;
mod flood;
mod others;
mod timers;
mod uart;

use crate::Bench;
use flood::Flood;

pub fn measure(bench: &Bench) {
    // First, because only the first aborts of a machine are told.
    aborts::told(bench);
    let flood = Flood::new(bench.machine);
    flood.begin();
    aborts::measure(bench);
    calls::measure(bench, &flood);
    controller::measure(bench, &flood);
    uart::measure(bench);
    timers::measure(bench);
    delivery::measure(bench, &flood);
    others::measure(bench, &flood);
}
