//! The UART that firmware and owner talk over.

use super::interrupt::{Interrupt, Wiring};
use super::{ADDRESSES, registers};
use crate::address::{Pa, Range};
use crate::config::mistake::{Mistakes, mistake};
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

/// Bytes of a UART's register.
const REGISTER_SIZE: u64 = 4;

/// Kinds of UART that we can drive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UartKind {
    /// Arm PL011 (DDI 0183).
    Pl011,
}

/// The UART that `stdout-path` of `/chosen` names; `None` if it names none, or something that is not there or that we
/// cannot drive, which is a mistake.
pub(super) fn read(wiring: &Wiring<'_>, mistakes: &mut Mistakes) -> Option<Uart> {
    let chosen = wiring.view.find("/chosen")?;
    let name = if chosen.has("stdout-path") { "stdout-path" } else { "linux,stdout-path" };
    let path = chosen.property(name)?;
    let Some(node) = path.string().and_then(|path| resolve(wiring.view, path)) else {
        mistake(mistakes, &chosen, name, format_args!("the path or the alias of a UART's node"));
        return None;
    };
    if !node.is_compatible(&["arm,pl011"]) {
        mistake(mistakes, &node, "compatible", format_args!("arm,pl011: the only UART that we can drive"));
        return None;
    }
    // Device memory takes no misaligned access (Arm ARM DDI 0487 B2.8.2).
    let Some(registers) = registers(&node, 0, REGISTER_SIZE, ADDRESSES) else {
        mistake(mistakes, &node, "reg", format_args!("registers that the buses above pass on, at a multiple of 4"));
        return None;
    };
    Some(Uart { kind: UartKind::Pl011, registers, interrupt: wiring.interrupt(&node, 0) })
}

/// The node at `path`, which starts with `/` or with an alias. What follows a colon is for the driver: speed, parity and
/// bits (Devicetree Specification 0.4 3.6).
fn resolve<'v>(view: View<'v>, path: &str) -> Option<Node<'v>> {
    let path = part_before(path, b':');
    if path.starts_with('/') {
        return view.find(path);
    }
    let alias = part_before(path, b'/');
    let rest = path.get(alias.len()..)?;
    let target = view.find("/aliases")?.property(alias)?.string()?;
    view.find(&(String::from(target) + rest))
}

/// What stands in `text` before the first `sign`: all if there is none.
fn part_before(text: &str, sign: u8) -> &str {
    let end = text.bytes().position(|byte| byte == sign);
    end.and_then(|end| text.get(..end)).unwrap_or(text)
}
