//! Which candidates get the list registers when there are more of them.

use super::interrupt::Group;
use super::list_register::{MAXIMUM_LIST_REGISTERS, Maintenance};
use arrayvec::ArrayVec;

/// A candidate, in the order in which candidates get list registers: the most urgent first, of equally urgent
/// ones those in service first, then by INTID. Pending ones of a group that the CPU interface has disabled come
/// last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Choice {
    /// Pending, and its group disabled in the CPU interface.
    pub masked: bool,
    /// As GICD_IPRIORITYR has it.
    pub priority: u8,
    /// Not active, but pending.
    pub pending: bool,
    /// INTID.
    pub intid: u32,
}

/// What was chosen out of all candidates.
#[derive(Default)]
pub struct Chosen {
    /// In their order, but for one that [`Self::insist`] moved up.
    pub choices: ArrayVec<Choice, MAXIMUM_LIST_REGISTERS>,
    /// How many active candidates there were.
    active: usize,
    /// How many there were, by group, that were pending and not active.
    pending: [usize; 2],
    /// The first of those.
    best: Option<Choice>,
}

impl Chosen {
    /// Counts a candidate.
    pub fn count(&mut self, choice: Choice, group: Group) {
        let [group_0, group_1] = &mut self.pending;
        match (choice.pending, group) {
            (false, _) => self.active += 1,
            (true, Group::Zero) => *group_0 += 1,
            (true, Group::One) => *group_1 += 1,
        }
        if choice.pending && self.best.is_none_or(|best| choice < best) {
            self.best = Some(choice);
        }
    }

    /// Takes a candidate among the first `capacity`, if it is one of them.
    pub fn insert(&mut self, choice: Choice, capacity: usize) {
        let position = self.choices.iter().position(|other| choice < *other).unwrap_or(self.choices.len());
        if position >= capacity {
            return;
        }
        if self.choices.len() >= capacity {
            self.choices.pop();
        }
        // Room was made above, so that this cannot fail.
        let _ = self.choices.try_insert(position, choice);
    }

    /// Makes sure that the first pending candidate is among the chosen, where active ones might fill them all.
    pub fn insist(&mut self) {
        if let Some(best) = self.best
            && !self.choices.contains(&best)
        {
            self.choices.pop();
            let _ = self.choices.try_push(best);
        }
    }

    /// What the hypervisor must hear of, because not all candidates were chosen. A pending one always is, so
    /// that waiting for "no pending" cannot interrupt at once. What was chosen rests on the groups that the CPU
    /// interface had enabled (`groups`) only if pending interrupts of both compete.
    pub fn maintenance(&self, groups: [bool; 2]) -> Maintenance {
        let chosen = self.choices.iter().filter(|choice| choice.pending).count();
        let active_left_out = self.choices.len() - chosen < self.active;
        let [group_0, group_1] = self.pending;
        let pending_left_out = chosen < group_0 + group_1;
        let compete = pending_left_out && group_0 > 0 && group_1 > 0;
        Maintenance {
            no_pending: pending_left_out,
            entry_not_present: active_left_out,
            trap_deactivate: active_left_out,
            group_enabled: groups.map(|enabled| compete && !enabled),
            group_disabled: groups.map(|enabled| compete && enabled),
        }
    }
}
