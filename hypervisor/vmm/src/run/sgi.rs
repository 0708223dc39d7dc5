//! SGIs that the loaded vCPU sends, and those that others send it again.

use super::accesses::wake;
use super::alone::Alone;
use super::loaded::Loaded;
use super::{Done, Machine};
use crate::exit::{Access, Cause, SystemRegisterAccess};
use crate::platform::Platform;
use crate::vcpu::{VcpuId, VcpuSet};
use crate::vgic::{ListRegisters, Version};
use crate::vm::Vm;
use spin::Mutex;

impl<P: Platform> Alone<'_, P> {
    /// A write to ICC_SGI1R_EL1 (GICv3 IHI 0069 12.2.18). With a single Security state it generates SGIs of either group, as
    /// each target has them configured (8.1.10). `None` if there is no such register.
    #[inline(always)]
    pub(super) fn sgi1r(&mut self, access: SystemRegisterAccess) -> Option<Done> {
        let mailboxes = &self.loaded.mailboxes;
        if mailboxes.version() == Version::V2 {
            return None;
        }
        let value = self.loaded.vcpu.general().get(access.transfer());
        let targets = mailboxes.targets(self.loaded.it.vcpu, value);
        Some(self.send(targets, (value >> 24 & 0xf) as u32))
    }

    /// An access at the offset of GICD_SGIR; `None` if it is not a store to that.
    #[inline(always)]
    pub(super) fn sgir(&mut self, access: Access) -> Option<Done> {
        let (targets, intid) = self.loaded.named_by(access)?;
        Some(self.send(targets, intid))
    }

    #[inline(always)]
    fn send(&mut self, targets: VcpuSet, intid: u32) -> Done {
        send(self.platform, self.machine, self.loaded, self.vm, self.list_registers, targets, intid)
    }

    /// Shows the SGIs that other vCPUs sent again, whose list registers are out. The mailbox is empty if they have been taken
    /// back since.
    #[inline(always)]
    pub(super) fn take_mail(&mut self) {
        let mut mail = self.loaded.mailboxes.take(self.loaded.it.vcpu);
        while let Some((intid, rest)) = mail.next() {
            show_again(self.platform, self.list_registers, intid);
            mail = rest;
        }
    }
}

impl Loaded {
    /// The vCPUs, and the SGI, that the store `access` to GICD_SGIR names (GICv2 IHI 0048 4.3.15): TargetListFilter,
    /// CPUTargetList, SGIINTID. `None` if it is no such store, or there is no such register.
    #[inline(always)]
    pub(super) fn named_by(&self, access: Access) -> Option<(VcpuSet, u32)> {
        let own = VcpuSet::only(self.it.vcpu);
        if self.mailboxes.version() == Version::V3 || !access.write() || access.size() != 4 {
            return None;
        }
        let value = self.stored(access);
        let targets = match value >> 24 & 3 {
            0 => VcpuSet::from_bits((value >> 16 & 0xff) as u32),
            1 => self.mailboxes.all().without(own),
            2 => own,
            // Reserved.
            _ => VcpuSet::EMPTY,
        };
        Some((targets, (value & 0xf) as u32))
    }
}

/// Makes the interrupt `intid` pending, which a list register holds.
#[inline(never)]
fn show_again<P: Platform>(platform: &mut P, list_registers: &ListRegisters, intid: u32) {
    if let Some((index, register)) = list_registers.holding(intid) {
        platform.make_pending(index, register);
    }
}

/// Sends `targets` the SGI `intid`, and ends the trapped instruction: without the VM's lock to those that have a list
/// register for it still.
#[inline(never)]
fn send<P: Platform>(
    platform: &mut P,
    machine: &Machine,
    loaded: &mut Loaded,
    vm: &Mutex<Vm>,
    list_registers: &ListRegisters,
    targets: VcpuSet,
    intid: u32,
) -> Done {
    loaded.vcpu.skip_instruction();
    loaded.exits.count(Cause::SgiSent);
    let own = loaded.it.vcpu;
    let others = targets.without(VcpuSet::only(own));
    let mut left = if others.is_empty() { others } else { post(platform, loaded, others, intid) };
    if targets.contains(own) && !send_oneself(platform, loaded, list_registers, intid) {
        left.insert(own);
    }
    if left.is_empty() { Done::Wholly } else { send_locked(platform, machine, loaded, vm, left, intid) }
}

/// Puts the SGI `intid` into the mailboxes of `targets`. Returns those whose VM must be asked.
#[inline(always)]
fn post<P: Platform>(platform: &mut P, loaded: &Loaded, targets: VcpuSet, intid: u32) -> VcpuSet {
    let mut left = VcpuSet::EMPTY;
    for target in targets.iter() {
        match loaded.mailboxes.post(loaded.it.vcpu, target, intid) {
            Some(Some(doorbell)) => platform.ring(doorbell),
            Some(None) => {}
            None => left.insert(target),
        }
    }
    left
}

/// Sends the loaded vCPU itself the SGI `intid`, if that has a list register still.
#[inline(never)]
fn send_oneself<P: Platform>(platform: &mut P, loaded: &Loaded, list_registers: &ListRegisters, intid: u32) -> bool {
    let Some((index, register)) = list_registers.lent(intid) else { return false };
    // What another cleared or changed since is not to be sent along with what it cleared.
    let own = loaded.it.vcpu;
    let is_again = match loaded.mailboxes.version() {
        Version::V2 => register.source() == own.number(),
        Version::V3 => loaded.mailboxes.is_open(own, intid),
    };
    if is_again {
        platform.make_pending(index, register);
    }
    is_again
}

/// Has the interrupt controller send `targets` the SGI `intid`.
#[inline(never)]
fn send_locked<P: Platform>(
    platform: &mut P,
    machine: &Machine,
    loaded: &Loaded,
    vm: &Mutex<Vm>,
    targets: VcpuSet,
    intid: u32,
) -> Done {
    send_from(platform, machine, loaded.it.vcpu, &mut vm.lock(), targets, intid)
}

/// The same, with the VM locked, from the vCPU `own`.
pub(super) fn send_from<P: Platform>(
    platform: &mut P,
    machine: &Machine,
    own: VcpuId,
    vm: &mut Vm,
    targets: VcpuSet,
    intid: u32,
) -> Done {
    let kicks = vm.vgic().send(own, targets, intid);
    vm.sent_sgi(kicks.without(VcpuSet::only(own)));
    wake(platform, machine, vm, own, kicks)
}
