//! Who is to get an interrupt. Every change of interrupts is followed by [`Vgic::touched`], which finds out who must
//! hear of it.

use super::bank::Bank;
use super::{FIRST_SHARED, Version, Vgic};
use crate::bits::{Bits, bits};
use crate::vcpu::{VcpuId, VcpuSet};

impl Vgic {
    /// The bank of interrupt `intid`, private to `vcpu` or shared, and the position in it; there may be no such bank.
    #[inline(always)]
    pub(super) const fn locate(&self, vcpu: VcpuId, intid: u32) -> (usize, u32) {
        let bank = if intid < FIRST_SHARED { vcpu.index() } else { self.vcpus.len() - 1 + (intid / 32) as usize };
        (bank, intid % 32)
    }

    /// The interrupts of the bank `index` that are the ones in `changed` have changed: what of them is in list
    /// registers comes back, and those who are to handle them now hear of it.
    #[inline(always)]
    pub(super) fn touched(&mut self, index: usize, changed: u32) {
        self.refresh(index, changed, changed);
    }

    /// Takes an interrupt out of its list register, or has that come back from the hardware. Whose it is hears of it
    /// by [`Self::refresh`].
    fn unlist(&mut self, intid: u32, owner: u8) {
        let Some(vcpu) = VcpuId::new(owner) else { return };
        let Some(per) = self.vcpus.get_mut(vcpu.index()) else { return };
        let Some(index) = per.list_registers.find(intid) else { return };
        if self.out.contains(vcpu) {
            per.recall |= 1 << index;
            self.close_mailbox(vcpu);
        } else {
            self.take_out(vcpu, index);
        }
    }

    /// Whether some vCPU has yet to see a change of what it has in the hardware.
    pub(super) fn recalling(&self) -> bool {
        self.vcpus.iter().any(|per| per.recall != 0)
    }

    /// Tells whoever is to handle the interrupts `changed` of a bank now, and lets go of the physical ones behind those
    /// that nobody is. What is in list registers of `recalled` ones comes back first. Private ones have one owner: they
    /// need no search.
    pub(super) fn refresh(&mut self, index: usize, changed: u32, recalled: u32) {
        let Some(bank) = self.banks.get(index) else { return };
        let listed = bank.lives.listed() & recalled;
        if listed != 0 {
            return self.recall(index, changed, listed);
        }
        let (idle, wanted) = (bank.lives.held() & changed & !bank.lives.in_use(), changed & self.wanted(bank));
        if idle | wanted == 0 {
            return;
        }
        if idle != 0 || index >= self.vcpus.len() {
            return self.tell_owners(index, idle, wanted);
        }
        self.busy |= 1 << index;
        self.tell(VcpuSet::from_bits(1 << index));
    }

    #[inline(never)]
    fn recall(&mut self, index: usize, changed: u32, listed: u32) {
        for position in bits(listed) {
            let Some(bank) = self.banks.get(index) else { return };
            self.unlist(bank.first + position, bank.detail(position).owner);
        }
        self.refresh(index, changed, 0);
    }

    /// The interrupts of `vcpus` have changed.
    fn tell(&mut self, vcpus: VcpuSet) {
        self.dirty = self.dirty.union(vcpus);
        self.kicks = self.kicks.union(vcpus);
    }

    /// Of a bank's interrupts, tells the owners of those that are `wanted`. The physical interrupts behind `idle` ones
    /// are nobody's now: whoever had one last must come by to deactivate it.
    #[inline(never)]
    fn tell_owners(&mut self, index: usize, idle: u32, wanted: u32) {
        let Some(bank) = self.banks.get_mut(index) else { return };
        bank.lives.let_go(idle);
        self.released |= u64::from(idle != 0) << index;
        self.busy |= u64::from(wanted != 0) << index;
        for position in bits(idle) {
            self.kicks = self.kicks.union(VcpuSet::from_bits(1 << bank.detail(position).owner));
        }
        for position in bits(wanted) {
            let Some(bank) = self.banks.get(index) else { return };
            if let Some(next) = self.destination(bank, position) {
                self.tell(VcpuSet::only(next));
            }
        }
    }

    /// Which of several vCPUs a shared interrupt of GICv2 goes to may have changed: reconsiders those that are candidates.
    pub(super) fn reconsider_routes(&mut self) {
        let busy = self.busy & u64::MAX << self.vcpus.len();
        if busy != 0 && self.layout.version == Version::V2 {
            self.reconsider(busy);
        }
    }

    /// Something outside the interrupts changed that their delivery depends on: reconsiders those of these banks, a bit
    /// each.
    pub(super) fn reconsider(&mut self, mut banks: u64) {
        while banks != 0 {
            let index = banks.trailing_zeros() as usize;
            banks &= banks - 1;
            let wanted = self.banks.get(index).map_or(0, |bank| bank.lives.pending() | bank.lives.listed());
            if wanted != 0 {
                self.touched(index, wanted);
            }
        }
    }

    /// The interrupts of a bank that the distributor forwards when they are pending.
    #[inline(always)]
    pub(super) const fn forwarded(&self, bank: &Bank) -> u32 {
        let [group_0, group_1] = self.group_enables;
        bank.enabled & (group_0 & !bank.group | group_1 & bank.group)
    }

