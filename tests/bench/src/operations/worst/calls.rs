//! PSCI (DEN0022).

use super::flood::{Flood, affinity};
use crate::Bench;
use crate::vectors::ticks;
use bulkhead_guests::psci::function;

/// The widest affinity level: every vCPU counts.
const EVERYTHING: u64 = 3;
/// Outside of RAM.
const NOWHERE: u64 = 0x1_0000;
/// A powerdown request (DEN0022 5.4.2).
const POWERDOWN: u64 = 1 << 16;

pub fn measure(bench: &Bench, flood: &Flood) {
    let last = affinity(flood.vcpus - 1);
    let calls = [
        ("worst-affinity-info", function::AFFINITY_INFO_64, [0, EVERYTHING]),
        ("worst-cpu-on-refused", function::CPU_ON_64, [last, NOWHERE]),
        ("worst-suspend-refused", function::CPU_SUSPEND_64, [POWERDOWN, NOWHERE]),
        ("worst-system-suspend-refused", function::SYSTEM_SUSPEND_64, [NOWHERE, 0]),
        // Interrupts are pending: it returns at once.
        ("worst-cpu-suspend", function::CPU_SUSPEND_64, [0, 0]),
    ];
    for (name, function, arguments) in calls {
        bench.measure(name, || call(function, arguments));
    }
}

fn call(function: u32, [first, second]: [u64; 2]) -> u64 {
    ticks!(["hvc #0"], inout("x0") u64::from(function) => _, inout("x1") first => _, inout("x2") second => _,
        clobber_abi("C"),)
}
