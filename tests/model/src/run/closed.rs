//! A page that the guest's own stage 1 lets nobody read, and cores that tell of it wrong (Cortex-A57's erratum 834220).

use super::execute::{Done, fault};
use super::hardware::Hardware;
use super::library::{CPU_INTERFACE, DISTRIBUTOR, REDISTRIBUTORS, UART};
use super::machine::DATA;
use bulkhead_vmm::address::PAGE_SIZE;
use bulkhead_vmm::vcpu::GeneralRegisters;

/// ESR_EL1 of a data abort at EL1: a permission fault at level 3, by a load, or by a store.
const PERMISSION_FAULT: u64 = 0x25 << 26 | 1 << 25 | 0b00_1111;

/// Where a load may be said to have gone: HPFAR_EL2 holds anything.
const ANYWHERE: [u64; 9] = [
    0,
    DISTRIBUTOR,
    DISTRIBUTOR + 0x7000,
    REDISTRIBUTORS,
    REDISTRIBUTORS + 0x1_0000,
    CPU_INTERFACE + 0x1000,
    UART,
    DATA,
    0xff_ffff_f000,
];

impl Hardware {
    /// Whether stage 1 lets nobody read `address`.
    pub(super) fn is_closed(&self, address: u64) -> bool {
        self.shape.closed == Some(address & !(PAGE_SIZE - 1))
    }

    /// The guest on `core` loads, or stores, `size` bytes at `address`, of which `esr` tells EL2 if that hears of it. If the page
    /// is closed, the guest takes a fault, or the core traps by mistake.
    pub(super) fn refuse(
        &mut self,
        core: usize,
        x: &mut GeneralRegisters,
        (address, size): (u64, u8),
        write: bool,
        esr: u64,
    ) -> Option<Done> {
        let last = address.wrapping_add(u64::from(size) - 1);
        // What is said to fault is the first byte, or the first in the other page.
        let far = [address, last & !(PAGE_SIZE - 1)].into_iter().find(|far| self.is_closed(*far))?;
        let crosses = (address ^ last) & !(PAGE_SIZE - 1) != 0;
        if self.shape.misreports_loads && crosses && !write && !self.random.one_in(4) {
            self.tally.misreported += 1;
            return Some(fault(esr, far, self.random.pick(&ANYWHERE)));
        }
        self.take_exception(core, x, None, None);
        let system = &mut self.cores[core].live.as_mut().expect("a guest runs only loaded").system;
        system.esr_el1 = PERMISSION_FAULT | u64::from(write) << 6;
        system.far_el1 = far;
        Some(Done::Went)
    }
}
