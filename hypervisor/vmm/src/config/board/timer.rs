//! The cores' timers.

use super::interrupt::{Interrupt, Wiring};
use crate::config::mistake::{Mistakes, missing, mistake};

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

/// The timer in the tree of `wiring`.
pub(super) fn read(wiring: &Wiring<'_>, mistakes: &mut Mistakes) -> Option<Timer> {
    let found = wiring.view.nodes().find(|node| node.is_compatible(&["arm,armv8-timer"]) && node.is_enabled());
    let Some(node) = found else {
        missing(mistakes, "/timer", "absent", "a node with compatible = \"arm,armv8-timer\"");
        return None;
    };
    let mut interrupts = [None; NAMES.len()];
    for (default, (slot, name)) in interrupts.iter_mut().zip(&NAMES).enumerate() {
        let place = match node.property("interrupt-names") {
            Some(names) => names.strings().position(|other| other == *name),
            None => Some(default),
        };
        *slot = place.and_then(|place| wiring.interrupt(&node, place));
    }
    let [secure, Some(nonsecure), Some(virtual_timer), Some(hypervisor)] = interrupts else {
        let expected = format_args!("those of the physical, the virtual and the hypervisor's timer, wired to the GIC");
        mistake(mistakes, &node, "interrupts", expected);
        return None;
    };
    Some(Timer { secure, nonsecure, virtual_timer, hypervisor })
}
