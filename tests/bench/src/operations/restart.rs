//! From SYSTEM_RESET to the first instruction that the machine runs again. Nothing in a guest outlives its reset, so this
//! guest says when it began and when it asks, each time anew, and who listens takes the difference with the counts at
//! which the hypervisor says that it was started.

use bulkhead_guests::psci::{self, function};
use bulkhead_guests::{boot, println, timer};

/// Ticks in which the line is printed, at any cost of an exit.
const AHEAD: u64 = 2_000_000;

/// Says when, and resets the machine then.
pub fn reset() {
    let at = timer::count() + AHEAD;
    println!("guest: entered at {} ticks, resets at {at} ticks", boot::entered_at());
    while timer::count() < at {}
    psci::psci(function::SYSTEM_RESET, [0; 3]);
}
