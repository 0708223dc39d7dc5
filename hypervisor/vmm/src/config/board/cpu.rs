//! Cores and how each is started.

use crate::address::Pa;
use crate::config::mistake::{mistake, mistake_at};
use crate::fault::ConfigError;
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

/// Cores in the order of `/cpus`. `psci` is whether the firmware has PSCI.
pub(super) fn read(view: &View<'_>, psci: bool, warnings: &mut Vec<ConfigError>) -> Result<Vec<Cpu>, ConfigError> {
    let mut cpus: Vec<Cpu> = Vec::new();
    for node in view.find("/cpus").iter().flat_map(Node::children).filter(is_cpu) {
        let mpidr = affinity(&node)?;
        if cpus.iter().any(|cpu| cpu.mpidr == mpidr) {
            return Err(mistake(&node, "reg", "an affinity that no other core has"));
        }
        let enable = enable(&node, psci).unwrap_or_else(|warning| {
            warnings.push(warning);
            Enable::Disabled
        });
        cpus.push(Cpu { mpidr, enable });
    }
    if cpus.is_empty() {
        return Err(mistake_at("/cpus", "", "without cores", "at least one child with device_type = \"cpu\""));
    }
    Ok(cpus)
}

fn is_cpu(node: &Node<'_>) -> bool {
    node.property("device_type").and_then(|kind| kind.string()) == Some("cpu")
}

/// The affinity that a core's `reg` gives in one or two cells.
fn affinity(node: &Node<'_>) -> Result<u64, ConfigError> {
    let reg = node.property("reg").and_then(|reg| reg.number());
    reg.filter(|mpidr| mpidr & !AFFINITY == 0).ok_or_else(|| mistake(node, "reg", "MPIDR affinity bits 39:32 and 23:0"))
}

/// How the core at `node` is started; what is not said there may be said at `/cpus`.
fn enable(node: &Node<'_>, psci: bool) -> Result<Enable, ConfigError> {
    if !node.is_enabled() {
        return Ok(Enable::Disabled);
    }
    let inherited = || node.parent().and_then(|cpus| cpus.property("enable-method"));
    let own = node.property("enable-method");
    match own.or_else(inherited).and_then(|method| method.string()) {
        Some("psci") if psci => Ok(Enable::Psci),
        Some("psci") => Err(mistake(node, "enable-method", "a /psci node beside it")),
        Some("spin-table") => spin_table(node),
        None if psci => Ok(Enable::Psci),
        _ => Err(mistake(node, "enable-method", "psci or spin-table: the core stays off")),
    }
}

fn spin_table(node: &Node<'_>) -> Result<Enable, ConfigError> {
    let release = node.property("cpu-release-addr").and_then(|release| release.number());
    let release = release.filter(|release| release % 8 == 0).map(Pa::new);
    release
        .map(|release| Enable::SpinTable { release })
        .ok_or_else(|| mistake(node, "cpu-release-addr", "an address that is a multiple of 8"))
}
