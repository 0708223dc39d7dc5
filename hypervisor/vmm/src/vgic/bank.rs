//! 32 interrupts where they are handled: what the specification keeps for them, what of it list registers hold, and
//! the physical interrupts behind them.

use super::interrupts::{Detail, Group, Interrupts, WIDTH};
use super::life::Lives;
use super::list_register::{ListRegister, ListRegisterState};
use crate::bits::bits;

/// The private interrupts of one vCPU, or 32 shared ones. As in [`Interrupts`], bit n of each word is the nth's.
#[derive(Clone, Copy, Debug)]
pub struct Bank {
    /// The first INTID.
    pub first: u32,
    /// GICD_IGROUPR.
    pub group: u32,
    /// GICD_ISENABLER.
    pub enabled: u32,
    /// Where they stand.
    pub lives: Lives,
    /// What takes more than a bit. An interrupt in a list register has the vCPU whose that is for its owner.
    pub details: [Detail; WIDTH],
    /// The physical INTIDs.
    pub physical: [u16; WIDTH],
    /// For an SGI of GICv2: the source, as a bit, whose pending state a list register holds; 0 for none.
    lent_sources: [u8; 16],
}

/// On what terms interrupts get list registers, a bit each.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// They are enabled, and forwarded when they are pending.
    pub forwarded: u32,
    /// Pending, they go to this vCPU; else to another once they are not active here any more.
    pub here: u32,
    /// They may be pending beside active. Not while more urgent interrupts may wait without a list register: the
    /// end of their service would put them before those, and no maintenance interrupt would tell.
    pub together: u32,
    /// They are SGIs of GICv2.
    pub by_source: u32,
}

/// All ones for `true`.
pub const fn all_if(condition: bool) -> u32 {
    if condition { u32::MAX } else { 0 }
}

impl Bank {
    /// Interrupts from `first` on, out of reset.
    pub const fn new(first: u32) -> Self {
        Self {
            first,
            group: 0,
            enabled: 0,
            lives: Lives::new(&Interrupts::RESET),
            details: [Detail::RESET; WIDTH],
            physical: [0; WIDTH],
            lent_sources: [0; 16],
        }
    }

    /// Makes them private to the vCPU with the index `owner`.
    pub fn belong_to(&mut self, owner: u8) {
        self.details.iter_mut().for_each(|detail| detail.owner = owner);
    }

    /// Those among the shared interrupts `wanted` that belong into the list registers of the vCPU with the index `owner`:
    /// they stand there or are active there, or else, pending, are routed `here`.
    #[inline(never)]
    pub fn destined_for(&self, owner: u8, wanted: u32, here: u32) -> u32 {
        let settled = wanted & self.lives.settled();
        let owned = bits(settled).filter(|position| self.detail(*position).owner == owner);
        owned.fold(wanted & !settled & here, |word, position| word | 1 << position)
    }

    /// The nth interrupt's details.
    #[inline(always)]
    pub fn detail(&self, position: u32) -> &Detail {
        self.details.get(position as usize % WIDTH).unwrap_or(&Detail::RESET)
    }

    /// The vCPUs that the nth interrupt, an SGI of GICv2, is pending from, a bit for each.
    pub fn sources(&self, position: u32) -> u8 {
        self.detail(position).sources | self.lent_source(position)
    }

    /// Lets the nth interrupt, an SGI of GICv2, be pending from the vCPUs `added`, a bit each, and from those `removed`
    /// no more. Whether that changes it. One that is added while a list register holds it pending may have been
    /// acknowledged there: it is pending once more.
    pub fn change_sources(&mut self, position: u32, added: u8, removed: u8) -> bool {
        let Some(lent) = self.lent_sources.get_mut(position as usize) else { return false };
        let Some(detail) = self.details.get_mut(position as usize % WIDTH) else { return false };
        let before = (*lent, detail.sources);
        *lent &= !removed;
        detail.sources = detail.sources & !removed | added;
        let after = (*lent, detail.sources);
        self.lives.set_sources(1 << position, after.0 != 0, after.1 != 0);
        before != after
    }

    /// Gives back what a list register held of the nth interrupt's pending state.
    #[inline(always)]
    pub fn reclaim(&mut self, position: u32) {
        self.lives.reclaim(1 << position);
        self.reclaim_source(position);
    }

    /// And its source, if it is an SGI of GICv2.
    #[inline(always)]
    fn reclaim_source(&mut self, position: u32) {
        if let Some(lent) = self.lent_sources.get_mut(position as usize)
            && let Some(detail) = self.details.get_mut(position as usize % WIDTH)
        {
            detail.sources |= core::mem::take(lent);
        }
    }

    /// Takes the nth interrupt out of a list register of a vCPU that is not in the guest.
    pub fn take_out(&mut self, position: u32) {
        self.lives.take_out(1 << position);
        self.reclaim_source(position);
    }

