//! Interrupts of devices, down to the GIC's numbers.

use crate::fdt::{Node, Property, View};

/// How an interrupt is signalled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// By a change: one pulse is one interrupt.
    Edge,
    /// By a state: the interrupt lasts as long as the device asks for it.
    Level,
}

/// An interrupt of the board.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interrupt {
    /// Its INTID at the GIC.
    pub intid: u32,
    /// How it is signalled.
    pub trigger: Trigger,
}

impl Interrupt {
    /// Decodes the interrupt in `cells` from number `first` on, by the first three cells of the GIC's binding (Linux
    /// Documentation/devicetree/bindings/interrupt-controller/arm,gic-v3.yaml): type, number, flags.
    fn decode(cells: &Property<'_>, first: usize) -> Option<Self> {
        let (base, count) = match cell(cells, first)? {
            0 => (32, 988),
            1 => (16, 16),
            2 => (4096, 1024),
            3 => (1056, 64),
            _ => return None,
        };
        let number = cell(cells, first + 1)?;
        let trigger = if cell(cells, first + 2)? & 3 != 0 { Trigger::Edge } else { Trigger::Level };
        if number < count { Some(Self { intid: base + number, trigger }) } else { None }
    }
}

/// Cell `place` of `property`.
fn cell(property: &Property<'_>, place: usize) -> Option<u32> {
    property.value.get(place.checked_mul(4)?..)?.first_chunk().copied().map(u32::from_be_bytes)
}

/// What leads from a device to the GIC.
pub(super) struct Wiring<'v> {
    pub view: View<'v>,
    /// The GIC's node.
    controller: Node<'v>,
    phandle: Option<u32>,
    /// Cells that an interrupt takes at the GIC; `None` if that is not at least three.
    width: Option<usize>,
}

impl<'v> Wiring<'v> {
    /// To the GIC with the node `controller`.
    pub fn new(view: View<'v>, controller: Node<'v>) -> Self {
        let cells = controller.property("#interrupt-cells").and_then(|cells| cells.u32());
        let width = cells.map(|cells| cells as usize).filter(|cells| *cells >= 3);
        Self { view, controller, phandle: controller.phandle(), width }
    }

    /// Interrupt `place` of `node`; `None` if there is none, or it is not wired straight to the GIC. Of
    /// `interrupts-extended`, where each interrupt names its controller, those before it must be the GIC's as well.
    pub fn interrupt(&self, node: &Node<'_>, place: usize) -> Option<Interrupt> {
        let (width, controller) = (self.width?, self.phandle?);
        if let Some(cells) = node.property("interrupts-extended") {
            let mut first = 0;
            for _ in 0..place {
                if cell(&cells, first)? != controller {
                    return None;
                }
                first += width + 1;
            }
            return if cell(&cells, first)? == controller { Interrupt::decode(&cells, first + 1) } else { None };
        }
        if node.inherited("interrupt-parent")?.u32()? != controller {
            return None;
        }
        Interrupt::decode(&node.property("interrupts")?, place.checked_mul(width)?)
    }

    /// The GIC's own first interrupt. Its parent is the GIC itself, whatever `interrupt-parent` it inherits.
    pub fn maintenance(&self) -> Option<Interrupt> {
        self.width?;
        Interrupt::decode(&self.controller.property("interrupts")?, 0)
    }
}
