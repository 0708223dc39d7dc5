//! Interrupts of devices, down to the GIC's numbers.

use crate::config::mistake::mistake;
use crate::fault::ConfigError;
use crate::fdt::{Node, View};
use alloc::vec::Vec;

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
    /// Decodes the three cells of the GIC's binding (Linux
    /// Documentation/devicetree/bindings/interrupt-controller/arm,gic-v3.yaml): type, number, flags.
    pub(super) fn decode(cells: &[u32]) -> Option<Self> {
        let [kind, number, flags, ..] = cells else { return None };
        let (base, count) = match kind {
            0 => (32, 988),
            1 => (16, 16),
            2 => (4096, 1024),
            3 => (1056, 64),
            _ => return None,
        };
        let trigger = if flags & 3 != 0 { Trigger::Edge } else { Trigger::Level };
        if *number < count { Some(Self { intid: base + number, trigger }) } else { None }
    }
}

/// What leads from a device to the GIC.
pub(super) struct Wiring<'v> {
    pub view: View<'v>,
    /// The GIC's node.
    pub controller: Node<'v>,
}

impl Wiring<'_> {
    /// The interrupts of `node`; empty if it has none.
    ///
    /// # Errors
    /// They are not wired straight to the GIC, or not in its binding.
    pub fn interrupts(&self, node: &Node<'_>) -> Result<Vec<Interrupt>, ConfigError> {
        let name = if node.has("interrupts-extended") { "interrupts-extended" } else { "interrupts" };
        let Some(property) = node.property(name) else { return Ok(Vec::new()) };
        let cells = property.cells().unwrap_or_default();
        let interrupts = if name == "interrupts" { self.own(node, &cells) } else { self.extended(&cells) };
        interrupts.ok_or_else(|| mistake(node, name, "interrupts of the GIC, in its binding of at least three cells"))
    }

    /// The GIC's own first interrupt. Its parent is the GIC itself, whatever `interrupt-parent` it inherits.
    pub fn maintenance(&self) -> Option<Interrupt> {
        let cells = self.controller.property("interrupts")?.cells()?;
        Interrupt::decode(cells.get(..self.width()?)?)
    }

    /// Decodes `interrupts`, whose controller is said by the node or the nearest ancestor that says it.
    fn own(&self, node: &Node<'_>, cells: &[u32]) -> Option<Vec<Interrupt>> {
        let parent = node.inherited("interrupt-parent")?.u32()?;
        if Some(parent) != self.controller.phandle() {
            return None;
        }
        let width = self.width()?;
        cells.chunks(width).map(Interrupt::decode).collect()
    }

    /// Decodes `interrupts-extended`, where each interrupt names its controller. Those of others are left out
    /// only behind the last of the GIC's: positions have a meaning.
    fn extended(&self, mut cells: &[u32]) -> Option<Vec<Interrupt>> {
        let mut interrupts = Vec::new();
        while let Some((controller, rest)) = cells.split_first() {
            if Some(*controller) != self.controller.phandle() {
                break;
            }
            let (interrupt, rest) = rest.split_at_checked(self.width()?)?;
            interrupts.push(Interrupt::decode(interrupt)?);
            cells = rest;
        }
        Some(interrupts).filter(|interrupts| !interrupts.is_empty())
    }

    /// Cells that an interrupt takes at the GIC.
    fn width(&self) -> Option<usize> {
        let width = self.controller.property("#interrupt-cells")?.u32()? as usize;
        if width >= 3 { Some(width) } else { None }
    }
}
