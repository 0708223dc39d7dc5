//! Which candidates get the list registers when there are more of them.

use super::list_register::{MAXIMUM_LIST_REGISTERS, Maintenance};

/// A candidate as a number, so that candidates get list registers in ascending order: the most urgent first, of
/// equally urgent ones those in service first, then by INTID. Pending ones of a group that the CPU interface has
/// disabled come last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Choice(u32);

impl Choice {
    const NONE: Self = Self(u32::MAX);
    const PENDING: u32 = 1 << 16;
    const INTID: u32 = 0xFFFF;

    /// An interrupt that is not active, but `pending`, or active; its priority as GICD_IPRIORITYR has it; `masked` if
    /// it is pending and its group disabled in the CPU interface.
    pub fn new(intid: u32, pending: bool, priority: u8, masked: bool) -> Self {
        Self(intid | u32::from(pending) << 16 | u32::from(priority) << 17 | u32::from(masked) << 25)
    }

    /// INTID.
    pub const fn intid(self) -> u32 {
        self.0 & Self::INTID
    }

    const fn is_pending(self) -> bool {
        self.0 & Self::PENDING != 0
    }
}

/// What was chosen out of all candidates.
pub struct Chosen {
    /// In their order, but for one that [`Self::insist`] moved up.
    choices: [Choice; MAXIMUM_LIST_REGISTERS],
    /// List registers, at least one.
    capacity: usize,
    /// Some active candidate was left out.
    active_left_out: bool,
    /// How many pending ones were.
    pending_left_out: u32,
    /// The first of those.
    best_left_out: Choice,
    /// Whether there are pending candidates of Group 0, and of Group 1.
    groups: [bool; 2],
}

impl Chosen {
    /// Nothing yet, for so many list registers.
    pub const fn new(capacity: usize) -> Self {
        Self {
            choices: [Choice::NONE; MAXIMUM_LIST_REGISTERS],
            capacity,
            active_left_out: false,
            pending_left_out: 0,
            best_left_out: Choice::NONE,
            groups: [false; 2],
        }
    }

    /// The chosen.
    pub fn iter(&self) -> impl Iterator<Item = Choice> {
        self.choices.iter().copied().take_while(|choice| *choice != Choice::NONE)
    }

    /// Takes a candidate among the first, if it is one of them.
    pub fn insert(&mut self, candidate: Choice, group_1: bool) {
        let [zero, one] = &mut self.groups;
        *(if group_1 { one } else { zero }) |= candidate.is_pending();
        let mut candidate = candidate;
        for place in self.choices.iter_mut().take(self.capacity) {
            if candidate < *place {
                core::mem::swap(place, &mut candidate);
            }
            if candidate == Choice::NONE {
                return;
            }
        }
        self.leave_out(candidate);
    }

    fn leave_out(&mut self, candidate: Choice) {
        if candidate.is_pending() {
            self.pending_left_out += 1;
            self.best_left_out = self.best_left_out.min(candidate);
        } else {
            self.active_left_out = true;
        }
    }

    /// Makes sure that the first pending candidate is among the chosen, where active ones might fill them all, so
    /// that the guest is never kept from an interrupt that it could take.
    pub fn insist(&mut self) {
        if self.pending_left_out > 0
            && !self.iter().any(Choice::is_pending)
            && let Some(last) = self.choices.iter_mut().take(self.capacity).last()
        {
            *last = self.best_left_out;
            self.active_left_out = true;
            self.pending_left_out -= 1;
        }
    }

    /// What the hypervisor must hear of, because not all candidates were chosen. A pending one always is, so
    /// that waiting for "no pending" cannot interrupt at once. What was chosen rests on the groups that the CPU
    /// interface had enabled (`enabled`) only if pending interrupts of both compete.
    pub fn maintenance(&self, enabled: [bool; 2]) -> Maintenance {
        let no_pending = self.pending_left_out > 0;
        let compete = no_pending && self.groups == [true; 2];
        Maintenance::NONE
            .and(Maintenance::NO_PENDING, no_pending)
            .and(Maintenance::ENTRY_NOT_PRESENT, self.active_left_out)
            .and(Maintenance::TRAP_DEACTIVATE, self.active_left_out)
            .and(Maintenance::of_groups(enabled), compete)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    /// Of candidates (INTID, whether it is pending, priority), all of Group 1, those that get two list registers, and
    /// what is to be heard of.
    fn chosen(candidates: &[(u32, bool, u8)]) -> (Vec<u32>, Maintenance) {
        let mut chosen = Chosen::new(2);
        for (intid, pending, priority) in candidates {
            chosen.insert(Choice::new(*intid, *pending, *priority, false), true);
        }
        chosen.insist();
        (chosen.iter().map(Choice::intid).collect(), chosen.maintenance([true; 2]))
    }

    /// Interrupt at an end without a list register, and trap what may be one.
    fn ends() -> Maintenance {
        Maintenance::ENTRY_NOT_PRESENT.and(Maintenance::TRAP_DEACTIVATE, true)
    }

    #[test]
    fn a_pending_interrupt_displaces_an_active_one_and_then_does_not_wait() {
        let active = [(40, false, 0x10), (41, false, 0x20)];
        assert_eq!(chosen(&active), ([40, 41].into(), Maintenance::NONE));
        assert_eq!(chosen(&[active[0], active[1], (42, true, 0x30)]), ([40, 42].into(), ends()));
        // Where two are pending, the more urgent one displaces, and the other waits.
        let (who, what) = chosen(&[active[0], (43, true, 0x40), active[1], (42, true, 0x30)]);
        assert_eq!((who, what), ([40, 42].into(), ends().and(Maintenance::NO_PENDING, true)));
    }

    #[test]
    fn active_ones_without_a_list_register_leave_the_others_where_they_are() {
        let active = [(40, false, 0x30), (41, false, 0x10), (42, false, 0x20)];
        assert_eq!(chosen(&active), ([41, 42].into(), ends()));
        // Nor is one displaced that is pending.
        assert_eq!(chosen(&[(43, true, 0x10), active[0], active[2]]), ([43, 42].into(), ends()));
    }

    #[test]
    fn pending_ones_that_wait_are_heard_of_and_groups_only_if_both_compete() {
        let waiting = [(40, true, 0x30), (41, true, 0x10), (42, true, 0x20)];
        assert_eq!(chosen(&waiting), ([41, 42].into(), Maintenance::NO_PENDING));
        assert_eq!(chosen(&waiting[..2]), ([41, 40].into(), Maintenance::NONE));
        let mut both = Chosen::new(1);
        both.insert(Choice::new(40, true, 0x10, false), false);
        both.insert(Choice::new(41, true, 0x10, true), true);
        let disabled = Maintenance::of_groups([true, false]);
        assert_eq!(both.maintenance([true, false]), disabled.and(Maintenance::NO_PENDING, true));
        assert!(disabled.wants_groups());
    }
}
