//! What a vCPU does to the interrupts of others while these run.

use super::{CoreLoop, Machine};
use crate::address::Ipa;
use crate::lock::lock;
use crate::platform::Platform;
use crate::vm::{Device, Vm};
use spin::Mutex;

impl CoreLoop {
    /// Before a load or store of the interrupt controller at `ipa` that may rest on what other vCPUs have in their list
    /// registers: has these come back, and waits for it, so that what another vCPU has done before is seen. The VM is not
    /// locked while others are waited for, which need that; they do not wait for this core: what it has is taken back first.
    #[inline(never)]
    pub(super) fn hear_others<P: Platform>(
        &mut self,
        platform: &mut P,
        machine: &Machine,
        shared: &Mutex<Vm>,
        ipa: Ipa,
    ) {
        let Some(loaded) = &self.loaded else { return };
        let vcpu = loaded.it.vcpu;
        let device = loaded.shared.bus.find(ipa, 1).map(|(device, _)| device);
        if !matches!(device, Some(Device::Distributor | Device::Redistributors)) {
            return;
        }
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
