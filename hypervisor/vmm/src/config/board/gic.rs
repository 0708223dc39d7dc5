//! The interrupt controller.

use super::interrupt::{Interrupt, Wiring};
use crate::address::{Pa, Range};
use crate::config::mistake::{mistake, mistake_at};
use crate::fault::ConfigError;
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
const GICV3: [&str; 1] = ["arm,gic-v3"];

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

/// The first GIC among `nodes` that can run guests, with its node.
pub(super) fn read<'v>(view: View<'v>, nodes: &[Node<'v>]) -> Result<(Node<'v>, Gic), ConfigError> {
    let found = nodes.iter().find(|node| {
        node.has("interrupt-controller")
            && node.is_enabled()
            && (node.is_compatible(&GICV3) || node.is_compatible(&GICV2))
    });
    let node = found.ok_or_else(|| {
        mistake_at("/", "", "without an interrupt controller", "a GIC: arm,gic-400, arm,gic-v3 or like")
    })?;
    let version = if node.is_compatible(&GICV3) { version3(node)? } else { version2(node)? };
    let wiring = Wiring { view, controller: *node };
    let maintenance = wiring.maintenance().ok_or_else(|| mistake(node, "interrupts", "the maintenance interrupt"))?;
    Ok((*node, Gic { version, maintenance }))
}

/// The register ranges of `node` as the processor sees them.
fn registers(node: &Node<'_>) -> Result<Vec<Range<Pa>>, ConfigError> {
    let entries = node.reg().ok_or_else(|| mistake(node, "reg", "pairs of address and size"))?;
    let parent = node.parent();
    let range = |(address, size): (u64, u64)| {
        let address = parent.and_then(|bus| bus.translate(address, size));
        let range = address.and_then(|address| Range::<Pa>::new(Pa::new(address), size));
        range.ok_or_else(|| mistake(node, "reg", "registers that the buses above pass on, by their ranges"))
    };
    entries.into_iter().map(range).collect()
}

fn version2(node: &Node<'_>) -> Result<GicVersion, ConfigError> {
    match registers(node)?.as_slice() {
        [distributor, cpu_interface, hypervisor_interface, virtual_cpu_interface, ..] => Ok(GicVersion::V2 {
            distributor: *distributor,
            cpu_interface: *cpu_interface,
            hypervisor_interface: *hypervisor_interface,
            virtual_cpu_interface: *virtual_cpu_interface,
        }),
        _ => Err(mistake(node, "reg", "GICD, GICC, GICH and GICV: without the last two there is no virtualization")),
    }
}

fn version3(node: &Node<'_>) -> Result<GicVersion, ConfigError> {
    let regions = node.property("#redistributor-regions").map_or(Some(1), |count| count.u32());
    let regions = regions.ok_or_else(|| mistake(node, "#redistributor-regions", "one cell"))? as usize;
    let registers = registers(node)?;
    let (distributor, rest) = registers.split_first().ok_or_else(|| mistake(node, "reg", "GICD and GICR"))?;
    let redistributors = rest.get(..regions).filter(|regions| !regions.is_empty());
    let redistributors =
        redistributors.ok_or_else(|| mistake(node, "reg", "as many GICR regions as #redistributor-regions"))?;
    let redistributor_stride = match node.property("redistributor-stride") {
        None => None,
        Some(stride) => {
            let stride = stride.number().filter(|stride| stride % 0x1_0000 == 0 && *stride != 0);
            Some(stride.ok_or_else(|| mistake(node, "redistributor-stride", "a multiple of 64 KiB"))?)
        }
    };
    Ok(GicVersion::V3 { distributor: *distributor, redistributors: redistributors.to_vec(), redistributor_stride })
}
