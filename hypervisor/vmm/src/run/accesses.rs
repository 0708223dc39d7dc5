//! Loads and stores of devices.

use super::loaded::Loaded;
use super::machine::Assignment;
use super::{CoreLoop, Done, Machine};
use crate::exit::{Access, Cause, DataAbort};
use crate::platform::Platform;
use crate::vcpu::{VcpuId, VcpuSet};
use crate::vm::{Device, Vm};

impl CoreLoop {
    /// Carries out a load or store of a device, if `abort` is one. What rests on list registers that have not been read
    /// back is left alone.
    pub(super) fn access<P: Platform>(
        &mut self,
        platform: &mut P,
        machine: &Machine,
        abort: &DataAbort,
    ) -> Option<Done> {
        let loaded = self.loaded.as_mut()?;
        let access = abort.access()?;
        let (device, offset) = loaded.shared.bus.find(abort.ipa, access.size())?;
        match device {
            Device::Uart => access_uart(platform, machine, loaded, access, offset),
            _ => {
                let vm = &mut machine.vms.get(loaded.it.vm)?.lock();
                access_controller(platform, machine, vm, loaded, access, (device, offset))
            }
        }
    }
}

/// Loads from the UART, or stores, at `offset` in it.
#[inline(never)]
fn access_uart<P: Platform>(
    platform: &mut P,
    machine: &Machine,
    loaded: &mut Loaded,
    access: Access,
    offset: u64,
) -> Option<Done> {
    let it = loaded.it;
    let mut serial = loaded.shared.serial.lock();
    let (value, notice) = serial.access(offset, access.size(), loaded.stored(access), machine.ports.get(it.vm)?);
    let changed = serial.has_changed_line();
    drop(serial);
    if notice {
        machine.want_console(platform);
    }
    loaded.complete(access, value, Cause::Uart);
    if changed { follow_uart(platform, machine, it) } else { Some(Done::Wholly) }
}

/// Tells the interrupt controller of the UART's line.
#[inline(never)]
fn follow_uart<P: Platform>(platform: &mut P, machine: &Machine, it: Assignment) -> Option<Done> {
    let vm = &mut machine.vms.get(it.vm)?.lock();
    let kicks = vm.follow_uart();
    Some(wake(platform, machine, vm, it.vcpu, kicks))
}

/// Loads from a part of the interrupt controller, or stores, at an offset in it. `None` if nothing there answers, or the
/// list registers must be read back first.
#[inline(never)]
pub(super) fn access_controller<P: Platform>(
    platform: &mut P,
    machine: &Machine,
    vm: &mut Vm,
    loaded: &mut Loaded,
    access: Access,
    (device, offset): (Device, u64),
) -> Option<Done> {
    let vcpu = loaded.it.vcpu;
    let value = vm.access(vcpu, device, offset, access.size(), loaded.stored(access)).ok()??;
    let (mut cause, mut done) = (Cause::InterruptController, Done::Wholly);
    if access.write() || vm.vgic().has_kicks() {
        let kicks = vm.vgic().take_kicks();
        if access.write() && vm.sends_sgi(device, offset) {
            cause = Cause::SgiSent;
            vm.sent_sgi(kicks.without(VcpuSet::only(vcpu)));
        }
        if !kicks.is_empty() {
            done = wake(platform, machine, vm, vcpu, kicks);
        }
    }
    loaded.complete(access, value, cause);
    Some(done)
}

/// Tells the vCPUs `kicks` of `vm` that their interrupts have changed. `own` is out of the guest, and need only choose
/// anew.
#[inline(never)]
fn wake<P: Platform>(platform: &mut P, machine: &Machine, vm: &Vm, own: VcpuId, kicks: VcpuSet) -> Done {
    machine.kick(platform, vm, kicks.without(VcpuSet::only(own)));
    if kicks.contains(own) { Done::Choose } else { Done::Wholly }
}