    /// The interrupts of a bank that want a list register of some vCPU: an interrupt stays where it stands or is
    /// active; a pending one goes where it is routed.
    #[inline(always)]
    pub(super) const fn wanted(&self, bank: &Bank) -> u32 {
        bank.lives.settled() | (bank.lives.pending() & self.forwarded(bank))
    }

    /// Whose list registers a candidate belongs into.
    #[inline(always)]
    fn destination(&self, bank: &Bank, position: u32) -> Option<VcpuId> {
        let detail = bank.detail(position);
        let settled = bank.first < FIRST_SHARED || bank.lives.settled() & 1 << position != 0;
        if settled { VcpuId::new(detail.owner) } else { self.route(detail.route) }
    }

    /// The interrupts of the bank `index` that belong into the list registers of `vcpu`, which sees that bank.
    pub(super) fn candidates_in(&self, vcpu: VcpuId, index: usize) -> u32 {
        let Some(bank) = self.banks.get(index) else { return 0 };
        let wanted = self.wanted(bank);
        if index < self.vcpus.len() {
            return wanted;
        }
        bank.destined_for(vcpu.number(), wanted, self.routed_to(vcpu, bank, wanted))
    }

    /// Those among the shared interrupts `wanted` that go to `vcpu` when they become pending.
    #[inline(never)]
    pub(super) fn routed_to(&self, vcpu: VcpuId, bank: &Bank, wanted: u32) -> u32 {
        let here = bits(wanted).filter(|position| self.route(bank.detail(*position).route) == Some(vcpu));
        here.fold(0, |word, position| word | 1 << position)
    }

    /// The interrupts that belong into the list registers of `vcpu`, each with its bank and its position there.
    pub(super) fn candidates(&self, vcpu: VcpuId) -> impl Iterator<Item = (&Bank, u32)> {
        Candidates { vgic: self, vcpu, banks: self.busy & self.banks_of(vcpu), index: 0, word: bits(0) }
    }

    /// A bit for each bank that `vcpu` sees: its own, and the shared ones.
    pub(super) const fn banks_of(&self, vcpu: VcpuId) -> u64 {
        u64::MAX << self.vcpus.len() | 1 << vcpu.index()
    }

    /// The vCPU that a shared interrupt goes to by GICD_ITARGETSR or GICD_IROUTER; `None` if they name none.
    pub(super) fn route(&self, route: u64) -> Option<VcpuId> {
        let all = VcpuSet::first(self.vcpus.len());
        match self.layout.version {
            Version::V2 if self.vcpus.len() == 1 => Some(VcpuId::BOOT),
            Version::V2 => self.one_of(VcpuSet::from_bits((route & 0xFF) as u32).intersection(all)),
            Version::V3 => VcpuId::from_affinity(route).filter(|vcpu| all.contains(*vcpu)),
        }
    }

    /// The 1-of-N choice (GICv2 IHI 0048 3.2.3; GICv3 need not offer it): the first that is on, or else that may be
    /// chosen at all.
    fn one_of(&self, set: VcpuSet) -> Option<VcpuId> {
        set.intersection(self.online).lowest().or_else(|| set.lowest())
    }

    /// The vCPUs that the call under way must make look again: those in the guest, and those that sleep. One that
    /// is out of the guest looks anyway before it enters, so that no access costs an exit of its own vCPU.
    pub fn take_kicks(&mut self) -> VcpuSet {
        core::mem::take(&mut self.kicks).intersection(self.running.union(self.waiting))
    }

    /// Whether `vcpu` has a pending interrupt that the distributor forwards to it: it ends a CPU_SUSPEND in
    /// standby. What the CPU interface masks is not considered, since it may live in the hardware; waking for
    /// no good reason is allowed (PSCI DEN0022 5.4). If not, the vCPU is taken to sleep from now on until
    /// [`Self::flush`], so that whoever makes an interrupt pending for it is told to kick it. It must not be in the
    /// guest.
    pub fn has_deliverable(&mut self, vcpu: VcpuId) -> bool {
        let found = self.candidates(vcpu).any(|(bank, position)| bank.lives.active() & 1 << position == 0);
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
        self.candidates(vcpu).any(|(bank, position)| {
            let (bit, priority) = (1 << position, bank.detail(position).priority);
            bank.lives.active() & bit == 0
                && per.cpu_interface.signals(super::Group::from_bit(bank.group & bit != 0), priority, bits)
        })
    }
}

/// What [`Vgic::candidates`] has still to give.
struct Candidates<'v> {
    vgic: &'v Vgic,
    vcpu: VcpuId,
    /// Banks that are still to be looked at, a bit each.
    banks: u64,
    index: usize,
    word: Bits,
}

impl<'v> Iterator for Candidates<'v> {
    type Item = (&'v Bank, u32);

    #[inline(never)]
    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(position) = self.word.next() {
                return Some((self.vgic.banks.get(self.index)?, position));
            }
            self.index = self.banks.trailing_zeros() as usize;
            self.banks &= self.banks.checked_sub(1)?;
            self.word = bits(self.vgic.candidates_in(self.vcpu, self.index));
        }
    }
}
