//! What stands in a list register for an interrupt.

use super::interrupt::{Interrupt, Move, Trigger};
use super::list_register::{ListRegister, ListRegisterState};

/// On what terms an interrupt gets a list register.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// It is enabled, and pending it goes to this vCPU.
    pub here: bool,
    /// It is enabled, and pending it goes to another vCPU once it is not active here any more.
    pub elsewhere: bool,
    /// It may be pending beside active. Not while more urgent interrupts may wait without a list register: the
    /// end of its service would put it before them, and no maintenance interrupt would tell.
    pub together: bool,
}

/// The list register for any interrupt but an SGI of GICv2. Its latched pending state goes along.
pub fn lend(interrupt: &mut Interrupt, intid: u32, terms: Terms) -> ListRegister {
    interrupt.reclaim();
    let active = interrupt.life.active;
    let due = interrupt.pending() && (terms.here || terms.elsewhere);
    let pending = due && terms.here && (terms.together || !active);
    if pending {
        interrupt.step(Move::Lend);
    }
    let line = interrupt.trigger == Trigger::Level && interrupt.life.line && interrupt.link.is_none();
    // When the guest has ended it, it is pending again at once, here or elsewhere.
    let more = (terms.here && line) || (due && !pending);
    let held = interrupt.link.filter(|link| link.held);
    let hardware = held.filter(|_| !(more || (pending && active))).map(|link| link.physical);
    ListRegister {
        intid,
        state: ListRegisterState::new(pending, active),
        priority: interrupt.priority,
        group: interrupt.group,
        hardware,
        source: 0,
        eoi_maintenance: more || (held.is_some() && hardware.is_none()),
    }
}

/// The list register for an SGI of GICv2: one source at a time, and while it is active no other than the active
/// one, since there is one field for both.
pub fn lend_sgi(interrupt: &mut Interrupt, intid: u32, terms: Terms) -> ListRegister {
    interrupt.reclaim();
    let active = interrupt.life.active;
    let sources = &mut interrupt.sources;
    let eligible = match (active, terms.together) {
        (false, _) => sources.pending,
        (true, true) => sources.pending & 1 << (sources.active % 8),
        (true, false) => 0,
    };
    sources.lent = if terms.here { eligible & eligible.wrapping_neg() } else { 0 };
    sources.pending &= !sources.lent;
    let [lowest, ..] = sources.lent.trailing_zeros().to_le_bytes();
    ListRegister {
        intid,
        state: ListRegisterState::new(sources.lent != 0, active),
        priority: interrupt.priority,
        group: interrupt.group,
        hardware: None,
        source: if active { sources.active } else { lowest },
        eoi_maintenance: terms.here && sources.pending != 0,
    }
}
