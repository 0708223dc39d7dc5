//! Reads where a guest's devices are: children of its node, told apart by `compatible`, which have what the devices' own
//! bindings have. What a child does not say is as on QEMU's `virt`.

use super::machine::{MachineLayout, REDISTRIBUTOR_SIZE};
use super::mistake::{Mistakes, mistake, warn_of_unknown};
use super::vm::{GuestGic, VmPlan};
use crate::address::{Ipa, PAGE_SIZE, Range};
use crate::fdt::Node;
use crate::vgic::Frame;
use alloc::vec::Vec;
use bulkhead_abi::property;

/// What a child describes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Uart,
    Gic(GuestGic),
    Timer,
}

const KINDS: [(&str, Kind); 4] = [
    (property::PL011, Kind::Uart),
    (property::GIC_V2, Kind::Gic(GuestGic::V2)),
    (property::GIC_V3, Kind::Gic(GuestGic::V3)),
    (property::TIMER, Kind::Timer),
];
/// Type cell of an SPI, and of a PPI (Linux Documentation/devicetree/bindings/interrupt-controller/arm,gic.yaml).
const SPI: u32 = 0;
const PPI: u32 = 1;
/// Flags cell of an interrupt that lasts while its line is high; a GICv2's binding has cores above it.
const LEVEL_HIGH: u32 = 4;
const TRIGGER: u32 = 0xf;
/// Frames of a GICv3 lie at multiples of this (IHI 0069 12.10).
const FRAME_ALIGNMENT: u64 = 0x1_0000;
/// SPIs that a guest has.
const SPIS: u32 = 256;
const PPIS: u32 = 16;

/// Whether `node`, a child of a VM's, describes a device.
pub(super) fn is_device(node: &Node<'_>) -> bool {
    kind(node).is_some()
}

fn kind(node: &Node<'_>) -> Option<Kind> {
    KINDS.iter().find(|(compatible, _)| node.is_compatible(&[compatible])).map(|(_, kind)| *kind)
}

/// Reads the devices among `children` of the VM's node.
pub(super) fn read(vm: &mut VmPlan, children: &[Node<'_>], warnings: &mut Mistakes) {
    let (gic, mut seen) = (vm.gic, Vec::new());
    let VmPlan { vm, errors, .. } = vm;
    for (node, kind) in children.iter().filter_map(|node| Some((node, kind(node)?))) {
        warn_of_unknown(warnings, node, &property::DEVICE_PROPERTIES);
        if seen.contains(&kind) {
            mistake(errors, node, "compatible", format_args!("one device of a kind: this is the second"));
        }
        seen.push(kind);
        match kind {
            Kind::Uart if node.is_enabled() => uart(&mut vm.layout, errors, node),
            Kind::Uart => vm.console = false,
            Kind::Timer => timer(&mut vm.layout, errors, node),
            Kind::Gic(version) if version == gic => interrupt_controller(&mut vm.layout, errors, node, gic),
            Kind::Gic(_) => mistake(errors, node, "compatible", format_args!("the GIC that the guest sees")),
        }
    }
    if let Some((first, second)) = vm.layout.clash(gic, vm.console) {
        let place = seen.first().and_then(|_| children.iter().find(|node| is_device(node)));
        place.iter().for_each(|node| {
            mistake(errors, node, property::REG, format_args!("{first} beside {second}, which it overlaps"));
        });
    }
}

fn uart(layout: &mut MachineLayout, errors: &mut Mistakes, node: &Node<'_>) {
    match ranges(node).as_deref() {
        None => {}
        Some([range]) if range.start().is_aligned(PAGE_SIZE) && range.size() == PAGE_SIZE => layout.uart = *range,
        _ => mistake(errors, node, property::REG, format_args!("one page")),
    }
    match interrupts(node, SPI, SPIS).as_deref() {
        None => {}
        Some([number]) => layout.uart_intid = 32 + number,
        _ => mistake(errors, node, property::INTERRUPTS, format_args!("<0 SPI 4>, with an SPI below {SPIS}")),
    }
}

/// The four timers of the binding, of which a guest has the second and the third: the physical and the virtual one.
fn timer(layout: &mut MachineLayout, errors: &mut Mistakes, node: &Node<'_>) {
    match interrupts(node, PPI, PPIS).as_deref() {
        None => {}
        Some([_, physical, virtual_timer, ..]) if physical != virtual_timer => {
            (layout.physical_timer_intid, layout.virtual_timer_intid) = (16 + physical, 16 + virtual_timer);
        }
        _ => {
            let expected = format_args!("<1 PPI 4> for each of four timers, with PPIs below {PPIS} that differ");
            mistake(errors, node, property::INTERRUPTS, expected);
        }
    }
}

fn interrupt_controller(layout: &mut MachineLayout, errors: &mut Mistakes, node: &Node<'_>, gic: GuestGic) {
    let (alignment, sizes) = match gic {
        GuestGic::V2 => (PAGE_SIZE, [Frame::DistributorV2.size(), 2 * PAGE_SIZE]),
        GuestGic::V3 => (FRAME_ALIGNMENT, [Frame::DistributorV3.size(), REDISTRIBUTOR_SIZE]),
    };
    let fits = |(range, size): (&Range<Ipa>, u64)| range.start().is_aligned(alignment) && range.size() >= size;
    match ranges(node).as_deref() {
        None => {}
        Some([distributor, second]) if [distributor, second].into_iter().zip(sizes).all(fits) => {
            layout.distributor = *distributor;
            match gic {
                GuestGic::V2 => layout.cpu_interface = *second,
                GuestGic::V3 => layout.redistributors = second.start(),
            }
        }
        _ => {
            let [first, second] = sizes;
            let expected =
                format_args!("two frames of {first:#x} and {second:#x} bytes or more, at multiples of {alignment:#x}");
            mistake(errors, node, property::REG, expected);
        }
    }
}

/// The ranges in the `reg` of `node`, if it has one; none if one is not in the guest's address space.
fn ranges(node: &Node<'_>) -> Option<Vec<Range<Ipa>>> {
    node.property(property::REG)?;
    let pairs = node.reg_as(node.inherited_cell_counts()).unwrap_or_default();
    let range = |(start, size)| MachineLayout::device(Ipa::new(start), size);
    Some(pairs.into_iter().map(range).collect::<Option<_>>().unwrap_or_default())
}

/// The numbers of the interrupts of `node`, if it has any; none if one is not of this `kind`, below `end` and high.
fn interrupts(node: &Node<'_>, kind: u32, end: u32) -> Option<Vec<u32>> {
    let cells = node.property(property::INTERRUPTS)?.cells().unwrap_or_default();
    let number = |interrupt: &[u32]| match interrupt {
        [of, number, flags] => (*of == kind && *number < end && flags & TRIGGER == LEVEL_HIGH).then_some(*number),
        _ => None,
    };
    Some(cells.chunks(3).map(number).collect::<Option<_>>().unwrap_or_default())
}
