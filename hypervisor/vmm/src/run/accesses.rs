//! Loads and stores of devices.

use super::alone::Alone;
use super::loaded::Loaded;
use super::sgi::send_from;
use super::{Done, Machine};
use crate::address::Ipa;
use crate::device::pl011::Pl011;
use crate::exit::{Access, Cause};
use crate::platform::Platform;
use crate::vcpu::{VcpuId, VcpuSet};
use crate::vgic::SGIR;
use crate::vm::{Device, Vm};

impl<P: Platform> Alone<'_, P> {
    /// Carries out the load or store `access` at `ipa`, if there is a device. What rests on list registers that have not
    /// been read back is left alone.
    #[inline(always)]
    pub(super) fn access(&mut self, ipa: Ipa, access: Access) -> Option<Done> {
        let (device, offset) = self.loaded.shared.bus.find(ipa, access.size())?;
        if device == Device::Uart {
            return self.access_uart(access, offset);
        }
        if access.write()
            && offset == SGIR
            && let Some(done) = self.sgir(access)
        {
            return Some(done);
        }
        self.access_controller(access, device, offset)
    }

    /// Loads from a part of the interrupt controller, or stores, at `offset` in it.
    #[inline(always)]
    fn access_controller(&mut self, access: Access, device: Device, offset: u64) -> Option<Done> {
        let vcpu = self.loaded.it.vcpu;
        let mut vm = self.vm.lock();
        let place = vm.find(vcpu, device, offset, access.size()).ok()?;
        if !access.write() {
            if place.is_delicate() && (vm.vgic().rests(place, false) || self.loaded.misreports_loads) {
                return None;
            }
            let value = vm.vgic().read(place);
            drop(vm);
            self.loaded.complete(access, value, Cause::InterruptController);
            return Some(Done::Wholly);
        }
        if vm.vgic().rests(place, true) {
            return None;
        }
        let kicks = vm.store(place, self.loaded.stored(access));
        let done = if kicks.is_empty() { Done::Wholly } else { wake(self.platform, self.machine, &vm, vcpu, kicks) };
        drop(vm);
        self.loaded.complete(access, 0, Cause::InterruptController);
        Some(done)
    }

    /// Loads from the UART, or stores, at `offset` in it.
    #[inline(always)]
    fn access_uart(&mut self, access: Access, offset: u64) -> Option<Done> {
        // What gives a byte away stands at the first byte of a page, where a misreported load may be told to fault.
        let stored = match access.write() {
            true => Some(self.loaded.stored(access)),
            false if Pl011::is_data(offset) && self.loaded.misreports_loads => return None,
            false => None,
        };
        let port = self.machine.ports.get(self.loaded.it.vm)?;
        let mut serial = self.loaded.shared.serial.lock();
        let (value, notice) = serial.access(offset, access.size(), stored, port);
        let changed = serial.has_changed_line();
        drop(serial);
        if notice {
            self.machine.want_console(self.platform);
        }
        let done = if changed { self.follow_uart() } else { Done::Wholly };
        self.loaded.complete(access, value, Cause::Uart);
        Some(done)
    }

    /// Tells the interrupt controller of the UART's line.
    fn follow_uart(&mut self) -> Done {
        let vm = &mut self.vm.lock();
        let kicks = vm.follow_uart();
        wake(self.platform, self.machine, vm, self.loaded.it.vcpu, kicks)
    }
}

/// Carries out one load or store at the `place` on the bus, with the VM locked and the list registers read back. Whether the
/// device answers it. Devices are little-endian: what a big-endian vCPU stores comes to them, and what it loads to it, in the
/// other order.
#[inline(never)]
pub(super) fn access<P: Platform>(
    platform: &mut P,
    machine: &Machine,
    vm: &mut Vm,
    loaded: &mut Loaded,
    access: Access,
    place: (Device, u64),
) -> bool {
    if !loaded.vcpu.is_big_endian(platform.system_control()) {
        return access_in_order(platform, machine, vm, loaded, access, place);
    }
    let register = access.register();
    let before = loaded.vcpu.general().get(register);
    loaded.vcpu.general_mut().set(register, access.reverse(before));
    let answered = access_in_order(platform, machine, vm, loaded, access, place);
    let general = loaded.vcpu.general_mut();
    let loads = answered && !access.write();
    general.set(register, if loads { access.load(access.reverse(general.get(register))) } else { before });
    answered
}

