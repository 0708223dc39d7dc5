//! The cores' timers.

use super::interrupt::{Interrupt, Wiring};
use crate::config::mistake::{mistake, mistake_at};
use crate::fault::ConfigError;
use crate::fdt::Node;
use alloc::vec::Vec;

/// The interrupts of a core's generic timer, each a PPI (Linux
/// Documentation/devicetree/bindings/timer/arm,arch_timer.yaml).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timer {
    /// Of the secure physical timer, if the tree gives it.
    pub secure: Option<Interrupt>,
    /// Of the non-secure EL1 physical timer (CNTP).
    pub nonsecure: Interrupt,
    /// Of the EL1 virtual timer (CNTV).
    pub virtual_timer: Interrupt,
    /// Of the non-secure EL2 physical timer (CNTHP).
    pub hypervisor: Interrupt,
}

/// The interrupts' order if `interrupt-names` does not give another.
const NAMES: [&str; 4] = ["sec-phys", "phys", "virt", "hyp-phys"];

/// The timer among `nodes`.
pub(super) fn read(wiring: &Wiring<'_>, nodes: &[Node<'_>]) -> Result<Timer, ConfigError> {
    let node = nodes.iter().find(|node| node.is_compatible(&["arm,armv8-timer"]) && node.is_enabled());
    let node = node.ok_or_else(|| mistake_at("/timer", "compatible", "absent", "arm,armv8-timer"))?;
    let interrupts = wiring.interrupts(node)?;
    let names: Vec<&str> = match node.property("interrupt-names") {
        Some(names) => names.strings().collect(),
        None => NAMES.to_vec(),
    };
    let named = |name: &str| {
        let index = names.iter().position(|other| *other == name)?;
        interrupts.get(index).copied()
    };
    let [secure, nonsecure, virtual_timer, hypervisor] = NAMES.map(named);
    let missing = || mistake(node, "interrupts", "those of the physical, the virtual and the hypervisor's timer");
    Ok(Timer {
        secure,
        nonsecure: nonsecure.ok_or_else(missing)?,
        virtual_timer: virtual_timer.ok_or_else(missing)?,
        hypervisor: hypervisor.ok_or_else(missing)?,
    })
}
