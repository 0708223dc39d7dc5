//! The interrupt controller.

use super::interrupt::{Interrupt, Wiring};
use super::registers;
use crate::address::{Pa, Range};
use crate::config::GuestGic;
use crate::config::mistake::{Mistakes, missing, mistake, number};
use crate::fdt::{Node, View};
use alloc::vec::Vec;

/// Names of GICs with virtualization extensions and the register map of GICv2.
const GICV2: [&str; 6] = [
    "arm,gic-400",
    "arm,cortex-a15-gic",
    "arm,cortex-a7-gic",
    "brcm,brahma-b15-gic",
    "qcom,msm-qgic2",
    "arm,cortex-a9-gic",
];
/// The name of every GICv3 and v4.
const GICV3: &str = "arm,gic-v3";

/// A GIC's registers and the interrupt by which it asks the hypervisor for attention.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gic {
    /// Which kind it is, and where its registers are.
    pub version: GicVersion,
    /// The maintenance interrupt, a PPI.
    pub maintenance: Interrupt,
}

/// Where a GIC's registers are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GicVersion {
    /// GICv2 (IHI 0048) with virtualization extensions.
    V2 {
        /// GICD.
        distributor: Range<Pa>,
        /// GICC.
        cpu_interface: Range<Pa>,
        /// GICH.
        hypervisor_interface: Range<Pa>,
        /// GICV: what a guest sees as its GICC.
        virtual_cpu_interface: Range<Pa>,
    },
    /// GICv3 or v4 (IHI 0069).
    V3 {
        /// GICD.
        distributor: Range<Pa>,
        /// The regions that hold the redistributors.
        redistributors: Vec<Range<Pa>>,
        /// Bytes from one redistributor to the next, if not as GICR_TYPER.VLPIS says.
        redistributor_stride: Option<u64>,
    },
}

impl GicVersion {
    /// What guests see of it.
    pub const fn of_guests(&self) -> GuestGic {
        match self {
            Self::V2 { .. } => GuestGic::V2,
            Self::V3 { .. } => GuestGic::V3,
        }
    }
}

/// The first GIC among `nodes` that can run guests, with what leads to it.
pub(super) fn read<'v>(view: View<'v>, nodes: &[Node<'v>], mistakes: &mut Mistakes) -> Option<(Wiring<'v>, Gic)> {
    for node in nodes.iter().filter(|node| node.has("interrupt-controller") && node.is_enabled()) {
        let version = if node.is_compatible(&[GICV3]) {
            version3(node, mistakes)?
        } else if node.is_compatible(&GICV2) {
            version2(node, mistakes)?
        } else {
            continue;
        };
        let wiring = Wiring::new(view, *node);
        let Some(maintenance) = wiring.maintenance() else {
            mistake(mistakes, node, "interrupts", format_args!("the maintenance interrupt"));
            return None;
        };
        return Some((wiring, Gic { version, maintenance }));
    }
    missing(mistakes, "/", "without an interrupt controller", "a GIC: arm,gic-400, arm,gic-v3 or like");
    None
}

fn version2(node: &Node<'_>, mistakes: &mut Mistakes) -> Option<GicVersion> {
    let found = [0, 1, 2, 3].map(|place| registers(node, place));
    let [Some(distributor), Some(cpu_interface), Some(hypervisor_interface), Some(virtual_cpu_interface)] = found
    else {
        let expected =
            "GICD, GICC, GICH and GICV, all within the ranges of the buses above; the last two are for guests";
        mistake(mistakes, node, "reg", format_args!("{expected}"));
        return None;
    };
    Some(GicVersion::V2 { distributor, cpu_interface, hypervisor_interface, virtual_cpu_interface })
}

fn version3(node: &Node<'_>, mistakes: &mut Mistakes) -> Option<GicVersion> {
    let regions = node.property("#redistributor-regions").map_or(Some(1), |count| count.u32()).unwrap_or(0) as usize;
    let mut redistributors = Vec::new();
    while redistributors.len() < regions
        && let Some(region) = registers(node, redistributors.len() + 1)
    {
        redistributors.push(region);
    }
    let distributor = registers(node, 0).filter(|_| regions != 0 && redistributors.len() == regions);
    let Some(distributor) = distributor else {
        let expected = "GICD and as many GICR regions as #redistributor-regions, within the ranges of the buses above";
        mistake(mistakes, node, "reg", format_args!("{expected}"));
        return None;
    };
    let name = "redistributor-stride";
    let redistributor_stride = number(mistakes, node, name, 0x1_0000, "a multiple of 64 KiB");
    if redistributor_stride.is_none() && node.has(name) {
        return None;
    }
    Some(GicVersion::V3 { distributor, redistributors, redistributor_stride })
}
