//! GICv2 (IHI 0048B).

use super::{PRIORITY, register};
use crate::memory::{read32, write32};

/// GICC register offsets in bytes (IHI 0048B 4.4).
mod interface {
    pub const CTLR: usize = 0x00;
    pub const PMR: usize = 0x04;
    pub const BPR: usize = 0x08;
    pub const IAR: usize = 0x0c;
    pub const EOIR: usize = 0x10;
}

/// A GICv2 by its two base addresses.
pub struct Gicv2 {
    /// Distributor.
    pub distributor: usize,
    /// CPU interface.
    pub cpu_interface: usize,
}

impl Gicv2 {
    pub(super) fn initialise_distributor(&self, lines: u32) {
        let own = read32(self.distributor + register::ITARGETSR) & 0xff;
        write32(self.distributor + register::CTLR, 0);
        for first in (32..lines as usize).step_by(32) {
            write32(self.distributor + register::ICENABLER + first / 8, u32::MAX);
        }
        for first in (32..lines as usize).step_by(4) {
            write32(self.distributor + register::IPRIORITYR + first, u32::from(PRIORITY) * 0x0101_0101);
            write32(self.distributor + register::ITARGETSR + first, own * 0x0101_0101);
        }
        write32(self.distributor + register::CTLR, 1);
    }

    pub(super) fn initialise_cpu(&self) {
        write32(self.distributor + register::ICENABLER, 0xffff_0000);
        write32(self.distributor + register::ISENABLER, 0x0000_ffff);
        for first in (0..32).step_by(4) {
            write32(self.distributor + register::IPRIORITYR + first, u32::from(PRIORITY) * 0x0101_0101);
        }
        write32(self.cpu_interface + interface::PMR, 0xf0);
        write32(self.cpu_interface + interface::BPR, 0);
        write32(self.cpu_interface + interface::CTLR, 1);
    }

    pub(super) fn acknowledge(&self) -> u32 {
        read32(self.cpu_interface + interface::IAR)
    }

    pub(super) fn end(&self, value: u32) {
        write32(self.cpu_interface + interface::EOIR, value);
    }

    /// CPU interfaces are numbered as the vCPUs are, so one bit by index is the target list.
    pub(super) fn send_sgi(&self, intid: u32, index: usize) {
        // SAFETY: a barrier: what the target is told of must be seen by it first.
        unsafe { core::arch::asm!("dsb ishst", options(nostack)) };
        write32(self.distributor + register::SGIR, 1 << (16 + index) | intid);
    }
}