    /// The list register for the nth interrupt, which the vCPU with the index `owner` gets. Latched pending state
    /// goes along.
    pub fn lend(&mut self, position: u32, owner: u8, terms: &Terms) -> ListRegister {
        let bit = 1 << position;
        if self.lives.lent() & bit != 0 {
            self.reclaim(position);
        }
        self.lives.list(bit);
        let active = self.lives.active() & bit;
        let due = self.lives.pending() & terms.forwarded & bit;
        let mut pending = due & terms.here & (terms.together & !self.repriced(position) | !active);
        let (mut source, mut more) = (0, 0);
        if terms.by_source & bit != 0 {
            (source, pending, more) = self.lend_source(position, active != 0, pending);
        } else {
            self.lives.lend(pending);
        }
        // When the guest has ended it, it is pending again at once, here or elsewhere.
        let line = self.lives.lasting() & bit;
        more |= (line & terms.forwarded & terms.here) | (due & !pending);
        let held = self.lives.held() & bit;
        // Software made it pending beside its line. The acknowledge ends both, the next expiry raises the line alone.
        more |= held & self.lives.lent() & !self.lives.edge;
        let state = ListRegisterState::new(pending != 0, active != 0);
        let group = Group::from_bit(self.group & bit != 0);
        let register = ListRegister::new(self.first + position, state, self.give(position, owner, active != 0), group);
        match self.physical.get(position as usize % WIDTH) {
            Some(physical) if held & !(more | (pending & active)) != 0 => register.with_hardware(*physical),
            _ if more | held != 0 => register.with_source(source).with_eoi_maintenance(),
            _ => register.with_source(source),
        }
    }

    /// The nth interrupt, as a bit, if it is active with another priority than it would be with now: one list register
    /// cannot show both.
    fn repriced(&self, position: u32) -> u32 {
        let detail = self.detail(position);
        all_if(detail.active_priority != detail.priority) & self.lives.active() & 1 << position
    }

    /// Notes whose list register the nth interrupt is in. Returns its priority, or the one that it is active with: its
    /// end is that of the priority that the CPU interface has for it (GICv3 IHI 0069 4.8.1).
    fn give(&mut self, position: u32, owner: u8, active: bool) -> u8 {
        let Some(detail) = self.details.get_mut(position as usize % WIDTH) else { return 0 };
        detail.owner = owner;
        if active { detail.active_priority } else { detail.priority }
    }

    /// Lends an SGI of GICv2: one source at a time, and while it is active no other than the active one, since there
    /// is one field for both. Returns the source to show, whether it is pending, and whether others wait; as its bit.
    #[inline(never)]
    fn lend_source(&mut self, position: u32, active: bool, pending: u32) -> (u8, u32, u32) {
        let Some(lent) = self.lent_sources.get_mut(position as usize) else { return (0, 0, 0) };
        let Some(detail) = self.details.get_mut(position as usize % WIDTH) else { return (0, 0, 0) };
        let eligible = if active { detail.sources & 1 << (detail.active_source % 8) } else { detail.sources };
        *lent = if pending != 0 { eligible & eligible.wrapping_neg() } else { 0 };
        detail.sources &= !*lent;
        let pending = u32::from(*lent != 0) << position;
        let waiting = u32::from(detail.sources != 0) << position;
        self.lives.set_sources(1 << position, *lent != 0, waiting != 0);
        let lowest = lent.trailing_zeros().to_le_bytes()[0];
        (if active { detail.active_source } else { lowest }, pending, pending & waiting)
    }

    /// Takes over what the guest made of the list register that was `written` for the nth interrupt.
    pub fn take_back(&mut self, position: u32, written: ListRegister, now: ListRegisterState) {
        let bit = 1 << position;
        self.lives.show(bit, now.active());
        if now.active()
            && now != written.state()
            && let Some(detail) = self.details.get_mut(position as usize % WIDTH)
        {
            detail.active_source = written.source();
            detail.active_priority = written.priority();
            detail.active_by_register = false;
        }
        if written.state().pending() && !now.pending() {
            self.acknowledge(position);
        }
        if now == ListRegisterState::Empty {
            self.lives.end(bit, written.hardware().is_some());
        }
    }

    /// The guest acknowledged the nth interrupt, which a list register held as pending.
    fn acknowledge(&mut self, position: u32) {
        self.lives.acknowledge(1 << position);
        if let Some(lent) = self.lent_sources.get_mut(position as usize) {
            *lent = 0;
        }
    }

    /// For an SGI of GICv2: the vCPU that a list register holds it pending from, as a bit; 0 for none.
    pub fn lent_source(&self, position: u32) -> u8 {
        self.lent_sources.get(position as usize).copied().unwrap_or(0)
    }
}
