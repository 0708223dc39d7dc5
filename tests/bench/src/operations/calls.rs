//! Calls to the firmware or to what stands in for it (SMCCC DEN0028, PSCI DEN0022).

use crate::Bench;
use crate::vectors::ticks;
use bulkhead_guests::psci::Conduit;

const PSCI_VERSION: u32 = 0x8400_0000;
const SMCCC_VERSION: u32 = 0x8000_0000;
/// In the range of vendor-specific hypervisor services, which nobody answers.
const UNKNOWN: u32 = 0x8600_7fff;

pub fn measure(bench: &Bench) {
    let smc = matches!(bench.machine.conduit, Conduit::Smc);
    for (name, function) in
        [("psci-version", PSCI_VERSION), ("smccc-version", SMCCC_VERSION), ("unknown-call", UNKNOWN)]
    {
        bench.measure(name, || if smc { by_smc(function) } else { by_hvc(function) });
    }
}

fn by_hvc(function: u32) -> u64 {
    ticks!(["hvc #0"], inout("x0") u64::from(function) => _, clobber_abi("C"),)
}

fn by_smc(function: u32) -> u64 {
    ticks!(["smc #0"], inout("x0") u64::from(function) => _, clobber_abi("C"),)
}
