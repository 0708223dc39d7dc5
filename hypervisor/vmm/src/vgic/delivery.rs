//! Who is to get an interrupt. Every change of an interrupt goes through [`Vgic::update`], which keeps the sets
//! of candidates and finds out who must hear of it.

use super::distributor::ROUTE_ANY;
use super::interrupt::{Interrupt, Slot};
use super::{FIRST_SHARED, Version, Vgic};
use crate::vcpu::{VcpuId, VcpuSet};

impl Vgic {
    /// Interrupt `intid`: private to `vcpu`, or shared; `None` if there is none.
    pub(super) fn interrupt(&self, vcpu: VcpuId, intid: u32) -> Option<&Interrupt> {
        match intid.checked_sub(FIRST_SHARED) {
            None => self.vcpus.get(vcpu.index())?.private.get(intid as usize),
            Some(index) => self.shared.get(index as usize),
        }
    }

    /// Interrupt `intid`, to change what nobody else depends on.
    pub(super) fn interrupt_mut(&mut self, vcpu: VcpuId, intid: u32) -> Option<&mut Interrupt> {
        match intid.checked_sub(FIRST_SHARED) {
            None => self.vcpus.get_mut(vcpu.index())?.private.get_mut(intid as usize),
            Some(index) => self.shared.get_mut(index as usize),
        }
    }

    /// Applies `change` to an interrupt, and all that follows from it.
    pub(super) fn update(&mut self, vcpu: VcpuId, intid: u32, change: impl FnOnce(&mut Interrupt)) {
        let running = self.running;
        let Some(interrupt) = self.interrupt_mut(vcpu, intid) else { return };
        let before = *interrupt;
        change(interrupt);
        if *interrupt == before {
            return;
        }
        if let Some(slot) = before.slot {
            if running.contains(slot.vcpu) { self.recall(slot) } else { self.take_out(slot) }
        }
        self.refresh(vcpu, intid);
    }

    /// A list register that is out in the hardware must come back. Whose it is hears of it by [`Self::refresh`].
    fn recall(&mut self, slot: Slot) {
        if let Some(per) = self.vcpus.get_mut(slot.vcpu.index()) {
            per.recall |= 1 << slot.index;
        }
    }

    /// Whether some vCPU has yet to see a change of what it has in the hardware.
    pub(super) fn recalling(&self) -> bool {
        self.running.iter().any(|vcpu| self.recalling_from(vcpu))
    }

    /// Whether `vcpu` has yet to see a change of what it has in the hardware.
    pub(super) fn recalling_from(&self, vcpu: VcpuId) -> bool {
        self.vcpus.get(vcpu.index()).is_some_and(|per| per.recall != 0)
    }

    /// Counts an interrupt among the candidates of whoever is to handle it now.
    pub(super) fn refresh(&mut self, vcpu: VcpuId, intid: u32) {
        self.release_if_idle(vcpu, intid);
        let Some(interrupt) = self.interrupt(vcpu, intid) else { return };
        let (previous, next) = (interrupt.candidate, self.destination(vcpu, intid, interrupt));
        if previous != next {
            self.set_candidate(previous, intid, false);
            self.set_candidate(next, intid, true);
            if let Some(interrupt) = self.interrupt_mut(vcpu, intid) {
                interrupt.candidate = next;
            }
        }
        if let Some(next) = next {
            self.dirty.insert(next);
            self.kicks.insert(next);
        }
    }

    fn set_candidate(&mut self, vcpu: Option<VcpuId>, intid: u32, member: bool) {
        if let Some(per) = vcpu.and_then(|vcpu| self.vcpus.get_mut(vcpu.index())) {
            per.candidates.set(intid, member);
        }
    }

    /// Finds anew who gets each shared interrupt, because the choice among several vCPUs may have changed.
    pub(super) fn refresh_shared(&mut self) {
        for intid in (FIRST_SHARED..).take(self.shared.len()) {
            let Some(interrupt) = self.interrupt(VcpuId::BOOT, intid) else { return };
            if interrupt.candidate.is_some() && self.route(interrupt) != interrupt.candidate {
                self.reconsider(VcpuId::BOOT, intid);
            }
        }
    }

    /// Writes GICD_CTLR's group enables: each pending interrupt may come to be delivered, or cease to.
    pub(super) fn set_group_enables(&mut self, enables: [bool; 2]) {
        if self.group_enables == enables {
            return;
        }
        self.group_enables = enables;
        for vcpu in VcpuSet::first(self.layout.vcpus).iter() {
            for intid in 0..FIRST_SHARED {
                self.reconsider(vcpu, intid);
            }
        }
        for intid in (FIRST_SHARED..).take(self.shared.len()) {
            self.reconsider(VcpuId::BOOT, intid);
        }
    }

    /// Something outside an interrupt changed that its delivery depends on.
    fn reconsider(&mut self, vcpu: VcpuId, intid: u32) {
        match self.interrupt(vcpu, intid).map(|interrupt| interrupt.slot) {
            Some(Some(slot)) if self.running.contains(slot.vcpu) => self.recall(slot),
            Some(Some(slot)) => self.take_out(slot),
            _ => {}
        }
        self.refresh(vcpu, intid);
    }

