//! List registers: chosen and filled before a vCPU enters the guest, taken back when it left.

use super::bank::{Terms, all_if};
use super::choice::{Choice, Chosen};
use super::list_register::{ListRegisterState, ListRegisters, Maintenance};
use super::{SGIS, Version, Vgic};
use crate::bits::bits;
use crate::vcpu::{VcpuId, VcpuSet};

static NONE: ListRegisters = ListRegisters::EMPTY;

impl Vgic {
    /// The list registers with which `vcpu` enters the guest. They are out in the hardware until [`Self::fold`].
    pub fn flush(&mut self, vcpu: VcpuId) -> &ListRegisters {
        if self.dirty.contains(vcpu) {
            self.refill(vcpu);
        }
        self.waiting.remove(vcpu);
        self.running.insert(vcpu);
        self.out.insert(vcpu);
        self.open_mailbox(vcpu);
        self.vcpus.get(vcpu.index()).map_or(&NONE, |per| &per.list_registers)
    }

    /// `vcpu` left the guest. Its list registers stay out in the hardware, unless [`Self::fold`] takes them back.
    pub const fn leave(&mut self, vcpu: VcpuId) {
        self.running.remove(vcpu);
    }

    /// Whether the list registers of `vcpu` are out in the hardware.
    pub const fn is_out(&self, vcpu: VcpuId) -> bool {
        self.out.contains(vcpu)
    }

    /// Whether `vcpu`, which left the guest, can enter it again with the list registers as the hardware has them, but for
    /// what is in its mailbox ([`super::Mailboxes::take`]): those SGIs are to be made pending. If not, they must be taken
    /// back and chosen anew.
    pub fn enter_again(&mut self, vcpu: VcpuId) -> bool {
        let Some(per) = self.vcpus.get(vcpu.index()) else { return false };
        let known = per.list_registers.changed != 0 || per.list_registers.maintenance != Maintenance::NONE;
        if self.dirty.contains(vcpu) || per.recall != 0 || (known && !self.out.contains(vcpu)) {
            return false;
        }
        if !self.out.contains(vcpu) {
            self.out.insert(vcpu);
            self.open_mailbox(vcpu);
        }
        self.running.insert(vcpu);
        true
    }

    /// Takes back what the hardware made of the list registers of `vcpu`, which left the guest. Of `read` only
    /// the states of the used ones, `eoi_count` and, if asked for, `groups` matter. Returns the other vCPUs to kick.
    pub fn fold(&mut self, vcpu: VcpuId, read: &ListRegisters) -> VcpuSet {
        self.close_mailbox(vcpu);
        self.running.remove(vcpu);
        self.out.remove(vcpu);
        let Some(per) = self.vcpus.get_mut(vcpu.index()) else { return VcpuSet::EMPTY };
        per.list_registers.changed = 0;
        if per.list_registers.used == 0 && read.eoi_count == 0 {
            return VcpuSet::EMPTY;
        }
        self.fold_used(vcpu, read);
        self.take_kicks()
    }

    /// The part of [`Self::fold`] that an exit with nothing in flight does without.
    #[inline(always)]
    fn fold_used(&mut self, vcpu: VcpuId, read: &ListRegisters) {
        let Some(per) = self.vcpus.get_mut(vcpu.index()) else { return };
        if per.list_registers.maintenance.wants_groups() && per.list_registers.groups != read.groups {
            per.list_registers.groups = read.groups;
            self.dirty.insert(vcpu);
        }
        let (used, recall) = (per.list_registers.used, core::mem::take(&mut per.recall));
        // First, while those without a list register are the same as in the guest.
        if read.eoi_count != 0 {
            (0..read.eoi_count.min(31)).for_each(|_| self.deactivate_left_out(vcpu));
        }
        for index in bits(used.into()) {
            let index = index.to_le_bytes()[0];
            self.fold_one(vcpu, index, read.get(index).state(), recall & 1 << index != 0);
        }
    }

    fn fold_one(&mut self, vcpu: VcpuId, index: u8, now: ListRegisterState, recalled: bool) {
        let Some(per) = self.vcpus.get_mut(vcpu.index()) else { return };
        let written = per.list_registers.get(index);
        if written.state() == now && !recalled {
            return;
        }
        let empty = now == ListRegisterState::Empty;
        per.list_registers.note_state(index, now);
        if recalled || (empty && per.overflow) {
            self.dirty.insert(vcpu);
        }
        let (bank_index, position) = self.locate(vcpu, written.intid());
        let Some(bank) = self.banks.get_mut(bank_index) else { return };
        bank.take_back(position, written, now);
        let bit = 1 << position;
        let busy = (bank.lives.in_use() | bank.lives.held()) & bit != 0;
        if recalled && !empty {
            self.take_out(vcpu, index);
        }
        if busy {
            self.refresh(bank_index, bit, 0);
        }
    }

    /// The guest ended an interrupt that no list register held: the one acknowledged last, which is the one with
    /// the most urgent priority then, since it preempted the others. One that a register made active is only meant if
    /// there is no other, as where a guest restored what it had saved.
    #[inline(never)]
    fn deactivate_left_out(&mut self, vcpu: VcpuId) {
        let left_out = self.candidates(vcpu).filter(|(bank, position)| {
            let bit = 1 << position;
            bank.lives.active() & !bank.lives.listed() & bit != 0
        });
        let by_priority = left_out.map(|(bank, position)| {
            let detail = bank.detail(position);
            (detail.active_by_register, detail.active_priority, bank.first + position)
        });
        if let Some((.., intid)) = by_priority.min() {
            let (index, position) = self.locate(vcpu, intid);
            self.write_active(vcpu, index, 1 << position, false);
        }
    }

