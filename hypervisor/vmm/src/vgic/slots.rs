//! List registers: chosen and filled before a vCPU enters the guest, taken back when it left.

use super::choice::{Choice, Chosen};
use super::interrupt::{Interrupt, Move, Slot};
use super::lend::{Terms, lend, lend_sgi};
use super::list_register::{ListRegister, ListRegisterState, ListRegisters};
use super::{FIRST_PPI, Version, Vgic};
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
        self.vcpus.get(vcpu.index()).map_or(&NONE, |per| &per.list_registers)
    }

    /// Takes back what the hardware made of the list registers of `vcpu`, which left the guest. Of `read` only
    /// the states of the used ones, `eoi_count` and, if asked for, `groups` matter. Returns the other vCPUs to kick.
    pub fn fold(&mut self, vcpu: VcpuId, read: &ListRegisters) -> VcpuSet {
        self.running.remove(vcpu);
        let Some(per) = self.vcpus.get_mut(vcpu.index()) else { return VcpuSet::EMPTY };
        per.list_registers.changed = 0;
        if per.list_registers.used == 0 && read.eoi_count == 0 {
            return VcpuSet::EMPTY;
        }
        self.fold_used(vcpu, read);
        self.take_kicks()
    }

    /// The part of [`Self::fold`] that an exit with nothing in flight does without.
    #[inline(never)]
    fn fold_used(&mut self, vcpu: VcpuId, read: &ListRegisters) {
        let Some(per) = self.vcpus.get_mut(vcpu.index()) else { return };
        if per.list_registers.maintenance.wants_groups() && per.list_registers.groups != read.groups {
            per.list_registers.groups = read.groups;
            self.dirty.insert(vcpu);
        }
        let used = per.list_registers.used_indices();
        // First, while those without a list register are the same as in the guest.
        for _ in 0..read.eoi_count.min(31) {
            self.deactivate_left_out(vcpu);
        }
        for index in used {
            self.fold_one(vcpu, index, read.get(index).state);
        }
    }

    fn fold_one(&mut self, vcpu: VcpuId, index: u8, now: ListRegisterState) {
        let Some(per) = self.vcpus.get_mut(vcpu.index()) else { return };
        let written = *per.list_registers.get(index);
        let recalled = per.recall & 1 << index != 0;
        if written.state == now && !recalled {
            return;
        }
        per.recall &= !(1 << index);
        let left = now == ListRegisterState::Empty;
        match recalled && !left {
            true => per.list_registers.take_out(index),
            false => per.list_registers.note_state(index, now),
        }
        let overflow = per.overflow;
        if recalled || (left && overflow) {
            self.dirty.insert(vcpu);
        }
        if let Some(interrupt) = self.interrupt_mut(vcpu, written.intid) {
            fold_interrupt(interrupt, vcpu, &written, now);
            if recalled || left {
                interrupt.slot = None;
                interrupt.reclaim();
            }
        }
        self.refresh(vcpu, written.intid);
    }

    /// The guest ended an interrupt that no list register held: the one acknowledged last, which is the one with
    /// the most urgent priority then, since it preempted the others.
    fn deactivate_left_out(&mut self, vcpu: VcpuId) {
        let Some(per) = self.vcpus.get(vcpu.index()) else { return };
        let active = per.candidates.iter().filter_map(|intid| {
            let interrupt = self.interrupt(vcpu, intid)?;
            (interrupt.life.active && interrupt.slot.is_none()).then_some((interrupt.active_priority, intid))
        });
        if let Some((_, intid)) = active.min() {
            self.update(vcpu, intid, |it| it.step(Move::Deactivate));
        }
    }

    /// Takes an interrupt out of a list register of a vCPU that is not in the guest.
    pub(super) fn take_out(&mut self, slot: Slot) {
        let Some(per) = self.vcpus.get_mut(slot.vcpu.index()) else { return };
        let intid = per.list_registers.get(slot.index).intid;
        per.list_registers.take_out(slot.index);
        self.dirty.insert(slot.vcpu);
        if let Some(interrupt) = self.interrupt_mut(slot.vcpu, intid) {
            interrupt.slot = None;
            interrupt.active_wish = None;
            interrupt.reclaim();
        }
    }

    /// Takes everything out of the list registers of a vCPU that is not in the guest.
    pub(super) fn take_out_all(&mut self, vcpu: VcpuId) {
        let Some(per) = self.vcpus.get(vcpu.index()) else { return };
        for index in per.list_registers.used_indices() {
            self.take_out(Slot { vcpu, index });
        }
    }

    /// Chooses anew what stands in the list registers of a vCPU that is about to enter.
    #[inline(never)]
    fn refill(&mut self, vcpu: VcpuId) {
        if !self.online.contains(vcpu) {
            self.online.insert(vcpu);
            self.refresh_shared();
        }
        let mut chosen = Chosen::default();
        self.choose(vcpu, &mut chosen);
        self.evict(vcpu, &chosen);
        let Some(per) = self.vcpus.get_mut(vcpu.index()) else { return };
        let maintenance = chosen.maintenance(per.list_registers.groups);
        per.overflow = maintenance.no_pending || maintenance.entry_not_present;
        per.list_registers.maintenance = maintenance;
        for choice in &chosen.choices {
            self.place(vcpu, choice.intid, !maintenance.no_pending);
        }
        self.dirty.remove(vcpu);
    }

    /// The first candidates, and always the first pending one, so that the guest is never kept from an interrupt
    /// that it could take.
    fn choose(&self, vcpu: VcpuId, chosen: &mut Chosen) {
        let Some(per) = self.vcpus.get(vcpu.index()) else { return };
        let [group_0, group_1] = per.list_registers.groups;
        for intid in per.candidates.iter() {
            let Some(interrupt) = self.interrupt(vcpu, intid) else { continue };
            let pending = !interrupt.life.active;
            let masked = pending && !if interrupt.group.bit() { group_1 } else { group_0 };
            let choice = Choice { masked, priority: interrupt.priority, pending, intid };
            chosen.count(choice, interrupt.group);
            chosen.insert(choice, self.layout.list_registers);
        }
        chosen.insist();
    }

    fn evict(&mut self, vcpu: VcpuId, chosen: &Chosen) {
        let Some(used) = self.vcpus.get(vcpu.index()).map(|per| per.list_registers.used_indices()) else { return };
        for index in used {
            let intid = self.vcpus.get(vcpu.index()).map_or(0, |per| per.list_registers.get(index).intid);
            if !chosen.choices.iter().any(|choice| choice.intid == intid) {
                self.take_out(Slot { vcpu, index });
            }
        }
    }

    /// Puts a candidate into the list register that it stands in already, or else into a free one.
    fn place(&mut self, vcpu: VcpuId, intid: u32, together: bool) {
        let Some(per) = self.vcpus.get(vcpu.index()) else { return };
        let Some(interrupt) = self.interrupt(vcpu, intid) else { return };
        let free = per.list_registers.used.trailing_ones().to_le_bytes()[0];
        let index = interrupt.slot.map_or(free, |slot| slot.index);
        let enabled = self.is_enabled(interrupt);
        let here = self.target(vcpu, intid, interrupt) == Some(vcpu);
        let sgi_v2 = self.layout.version == Version::V2 && intid < FIRST_PPI;
        let Some(interrupt) = self.interrupt_mut(vcpu, intid) else { return };
        interrupt.slot = Some(Slot { vcpu, index });
        let terms = Terms { here: enabled && here, elsewhere: enabled && !here, together };
        let register = if sgi_v2 { lend_sgi(interrupt, intid, terms) } else { lend(interrupt, intid, terms) };
        if let Some(per) = self.vcpus.get_mut(vcpu.index()) {
            per.list_registers.put(index, register);
        }
    }
}

/// What a list register says of an interrupt now, compared with what was written there.
fn fold_interrupt(interrupt: &mut Interrupt, vcpu: VcpuId, written: &ListRegister, now: ListRegisterState) {
    if written.state.pending() && !now.pending() {
        interrupt.acknowledge(written.source);
        interrupt.active_priority = written.priority;
    }
    let active = interrupt.active_wish.take().unwrap_or(now.active());
    interrupt.step(if active { Move::Activate } else { Move::Deactivate });
    interrupt.active_on = vcpu;
    if let Some(link) = &mut interrupt.link
        && now == ListRegisterState::Empty
        && written.hardware.is_some()
    {
        // The guest's deactivation reached the physical interrupt too.
        link.held = false;
    }
}
