//! Interrupt controller drivers: GICv2 (IHI 0048) and GICv3 (IHI 0069).

mod v2;
mod v3;

use crate::Machine;
use crate::machine::Controller;
use crate::memory::{read32, write8, write32};

/// INTIDs from here on are special: nothing is pending.
pub const SPECIAL: u32 = 1020;

/// Priority that the drivers give every interrupt; the mask lets all below 0xf0 through.
pub const PRIORITY: u8 = 0xa0;

/// Distributor register offsets in bytes (IHI 0069 12.9, IHI 0048 4.3). Redistributor SGI frames share most of them.
pub mod register {
    #![allow(missing_docs, reason = "the names are the specification's")]
    pub const CTLR: usize = 0x000;
    pub const TYPER: usize = 0x004;
    pub const IIDR: usize = 0x008;
    pub const IGROUPR: usize = 0x080;
    pub const ISENABLER: usize = 0x100;
    pub const ICENABLER: usize = 0x180;
    pub const ISPENDR: usize = 0x200;
    pub const ICPENDR: usize = 0x280;
    pub const ISACTIVER: usize = 0x300;
    pub const ICACTIVER: usize = 0x380;
    pub const IPRIORITYR: usize = 0x400;
    pub const ITARGETSR: usize = 0x800;
    pub const ICFGR: usize = 0xc00;
    pub const SGIR: usize = 0xf00;
    pub const CPENDSGIR: usize = 0xf10;
    pub const SPENDSGIR: usize = 0xf20;
    pub const IROUTER: usize = 0x6000;
}

/// What acknowledging returned; ending the interrupt takes it back whole.
#[derive(Clone, Copy)]
pub struct Acknowledged(u32);

impl Acknowledged {
    /// The interrupt's INTID; [`SPECIAL`] or above if there was none.
    pub fn intid(self) -> u32 {
        self.0 & 0xff_ffff & if self.0 >> 10 & 7 != 0 && self.0 < 0x2000 { 0x3ff } else { 0xff_ffff }
    }
}

/// The machine's interrupt controller.
pub enum Gic {
    /// GICv2.
    V2(v2::Gicv2),
    /// GICv3 or later, by system registers.
    V3(v3::Gicv3),
}

/// Calls the method of whichever controller there is.
macro_rules! either {
    ($gic:expr, $driver:ident => $call:expr) => {
        match $gic {
            Gic::V2($driver) => $call,
            Gic::V3($driver) => $call,
        }
    };
}

impl Gic {
    /// The driver for what the tree describes.
    pub fn new(machine: &Machine) -> Self {
        match machine.controller {
            Controller::V2 { distributor, cpu_interface } => Self::V2(v2::Gicv2 { distributor, cpu_interface }),
            Controller::V3 { distributor, redistributors } => Self::V3(v3::Gicv3 { distributor, redistributors }),
        }
    }

    /// Architecture version, 2 or 3.
    pub fn version(&self) -> u32 {
        match self {
            Self::V2(_) => 2,
            Self::V3(_) => 3,
        }
    }

    /// Base address of the distributor.
    pub fn distributor(&self) -> usize {
        either!(self, gic => gic.distributor)
    }

    /// Base address of the frame that holds this vCPU's SGIs and PPIs: the distributor, or the redistributor's SGI frame.
    pub fn private_frame(&self) -> usize {
        match self {
            Self::V2(gic) => gic.distributor,
            Self::V3(gic) => gic.redistributor() + 0x1_0000,
        }
    }

    /// Base address of the RD frame of vCPU `index`: redistributors stand in the order of the tree's vCPUs.
    ///
    /// # Panics
    /// On a GICv2.
    pub fn redistributor_of(&self, index: usize) -> usize {
        match self {
            Self::V2(_) => panic!("a GICv2 has no redistributors"),
            Self::V3(gic) => gic.redistributors + index * v3::STRIDE,
        }
    }

    fn frame(&self, intid: u32) -> usize {
        if intid < 32 { self.private_frame() } else { self.distributor() }
    }

    /// Number of INTIDs of the distributor, from GICD_TYPER.ITLinesNumber.
    pub fn lines(&self) -> u32 {
        (32 * ((read32(self.distributor() + register::TYPER) & 0x1f) + 1)).min(SPECIAL)
    }

    /// Disables every SPI, gives it [`PRIORITY`] and this vCPU as its target, and turns the distributor on.
    pub fn initialise_distributor(&self) {
        either!(self, gic => gic.initialise_distributor(self.lines()));
    }

    /// Makes this vCPU ready to take interrupts: SGIs and PPIs disabled and of [`PRIORITY`], interface on.
    pub fn initialise_cpu(&self) {
        either!(self, gic => gic.initialise_cpu());
    }

    /// Enables `intid`.
    pub fn enable(&self, intid: u32) {
        self.set_bit(register::ISENABLER, intid);
    }

    /// Disables `intid`.
    pub fn disable(&self, intid: u32) {
        self.set_bit(register::ICENABLER, intid);
    }

    /// Writes a one for `intid` in the bitmap at `register`.
    pub fn set_bit(&self, register: usize, intid: u32) {
        write32(self.frame(intid) + register + intid as usize / 32 * 4, 1 << (intid % 32));
    }

    /// The bit of `intid` in the bitmap at `register`.
    pub fn bit(&self, register: usize, intid: u32) -> bool {
        read32(self.frame(intid) + register + intid as usize / 32 * 4) >> (intid % 32) & 1 != 0
    }

    /// Sets the priority of `intid`; lower numbers are more urgent.
    pub fn set_priority(&self, intid: u32, priority: u8) {
        write8(self.frame(intid) + register::IPRIORITYR + intid as usize, priority);
    }

    /// Takes the most urgent pending interrupt: it becomes active.
    pub fn acknowledge(&self) -> Acknowledged {
        either!(self, gic => Acknowledged(gic.acknowledge()))
    }

    /// Ends an interrupt that was acknowledged: priority drop and deactivation.
    pub fn end(&self, acknowledged: Acknowledged) {
        either!(self, gic => gic.end(acknowledged.0));
    }

    /// Sends SGI `intid` (0 to 15) to the vCPU with `affinity`, whose index is `index`.
    pub fn send_sgi(&self, intid: u32, affinity: u64, index: usize) {
        match self {
            Self::V2(gic) => gic.send_sgi(intid, index),
            Self::V3(gic) => gic.send_sgi(intid, affinity),
        }
    }
}
