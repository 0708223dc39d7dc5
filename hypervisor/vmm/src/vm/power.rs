//! PSCI's effects on a VM.

use super::{Run, Vm};
use crate::address::Ipa;
use crate::psci::{self, Entry, Power};
use crate::vcpu::{Vcpu, VcpuId, VcpuSet};
use alloc::boxed::Box;

impl psci::Machine for Vm {
    fn power(&self, vcpu: VcpuId) -> Option<Power> {
        self.slot(vcpu).map(super::Slot::power)
    }

    fn others_are_off(&self, caller: VcpuId) -> bool {
        let mut others = self.slots().iter().enumerate().filter(|(index, _)| *index != caller.index());
        others.all(|(_, slot)| slot.power() == Power::Off)
    }

    fn is_memory(&self, address: Ipa) -> bool {
        self.is_ram(address)
    }
}

impl Vm {
    /// Switches `vcpu` on at `entry`. Returns whom to wake.
    pub(crate) fn turn_on(&mut self, vcpu: VcpuId, entry: Entry) -> VcpuSet {
        if let Some(slot) = self.slot_mut(vcpu) {
            slot.run = Run::Starting(entry);
        }
        VcpuSet::only(vcpu)
    }

    /// Lets `vcpu` sleep until an interrupt is pending for it.
    pub(crate) fn suspend(&mut self, vcpu: VcpuId, resume: Option<Entry>) {
        if let Some(slot) = self.slot_mut(vcpu) {
            slot.run = Run::Suspended(resume);
        }
    }

    /// Marks `vcpu` as off. Its core resets it, and it rests there.
    pub(crate) fn turn_off(&mut self, vcpu: VcpuId) {
        if let Some(slot) = self.slot_mut(vcpu) {
            slot.run = Run::Off;
        }
    }

    /// `vcpu` sleeps no more, and goes on where it was.
    pub(crate) fn wake(&mut self, vcpu: VcpuId) {
        if let Some(slot) = self.slot_mut(vcpu) {
            slot.run = Run::On;
        }
    }

    /// `vcpu`, parked, sleeps no more and goes on from `entry`: out of reset, but for its timers, which ran on to
    /// wake it. Returns whom to wake.
    pub(crate) fn resume_from(&mut self, vcpu: VcpuId, entry: Entry) -> VcpuSet {
        let timers = self.slot(vcpu).and_then(|slot| slot.parked.as_ref()).map(|parked| parked.timers.clone());
        let kicks = self.begin(vcpu, entry);
        if let (Some(parked), Some(timers)) = (self.slot_mut(vcpu).and_then(|slot| slot.parked.as_mut()), timers) {
            parked.timers = timers;
        }
        kicks
    }

    /// Hands out the registers of `vcpu` to be loaded.
    pub(crate) fn take_parked(&mut self, vcpu: VcpuId) -> Option<Box<Vcpu>> {
        let slot = self.slot_mut(vcpu)?;
        let parked = slot.parked.take()?;
        slot.loaded = true;
        Some(parked)
    }

    /// Takes the registers of `vcpu` back.
    pub(crate) fn put_parked(&mut self, vcpu: VcpuId, parked: Box<Vcpu>) {
        if let Some(slot) = self.slot_mut(vcpu) {
            slot.parked = Some(parked);
            slot.loaded = false;
        }
    }
}
