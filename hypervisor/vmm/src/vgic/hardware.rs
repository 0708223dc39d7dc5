//! Physical interrupts behind virtual ones. el2 acknowledges a physical interrupt and drops its priority; it then
//! stays active, and so silent, until the guest has ended the virtual one, which the hardware passes on.

use super::interrupt::{Interrupt, Link, Move, Trigger};
use super::{FIRST_SHARED, Vgic, candidates};
use crate::vcpu::{VcpuId, VcpuSet};
use alloc::vec::Vec;

impl Vgic {
    /// Ties interrupt `intid`, private to `vcpu` or shared, to the physical interrupt `physical` (below 1020).
    /// One that is restored pending or active takes the physical one along.
    pub fn link_hardware(&mut self, vcpu: VcpuId, intid: u32, physical: u32) {
        let Some(interrupt) = self.interrupt_mut(vcpu, intid) else { return };
        let held = interrupt.pending() || interrupt.life.active;
        if intid < FIRST_SHARED
            && let Some(per) = self.vcpus.get_mut(vcpu.index())
        {
            per.linked |= 1 << intid;
        }
        self.update(vcpu, intid, |it| it.link = Some(Link { physical, held }));
        self.released.reserve(1);
    }

    /// The physical interrupt that `intid` of `vcpu` is linked to was acknowledged: it is active now, its
    /// priority dropped. Returns whom to kick: nobody, if the interrupt is private to a `vcpu` that is out of the
    /// guest.
    pub fn raise_hardware(&mut self, vcpu: VcpuId, intid: u32) -> VcpuSet {
        self.update(vcpu, intid, |it| {
            if let Some(link) = &mut it.link {
                link.held = true;
                it.step(if it.trigger == Trigger::Level { Move::Raise } else { Move::SetPending });
            }
        });
        self.take_kicks()
    }

    /// The condition behind a linked level interrupt was seen to be gone before the guest acknowledged it. The
    /// physical interrupt is then among those of [`Self::take_released`]. Returns whom to kick.
    pub fn lower_hardware(&mut self, vcpu: VcpuId, intid: u32) -> VcpuSet {
        self.update(vcpu, intid, |it| it.step(Move::Lower));
        self.take_kicks()
    }

    /// The physical interrupts that are active on behalf of private ones of `vcpu`: their active bits belong set
    /// on the core that the vCPU is loaded on, and cleared when it is parked.
    pub fn hardware_active(&self, vcpu: VcpuId) -> impl Iterator<Item = u32> {
        let linked = self.vcpus.get(vcpu.index()).map_or(0, |per| per.linked);
        candidates::bits(linked).filter_map(move |intid| {
            let link = self.interrupt(vcpu, intid)?.link?;
            link.held.then_some(link.physical)
        })
    }

    /// A physical interrupt to deactivate, because the guest will not: it lost its pending state, or was made
    /// inactive, by a register. To be asked for before `vcpu` enters, on its core, until there is none.
    pub fn take_released(&mut self, vcpu: VcpuId) -> Option<u32> {
        if self.released.is_empty() {
            return None;
        }
        let index = self.released.iter().position(|(owner, _)| owner.is_none_or(|owner| owner == vcpu))?;
        Some(self.released.swap_remove(index).1)
    }

    /// Lets go of the physical interrupt behind one that is neither pending nor active any more. Whoever had it
    /// last must come by to deactivate it.
    pub(super) fn release_if_idle(&mut self, vcpu: VcpuId, intid: u32) {
        let Some(interrupt) = self.interrupt_mut(vcpu, intid) else { return };
        let idle = !interrupt.pending() && !interrupt.life.active && interrupt.slot.is_none();
        if let Some(link) = &mut interrupt.link
            && link.held
            && idle
        {
            link.held = false;
            let (physical, last) = (link.physical, interrupt.active_on);
            self.kicks.insert(last);
            self.released.push(((intid < FIRST_SHARED).then_some(vcpu), physical));
        }
    }

    /// Undoes every link for a reset; each is (vCPU, INTID, physical INTID).
    pub(super) fn take_links(&mut self) -> Vec<(VcpuId, u32, u32)> {
        let mut links = Vec::new();
        let mut released = core::mem::take(&mut self.released);
        let ids = VcpuSet::first(self.layout.vcpus);
        for (vcpu, per) in ids.iter().zip(&self.vcpus) {
            collect(&per.private, vcpu, 0, &mut links, |physical| released.push((Some(vcpu), physical)));
        }
        let shared = |physical| released.push((None, physical));
        collect(&self.shared, VcpuId::BOOT, FIRST_SHARED, &mut links, shared);
        self.released = released;
        links
    }
}

fn collect(
    interrupts: &[Interrupt],
    vcpu: VcpuId,
    first: u32,
    links: &mut Vec<(VcpuId, u32, u32)>,
    mut release: impl FnMut(u32),
) {
    for (intid, interrupt) in (first..).zip(interrupts) {
        if let Some(link) = interrupt.link {
            links.push((vcpu, intid, link.physical));
            if link.held {
                release(link.physical);
            }
        }
    }
}