    /// Takes an interrupt out of a list register of a vCPU that is not in the guest.
    pub(super) fn take_out(&mut self, vcpu: VcpuId, index: u8) {
        let Some(per) = self.vcpus.get_mut(vcpu.index()) else { return };
        let intid = per.list_registers.get(index).intid();
        per.list_registers.take_out(index);
        self.dirty.insert(vcpu);
        let (bank, position) = self.locate(vcpu, intid);
        if let Some(bank) = self.banks.get_mut(bank) {
            bank.take_out(position);
        }
    }

    /// Takes out of the list registers of a vCPU, which is not in the guest, all but what is `chosen`.
    pub(super) fn take_out_all_but(&mut self, vcpu: VcpuId, chosen: &Chosen) {
        let Some(per) = self.vcpus.get(vcpu.index()) else { return };
        for index in per.list_registers.used_indices() {
            let intid = self.vcpus.get(vcpu.index()).map_or(0, |per| per.list_registers.get(index).intid());
            if !chosen.iter().any(|choice| choice.intid() == intid) {
                self.take_out(vcpu, index);
            }
        }
    }

    /// Chooses anew what stands in the list registers of a vCPU that is about to enter.
    #[inline(always)]
    fn refill(&mut self, vcpu: VcpuId) {
        if !self.online.contains(vcpu) {
            self.online.insert(vcpu);
            self.reconsider_routes();
        }
        let overflow = !self.place_all(vcpu);
        if let Some(per) = self.vcpus.get_mut(vcpu.index()) {
            per.overflow = overflow;
            per.list_registers.maintenance = Maintenance::NONE;
        }
        if overflow {
            self.place_the_first(vcpu);
        }
        self.dirty.remove(vcpu);
    }

    /// Gives the first candidates the list registers, of which there are too few, and says what to wait for.
    #[inline(never)]
    fn place_the_first(&mut self, vcpu: VcpuId) {
        let mut chosen = Chosen::new(self.layout.list_registers);
        self.choose(vcpu, &mut chosen);
        chosen.insist();
        self.take_out_all_but(vcpu, &chosen);
        let Some(per) = self.vcpus.get_mut(vcpu.index()) else { return };
        let maintenance = chosen.maintenance(per.list_registers.groups);
        per.list_registers.maintenance = maintenance;
        for choice in chosen.iter() {
            let (index, position) = self.locate(vcpu, choice.intid());
            self.place(vcpu, index, 1 << position, all_if(!maintenance.has(Maintenance::NO_PENDING)));
        }
    }

    fn choose(&self, vcpu: VcpuId, chosen: &mut Chosen) {
        let Some(per) = self.vcpus.get(vcpu.index()) else { return };
        let [group_0, group_1] = per.list_registers.groups;
        for (bank, position) in self.candidates(vcpu) {
            let bit = 1 << position;
            let (pending, one) = (bank.lives.active() & bit == 0, bank.group & bit != 0);
            let masked = pending && !if one { group_1 } else { group_0 };
            let detail = bank.detail(position);
            let priority = if pending { detail.priority } else { detail.active_priority };
            chosen.insert(Choice::new(bank.first + position, pending, priority, masked), one);
        }
    }

    /// Gives each candidate a list register. Whether there were enough.
    #[inline(always)]
    fn place_all(&mut self, vcpu: VcpuId) -> bool {
        let shared = self.busy & u64::MAX << self.vcpus.len();
        self.place(vcpu, vcpu.index(), u32::MAX, u32::MAX) && (shared == 0 || self.place_shared(vcpu, shared))
    }

    #[inline(never)]
    fn place_shared(&mut self, vcpu: VcpuId, mut banks: u64) -> bool {
        while banks != 0 {
            if !self.place(vcpu, banks.trailing_zeros() as usize, u32::MAX, u32::MAX) {
                return false;
            }
            banks &= banks - 1;
        }
        true
    }

    /// Puts the candidates `among` a bank into the list registers that they stand in already, or else into free ones;
    /// `together` as in [`Terms`]. Whether there were enough.
    fn place(&mut self, vcpu: VcpuId, index: usize, among: u32, together: u32) -> bool {
        let Some(bank) = self.banks.get(index) else { return true };
        let private = index < self.vcpus.len();
        let (mut candidates, forwarded, mut here) = (self.wanted(bank), self.forwarded(bank), u32::MAX);
        if candidates == 0 {
            self.busy &= !(1 << index);
            return true;
        }
        if !private {
            here = self.routed_to(vcpu, bank, candidates);
            candidates = bank.destined_for(vcpu.number(), candidates, here);
        }
        let by_source = if private && self.layout.version == Version::V2 { SGIS } else { 0 };
        let terms = Terms { forwarded, here, together, by_source };
        let Some(per) = self.vcpus.get_mut(vcpu.index()) else { return true };
        let Some(bank) = self.banks.get_mut(index) else { return true };
        let registers = &mut per.list_registers;
        for position in bits(candidates & among) {
            let listed =
                if bank.lives.listed() & 1 << position != 0 { registers.find(bank.first + position) } else { None };
            let place = listed.unwrap_or(registers.used.trailing_ones().to_le_bytes()[0]);
            if usize::from(place) >= self.layout.list_registers {
                return false;
            }
            registers.put(place, bank.lend(position, vcpu.number(), &terms));
        }
        true
    }
}
