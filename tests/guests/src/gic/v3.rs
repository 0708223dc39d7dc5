//! GICv3 (IHI 0069H), CPU interface by system registers.
//!
//! The registers are named by their encodings: not every assembler knows the names without a feature.

use super::{PRIORITY, register};
use crate::memory::{read32, read64, write32, write64};
use crate::{cpu, read_register, write_register};

/// GICR_WAKER (IHI 0069H 12.11.47).
const WAKER: usize = 0x14;
/// GICR_TYPER (IHI 0069H 12.11.45).
const TYPER: usize = 0x08;
/// One redistributor: an RD frame and an SGI frame of 64 KiB each.
pub(super) const STRIDE: usize = 0x2_0000;

/// A GICv3 by its two base addresses.
pub struct Gicv3 {
    /// Distributor.
    pub distributor: usize,
    /// The first redistributor; the others follow it.
    pub redistributors: usize,
}

impl Gicv3 {
    /// The RD frame of this vCPU's redistributor: the one whose GICR_TYPER holds this affinity.
    ///
    /// # Panics
    /// If the one marked Last is reached without a match.
    pub fn redistributor(&self) -> usize {
        let affinity = cpu::affinity();
        let packed = affinity >> 8 & 0xff00_0000 | affinity & 0x00ff_ffff;
        let mut frame = self.redistributors;
        loop {
            let typer = read64(frame + TYPER);
            if typer >> 32 == packed {
                return frame;
            }
            assert!(typer & 1 << 4 == 0, "no redistributor has affinity {affinity:#x}");
            frame += STRIDE;
        }
    }

    pub(super) fn initialise_distributor(&self, lines: u32) {
        write32(self.distributor + register::CTLR, 0);
        self.wait_for_writes();
        for first in (32..lines as usize).step_by(32) {
            write32(self.distributor + register::ICENABLER + first / 8, u32::MAX);
            write32(self.distributor + register::IGROUPR + first / 8, u32::MAX);
        }
        for first in (32..lines as usize).step_by(4) {
            write32(self.distributor + register::IPRIORITYR + first, u32::from(PRIORITY) * 0x0101_0101);
        }
        // ARE_NS and EnableGrp1, in both the one- and the two-security-state view of the register.
        write32(self.distributor + register::CTLR, 0x13);
        self.wait_for_writes();
        for intid in 32..lines as usize {
            write64(self.distributor + register::IROUTER + intid * 8, cpu::affinity());
        }
    }

    /// Waits until GICD_CTLR.RWP says that earlier writes took effect.
    fn wait_for_writes(&self) {
        while read32(self.distributor + register::CTLR) & 1 << 31 != 0 {}
    }

    pub(super) fn initialise_cpu(&self) {
        let redistributor = self.redistributor();
        write32(redistributor + WAKER, read32(redistributor + WAKER) & !2);
        while read32(redistributor + WAKER) & 4 != 0 {}
        let private = redistributor + 0x1_0000;
        write32(private + register::IGROUPR, u32::MAX);
        write32(private + register::ICENABLER, 0xffff_0000);
        write32(private + register::ISENABLER, 0x0000_ffff);
        for first in (0..32).step_by(4) {
            write32(private + register::IPRIORITYR + first, u32::from(PRIORITY) * 0x0101_0101);
        }
        write_register!("s3_0_c12_c12_5", read_register!("s3_0_c12_c12_5") | 1); // ICC_SRE_EL1.SRE
        write_register!("s3_0_c4_c6_0", 0xf0); // ICC_PMR_EL1
        write_register!("s3_0_c12_c12_3", 0); // ICC_BPR1_EL1
        write_register!("s3_0_c12_c12_4", 0); // ICC_CTLR_EL1: EOI drops and deactivates
        write_register!("s3_0_c12_c12_7", 1); // ICC_IGRPEN1_EL1
    }

    pub(super) fn acknowledge(&self) -> u32 {
        read_register!("s3_0_c12_c12_0") as u32 // ICC_IAR1_EL1
    }

    pub(super) fn end(&self, value: u32) {
        write_register!("s3_0_c12_c12_1", u64::from(value)); // ICC_EOIR1_EL1
    }

    /// ICC_SGI1R_EL1 (IHI 0069H 12.2.21): Aff3, Aff2 and Aff1 of the target, its Aff0 as range and list bit.
    pub(super) fn send_sgi(&self, intid: u32, affinity: u64) {
        let aff = |level: u64| affinity >> level & 0xff;
        let target = 1 << (aff(0) & 0xf) | aff(8) << 16 | aff(16) << 32 | aff(32) << 48 | aff(0) >> 4 << 44;
        // SAFETY: a barrier: what the target is told of must be seen by it first.
        unsafe { core::arch::asm!("dsb ishst", options(nostack)) };
        write_register!("s3_0_c12_c11_5", target | u64::from(intid) << 24);
    }
}
