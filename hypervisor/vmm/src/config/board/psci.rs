//! The firmware's power control.

use crate::config::mistake::{Mistakes, mistake, text};
use crate::fdt::{Node, View};

/// How to reach the firmware's PSCI (Linux Documentation/devicetree/bindings/arm/psci.yaml).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Psci {
    /// The instruction that calls it.
    pub method: PsciMethod,
    /// What it can do at least.
    pub version: PsciVersion,
}

/// The instruction that calls the firmware.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PsciMethod {
    /// SMC.
    Smc,
    /// HVC: only of use to what runs below a hypervisor.
    Hvc,
}

/// The interface's version, as far as the tree tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PsciVersion {
    /// 0.1: the tree gives the function numbers.
    V0_1 {
        /// The number of CPU_ON.
        cpu_on: u32,
    },
    /// 0.2: fixed function numbers.
    V0_2,
    /// 1.0 or later: PSCI_FEATURES can be asked.
    V1_0,
}

/// The power control in `view`; without one that can be used, cores are started otherwise.
pub(super) fn read(view: View<'_>, mistakes: &mut Mistakes) -> Option<Psci> {
    let models = ["arm,psci-1.0", "arm,psci-0.2", "arm,psci"];
    let node = view.nodes().find(|node| node.is_compatible(&models) && node.is_enabled())?;
    let method = match text(&node, "method") {
        Some("smc") => PsciMethod::Smc,
        Some("hvc") => PsciMethod::Hvc,
        _ => {
            mistake(mistakes, &node, "method", format_args!("smc or hvc"));
            return None;
        }
    };
    Some(Psci { method, version: version(&node, mistakes)? })
}

fn version(node: &Node<'_>, mistakes: &mut Mistakes) -> Option<PsciVersion> {
    if node.is_compatible(&["arm,psci-1.0"]) {
        return Some(PsciVersion::V1_0);
    }
    if node.is_compatible(&["arm,psci-0.2"]) {
        return Some(PsciVersion::V0_2);
    }
    let cpu_on = node.property("cpu_on").and_then(|function| function.u32());
    if cpu_on.is_none() {
        mistake(mistakes, node, "cpu_on", format_args!("a function number"));
    }
    cpu_on.map(|cpu_on| PsciVersion::V0_1 { cpu_on })
}
