//! Loads and stores of devices that no syndrome describes: they are done as their instruction says.

use super::accesses::access;
use super::loaded::Loaded;
use super::{CoreLoop, Machine};
use crate::address::{Ipa, PAGE_SIZE};
use crate::exit::Transfer;
use crate::platform::Platform;
use crate::vm::Vm;

/// What of an address is compared: above it may be a tag (Arm ARM DDI 0487 D8.8).
const UNTAGGED: u64 = (1 << 56) - 1;
/// PSTATE.M: what tells AArch32 apart.
const AARCH32: u64 = 1 << 4;

impl CoreLoop {
    /// Carries out the instruction at which the loaded vCPU took a fault for its load or store of the virtual address `far`,
    /// behind which it has a device at `ipa`. Whether it was one that can be.
    #[inline(never)]
    pub(super) fn transfer<P: Platform>(
        &mut self,
        platform: &mut P,
        machine: &Machine,
        vm: &mut Vm,
        (far, ipa): (u64, Ipa),
    ) -> bool {
        self.take_back(platform, machine, vm);
        let Some(loaded) = &mut self.loaded else { return false };
        let Some(transfer) = fetch(platform, vm, loaded).and_then(Transfer::decode) else { return false };
        let before = loaded.vcpu.general().clone();
        // One that begins before the device would have it only in part, and one that leaves the page may lead anywhere.
        let begins_here = (transfer.address(before.get(transfer.base())) ^ far) & UNTAGGED == 0;
        let stays = ipa.get() % PAGE_SIZE + transfer.size() <= PAGE_SIZE;
        let is_done = begins_here && stays && carry_out(platform, machine, vm, loaded, transfer, ipa);
        if !is_done {
            *loaded.vcpu.general_mut() = before;
        }
        is_done
    }
}

/// Carries out `transfer`, of which the first access is at `ipa`. Whether devices answer all of it; else what it did to
/// registers is to be undone.
fn carry_out<P: Platform>(
    platform: &mut P,
    machine: &Machine,
    vm: &mut Vm,
    loaded: &mut Loaded,
    transfer: Transfer,
    ipa: Ipa,
) -> bool {
    let (base, pc) = (loaded.vcpu.general().get(transfer.base()), loaded.vcpu.general().pc);
    let (mut left, mut at) = (Some(transfer), ipa);
    while let Some(it) = left {
        // Each access ends the instruction; there is but one.
        loaded.vcpu.general_mut().pc = pc;
        let size = it.first().size();
        let Some(place) = loaded.shared.bus.find(at, size) else { return false };
        if !access(platform, machine, vm, loaded, it.first(), place) {
            return false;
        }
        (left, at) = (it.rest(), Ipa::new(at.get().wrapping_add(size.into())));
    }
    if let Some(changed) = transfer.written_back(base) {
        loaded.vcpu.general_mut().set(transfer.base(), changed);
    }
    true
}

/// The instruction that the loaded vCPU is at, if that is A64 and in its RAM.
fn fetch<P: Platform>(platform: &mut P, vm: &Vm, loaded: &Loaded) -> Option<u32> {
    let general = loaded.vcpu.general();
    if general.pstate & AARCH32 != 0 {
        return None;
    }
    let address = platform.translate(general.pc, general.is_unprivileged())?;
    let memory = vm.memory().contiguous(address, 4)?;
    let mut bytes = [0; 4];
    platform.read_memory(memory.start(), &mut bytes);
    Some(u32::from_le_bytes(bytes))
}