fn access_in_order<P: Platform>(
    platform: &mut P,
    machine: &Machine,
    vm: &mut Vm,
    loaded: &mut Loaded,
    access: Access,
    (device, offset): (Device, u64),
) -> bool {
    match device {
        Device::Uart => access_uart(platform, machine, vm, loaded, access, offset),
        _ if offset == SGIR
            && let Some((targets, intid)) = loaded.named_by(access) =>
        {
            loaded.complete(access, 0, Cause::SgiSent);
            send_from(platform, machine, loaded.it.vcpu, vm, targets, intid);
            true
        }
        _ => access_controller(platform, machine, vm, loaded, access, (device, offset)),
    }
}

fn access_uart<P: Platform>(
    platform: &mut P,
    machine: &Machine,
    vm: &mut Vm,
    loaded: &mut Loaded,
    access: Access,
    offset: u64,
) -> bool {
    let Some(port) = machine.ports.get(loaded.it.vm) else { return false };
    let stored = access.write().then(|| loaded.stored(access));
    let (value, notice) = loaded.shared.serial.lock().access(offset, access.size(), stored, port);
    if notice {
        machine.want_console(platform);
    }
    let kicks = vm.follow_uart();
    wake(platform, machine, vm, loaded.it.vcpu, kicks);
    loaded.complete(access, value, Cause::Uart);
    true
}

/// Carries out a load or store of the interrupt controller by the vCPU that lives here, whose list registers have been
/// read back, as those of others have that it rests on. Whether it answers such an access.
fn access_controller<P: Platform>(
    platform: &mut P,
    machine: &Machine,
    vm: &mut Vm,
    loaded: &mut Loaded,
    access: Access,
    (device, offset): (Device, u64),
) -> bool {
    let vcpu = loaded.it.vcpu;
    if device == Device::CpuInterface {
        let kicks = deactivate(vm, loaded, access, offset);
        wake(platform, machine, vm, vcpu, kicks);
        loaded.complete(access, 0, Cause::InterruptController);
        return true;
    }
    let Ok(place) = vm.find(vcpu, device, offset, access.size()) else { return false };
    let (value, kicks) = if access.write() {
        (0, vm.store(place, loaded.stored(access)))
    } else {
        (vm.vgic().read(place), vm.vgic().take_kicks())
    };
    wake(platform, machine, vm, vcpu, kicks);
    loaded.complete(access, value, Cause::InterruptController);
    true
}

/// A load or store of GICC's second page, which holds GICC_DIR alone, and that is write-only. Whom to kick.
fn deactivate(vm: &mut Vm, loaded: &Loaded, access: Access, offset: u64) -> VcpuSet {
    const DIR: u64 = 0x1000;
    const INTID: u64 = 0x3ff;
    if !access.write() || (offset, access.size()) != (DIR, 4) {
        return VcpuSet::EMPTY;
    }
    vm.vgic().deactivate(loaded.it.vcpu, (loaded.stored(access) & INTID) as u32)
}

/// Tells the vCPUs `kicks` of `vm` that their interrupts have changed. `own` is out of the guest, and need only choose
/// anew.
#[inline(never)]
pub(super) fn wake<P: Platform>(platform: &mut P, machine: &Machine, vm: &Vm, own: VcpuId, kicks: VcpuSet) -> Done {
    machine.kick(platform, vm, kicks.without(VcpuSet::only(own)));
    if kicks.contains(own) { Done::Choose } else { Done::Wholly }
}
