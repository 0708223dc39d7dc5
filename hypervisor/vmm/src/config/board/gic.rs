//! The interrupt controller.

use super::interrupt::{Interrupt, Wiring};
use super::{ADDRESSES, registers};
use crate::address::{PAGE_SIZE, Pa, Range};
use crate::config::GuestGic;
use crate::config::mistake::{Mistakes, missing, mistake};
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

/// The most bytes that a frame of GICv2 may take: all are mapped, and translation tables are few. Boards have up to
/// 128 KiB, where the pages are 64 KiB apart.
const LARGEST_V2: u64 = 0x10_0000;
/// Bytes of GICv3's GICD, and the alignment of all its frames (IHI 0069 12.8, 12.10).
const FRAME_V3: u64 = 0x1_0000;

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

/// The first GIC in `view` that can run guests, with what leads to it.
pub(super) fn read<'v>(view: View<'v>, mistakes: &mut Mistakes) -> Option<(Wiring<'v>, Gic)> {
    for node in view.nodes().filter(|node| node.has("interrupt-controller") && node.is_enabled()) {
        let version = if node.is_compatible(&[GICV3]) {
            version3(&node, mistakes)?
        } else if node.is_compatible(&GICV2) {
            version2(&node, mistakes)?
        } else {
            continue;
        };
        let wiring = Wiring::new(view, node);
        let Some(maintenance) = wiring.maintenance() else {
            mistake(mistakes, &node, "interrupts", format_args!("the maintenance interrupt"));
            return None;
        };
        return Some((wiring, Gic { version, maintenance }));
    }
    missing(mistakes, "/", "without an interrupt controller", "a GIC: arm,gic-400, arm,gic-v3 or like");
    None
}

fn version2(node: &Node<'_>, mistakes: &mut Mistakes) -> Option<GicVersion> {
    let found = [0, 1, 2, 3].map(|place| registers(node, place, PAGE_SIZE, LARGEST_V2));
    let [Some(distributor), Some(cpu_interface), Some(hypervisor_interface), Some(virtual_cpu_interface)] = found
    else {
        let expected = "GICD, GICC, GICH and GICV at pages, of 4, 8, 4 and 8 to 1024 KiB, within 48 bits and the ranges \
                        of the buses above";
        mistake(mistakes, node, "reg", format_args!("{expected}"));
        return None;
    };
    Some(GicVersion::V2 { distributor, cpu_interface, hypervisor_interface, virtual_cpu_interface })
}

fn version3(node: &Node<'_>, mistakes: &mut Mistakes) -> Option<GicVersion> {
    let regions = node.property("#redistributor-regions").map_or(Some(1), |count| count.u32()).unwrap_or(0) as usize;
    let frames = |place| registers(node, place, FRAME_V3, ADDRESSES);
    let mut redistributors = Vec::new();
    while redistributors.len() < regions
        && let Some(region) = frames(redistributors.len() + 1)
    {
        redistributors.push(region);
    }
    let distributor = frames(0).filter(|_| regions != 0 && redistributors.len() == regions);
    let Some(distributor) = distributor else {
        let expected = "GICD and as many GICR regions as #redistributor-regions, 64 KiB-aligned, \
                        within 48 bits and the ranges of the buses above";
        mistake(mistakes, node, "reg", format_args!("{expected}"));
        return None;
    };
    let name = "redistributor-stride";
    let is_good = |stride: &u64| stride.is_multiple_of(FRAME_V3) && (FRAME_V3..ADDRESSES).contains(stride);
    let stride = node.property(name).map(|stride| stride.number().filter(is_good));
    if stride == Some(None) {
        mistake(mistakes, node, name, format_args!("a multiple of 64 KiB, not 0, within 48 bits"));
        return None;
    }
    Some(GicVersion::V3 { distributor, redistributors, redistributor_stride: stride.flatten() })
}
