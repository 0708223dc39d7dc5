//! The UART that firmware and owner talk over.

use super::interrupt::{Interrupt, Wiring};
use crate::address::{Pa, Range};
use crate::config::mistake::mistake;
use crate::fault::ConfigError;
use crate::fdt::{Node, View};
use alloc::string::String;

/// A UART.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Uart {
    /// What it is.
    pub kind: UartKind,
    /// Its registers.
    pub registers: Range<Pa>,
    /// Its interrupt, if it is wired straight to the GIC.
    pub interrupt: Option<Interrupt>,
}

/// Kinds of UART that we can drive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UartKind {
    /// Arm PL011 (DDI 0183).
    Pl011,
}

/// The UART that `stdout-path` of `/chosen` names; `None` if it names none.
///
/// # Errors
/// It names something that is not there, or that we cannot drive.
pub(super) fn read(wiring: &Wiring<'_>) -> Result<Option<Uart>, ConfigError> {
    let Some(chosen) = wiring.view.find("/chosen") else { return Ok(None) };
    let name = if chosen.has("stdout-path") { "stdout-path" } else { "linux,stdout-path" };
    let Some(path) = chosen.property(name) else { return Ok(None) };
    // What follows a colon is for the driver: speed, parity and bits (Devicetree Specification 0.4 3.6).
    let path = path.string().map(|path| path.split(':').next().unwrap_or_default());
    let node = path.and_then(|path| resolve(wiring.view, path));
    let node = node.ok_or_else(|| mistake(&chosen, name, "the path or the alias of a UART's node"))?;
    if !node.is_compatible(&["arm,pl011"]) {
        return Err(mistake(&node, "compatible", "arm,pl011: the only UART that we can drive"));
    }
    let registers = registers(&node).ok_or_else(|| mistake(&node, "reg", "registers that the buses above pass on"))?;
    let interrupt = wiring.interrupts(&node).ok().and_then(|interrupts| interrupts.first().copied());
    Ok(Some(Uart { kind: UartKind::Pl011, registers, interrupt }))
}

/// The node at `path`, which starts with `/` or with an alias.
fn resolve<'v>(view: View<'v>, path: &str) -> Option<Node<'v>> {
    if path.starts_with('/') {
        return view.find(path);
    }
    let (alias, rest) = path.split_once('/').unwrap_or((path, ""));
    let target = view.find("/aliases")?.property(alias)?.string()?;
    view.find(&(String::from(target) + "/" + rest))
}

fn registers(node: &Node<'_>) -> Option<Range<Pa>> {
    let (address, size) = node.reg()?.first().copied()?;
    Range::<Pa>::new(Pa::new(node.parent()?.translate(address, size)?), size)
}
