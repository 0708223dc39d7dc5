//! What a vCPU does to the interrupts of others while these run.

use super::{CoreLoop, Machine};
use crate::address::Ipa;
use crate::lock::lock;
use crate::platform::Platform;
use crate::vm::{Device, Vm};
use spin::Mutex;

impl CoreLoop {
    /// Before a load or store at `ipa` that may rest on what other vCPUs have in their list registers: of the interrupt
    /// controller's, but for its CPU interface.
    #[inline(always)]
    pub(super) fn hear_others<P: Platform>(
        &mut self,
        platform: &mut P,
        machine: &Machine,
        shared: &Mutex<Vm>,
        ipa: Ipa,
    ) {
        let device = self.loaded.as_ref().and_then(|loaded| loaded.shared.bus.find(ipa, 1));
        if let Some((Device::Distributor | Device::Redistributors, _)) = device {
            self.await_others(platform, machine, shared);
        }
    }

    /// Has others' list registers come back, and waits for it, so that what another vCPU has done before is seen. The VM is
    /// not locked while others are waited for, which need that; they do not wait for this core: what it has is taken back
    /// first.
    #[inline(never)]
    fn await_others<P: Platform>(&mut self, platform: &mut P, machine: &Machine, shared: &Mutex<Vm>) {
        let Some(vcpu) = self.loaded_vcpu() else { return };
        let mut vm = lock(shared);
        self.take_back(platform, machine, &mut vm);
        let mut others = vm.vgic().recall_others(vcpu);
        let kicks = vm.vgic().take_kicks();
        machine.kick(platform, &vm, kicks);
        drop(vm);
        while !others.is_empty() {
            platform.give_way();
            others = lock(shared).vgic().still_recalled(others);
        }
    }
}
