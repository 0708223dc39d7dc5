//! Cores and how each is started.

use super::children;
use crate::address::Pa;
use crate::config::mistake::{Mistakes, missing, mistake, text};
use crate::fdt::{Node, View};
use alloc::vec::Vec;

/// Aff3.Aff2.Aff1.Aff0 in bits 39:32 and 23:0 of MPIDR_EL1 (Arm ARM DDI 0487 D19.2.110).
const AFFINITY: u64 = 0xff_00ff_ffff;

/// A core.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cpu {
    /// Its affinity: Aff3 in bits 39:32, Aff2 to Aff0 in bits 23:0, the others 0.
    pub mpidr: u64,
    /// How it is started.
    pub enable: Enable,
}

/// How a core is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enable {
    /// By the firmware's CPU_ON (PSCI DEN0022 5.6).
    Psci,
    /// By writing an address to `release`, 8 bytes, and an event (Linux Documentation/arch/arm64/booting.rst).
    SpinTable {
        /// Where the core looks for its entry address.
        release: Pa,
    },
    /// Not at all: the tree has switched it off, or names no way that we know.
    Disabled,
}

/// Cores in the order of `/cpus`. `psci` is whether the firmware has PSCI. A core that cannot be started is a mistake
/// which does no harm; without a good affinity for each core there are none.
pub(super) fn read(view: View<'_>, psci: bool, mistakes: &mut Mistakes) -> Option<Vec<Cpu>> {
    let mut cpus: Vec<Cpu> = Vec::new();
    for node in &children(view, "/cpus") {
        if text(node, "device_type") != Some("cpu") {
            continue;
        }
        let mpidr = node.property("reg").and_then(|reg| reg.number()).unwrap_or(u64::MAX);
        if mpidr & !AFFINITY != 0 || cpus.iter().any(|cpu| cpu.mpidr == mpidr) {
            let expected = "MPIDR affinity bits 39:32 and 23:0 that no other core has";
            mistake(mistakes, node, "reg", format_args!("{expected}"));
            return None;
        }
        cpus.push(Cpu { mpidr, enable: enable(node, psci, mistakes) });
    }
    if cpus.is_empty() {
        missing(mistakes, "/cpus", "without cores", "at least one child with device_type = \"cpu\"");
        return None;
    }
    Some(cpus)
}

/// How the core at `node` is started; what is not said there may be said at `/cpus`.
fn enable(node: &Node<'_>, psci: bool, mistakes: &mut Mistakes) -> Enable {
    const METHOD: &str = "enable-method";
    const RELEASE: &str = "cpu-release-addr";
    if !node.is_enabled() {
        return Enable::Disabled;
    }
    let inherited = || text(&node.parent()?, METHOD);
    match text(node, METHOD).or_else(inherited) {
        Some("psci") | None if psci => return Enable::Psci,
        Some("psci") => mistake(mistakes, node, METHOD, format_args!("a /psci node beside it")),
        Some("spin-table") => {
            let release = node.property(RELEASE).and_then(|release| release.number());
            match release.filter(|release| release % 8 == 0) {
                Some(release) => return Enable::SpinTable { release: Pa::new(release) },
                None => mistake(mistakes, node, RELEASE, format_args!("an address that is a multiple of 8")),
            }
        }
        _ => mistake(mistakes, node, METHOD, format_args!("psci or spin-table: the core stays off")),
    }
    Enable::Disabled
}