    /// Whose list registers an interrupt belongs into: it stays where it stands or is active; a pending one goes
    /// where it is routed.
    fn destination(&self, vcpu: VcpuId, intid: u32, interrupt: &Interrupt) -> Option<VcpuId> {
        if let Some(slot) = interrupt.slot {
            return Some(slot.vcpu);
        }
        if interrupt.life.active {
            return Some(interrupt.active_on);
        }
        if interrupt.pending() && self.is_enabled(interrupt) { self.target(vcpu, intid, interrupt) } else { None }
    }

    /// Whether the distributor forwards the interrupt when it is pending.
    pub(super) const fn is_enabled(&self, interrupt: &Interrupt) -> bool {
        let [group_0, group_1] = self.group_enables;
        interrupt.enabled && if interrupt.group.bit() { group_1 } else { group_0 }
    }

    /// The vCPU that a pending interrupt goes to.
    pub(super) fn target(&self, vcpu: VcpuId, intid: u32, interrupt: &Interrupt) -> Option<VcpuId> {
        if intid < FIRST_SHARED { Some(vcpu) } else { self.route(interrupt) }
    }

    /// The vCPU that a shared interrupt goes to by GICD_ITARGETSR or GICD_IROUTER; `None` if they name none.
    pub(super) fn route(&self, interrupt: &Interrupt) -> Option<VcpuId> {
        let all = VcpuSet::first(self.layout.vcpus);
        match self.layout.version {
            _ if self.layout.vcpus == 1 && self.layout.version == Version::V2 => Some(VcpuId::BOOT),
            Version::V2 => {
                let targets = (0..8).filter(|index| interrupt.route & 1 << index != 0).filter_map(VcpuId::new);
                let mut set = VcpuSet::EMPTY;
                targets.for_each(|target| set.insert(target));
                self.one_of(set.intersection(all))
            }
            Version::V3 if interrupt.route & ROUTE_ANY != 0 => self.one_of(all),
            Version::V3 => VcpuId::from_affinity(interrupt.route).filter(|vcpu| all.contains(*vcpu)),
        }
    }

    /// The 1-of-N choice (GICv3 IHI 0069 3.2.3, GICv2 IHI 0048 3.2.3): the first that is on and awake, or else
    /// on, or else that may be chosen at all.
    fn one_of(&self, set: VcpuSet) -> Option<VcpuId> {
        let online = set.intersection(self.online);
        let awake = online.iter().find(|vcpu| !self.asleep.contains(*vcpu));
        awake.or_else(|| online.iter().next()).or_else(|| set.iter().next())
    }

    /// GICR_WAKER.ProcessorSleep of `vcpu`.
    pub(super) const fn is_asleep(&self, vcpu: VcpuId) -> bool {
        self.asleep.contains(vcpu)
    }

    /// Writes GICR_WAKER.ProcessorSleep, which weighs in the choice among several vCPUs.
    pub(super) fn set_asleep(&mut self, vcpu: VcpuId, asleep: bool) {
        if self.is_asleep(vcpu) != asleep {
            if asleep {
                self.asleep.insert(vcpu)
            } else {
                self.asleep.remove(vcpu)
            }
            self.refresh_shared();
        }
    }

    /// The vCPUs that the call under way must make look again: those in the guest, and those that sleep. One that
    /// is out of the guest looks anyway before it enters, so that no access costs an exit of its own vCPU.
    pub(super) fn take_kicks(&mut self) -> VcpuSet {
        core::mem::take(&mut self.kicks).intersection(self.running.union(self.waiting))
    }

    /// Whether `vcpu` has a pending interrupt that the distributor forwards to it: it ends a CPU_SUSPEND in
    /// standby. What the CPU interface masks is not considered, since it may live in the hardware; waking for
    /// no good reason is allowed (PSCI DEN0022 5.4). If not, the vCPU is taken to sleep from now on until
    /// [`Self::flush`], so that whoever makes an interrupt pending for it is told to kick it.
    pub fn has_deliverable(&mut self, vcpu: VcpuId) -> bool {
        let found = self.deliverable(vcpu).next().is_some();
        if !found {
            self.waiting.insert(vcpu);
        }
        found
    }

    /// Whether a parked `vcpu` would be signalled an interrupt: [`Self::has_deliverable`] with the masks of its
    /// CPU interface.
    pub fn has_signalled(&self, vcpu: VcpuId) -> bool {
        let Some(per) = self.vcpus.get(vcpu.index()) else { return false };
        let bits = self.layout.priority_bits;
        self.deliverable(vcpu).any(|it| per.cpu_interface.signals(it.group, it.priority, bits))
    }

    fn deliverable(&self, vcpu: VcpuId) -> impl Iterator<Item = &Interrupt> {
        let candidates = self.vcpus.get(vcpu.index()).into_iter().flat_map(|per| per.candidates.iter());
        candidates.filter_map(move |intid| {
            let interrupt = self.interrupt(vcpu, intid)?;
            let here = self.target(vcpu, intid, interrupt) == Some(vcpu);
            (here && interrupt.pending() && !interrupt.life.active && self.is_enabled(interrupt)).then_some(interrupt)
        })
    }
}
