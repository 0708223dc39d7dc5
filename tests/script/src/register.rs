//! Registers by name.

use crate::access::Frame;

/// A system register of the CPU interface, S3_0_C`crn`_C`crm`_`op2` (IHI 0069H 12.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the specification's, without ICC_ and _EL1")]
pub enum System {
    Pmr,
    Iar0,
    Eoir0,
    Hppir0,
    Bpr0,
    Ap0r0,
    Ap1r0,
    Dir,
    Rpr,
    Sgi1r,
    Asgi1r,
    Sgi0r,
    Iar1,
    Eoir1,
    Hppir1,
    Bpr1,
    Ctlr,
    Sre,
    Igrpen0,
    Igrpen1,
}

impl System {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pmr => "ICC_PMR_EL1",
            Self::Iar0 => "ICC_IAR0_EL1",
            Self::Eoir0 => "ICC_EOIR0_EL1",
            Self::Hppir0 => "ICC_HPPIR0_EL1",
            Self::Bpr0 => "ICC_BPR0_EL1",
            Self::Ap0r0 => "ICC_AP0R0_EL1",
            Self::Ap1r0 => "ICC_AP1R0_EL1",
            Self::Dir => "ICC_DIR_EL1",
            Self::Rpr => "ICC_RPR_EL1",
            Self::Sgi1r => "ICC_SGI1R_EL1",
            Self::Asgi1r => "ICC_ASGI1R_EL1",
            Self::Sgi0r => "ICC_SGI0R_EL1",
            Self::Iar1 => "ICC_IAR1_EL1",
            Self::Eoir1 => "ICC_EOIR1_EL1",
            Self::Hppir1 => "ICC_HPPIR1_EL1",
            Self::Bpr1 => "ICC_BPR1_EL1",
            Self::Ctlr => "ICC_CTLR_EL1",
            Self::Sre => "ICC_SRE_EL1",
            Self::Igrpen0 => "ICC_IGRPEN0_EL1",
            Self::Igrpen1 => "ICC_IGRPEN1_EL1",
        }
    }

    /// CRn, CRm and op2 of its encoding; op0 is 3 and op1 is 0.
    pub const fn encoding(self) -> (u32, u32, u32) {
        match self {
            Self::Pmr => (4, 6, 0),
            Self::Iar0 => (12, 8, 0),
            Self::Eoir0 => (12, 8, 1),
            Self::Hppir0 => (12, 8, 2),
            Self::Bpr0 => (12, 8, 3),
            Self::Ap0r0 => (12, 8, 4),
            Self::Ap1r0 => (12, 9, 0),
            Self::Dir => (12, 11, 1),
            Self::Rpr => (12, 11, 3),
            Self::Sgi1r => (12, 11, 5),
            Self::Asgi1r => (12, 11, 6),
            Self::Sgi0r => (12, 11, 7),
            Self::Iar1 => (12, 12, 0),
            Self::Eoir1 => (12, 12, 1),
            Self::Hppir1 => (12, 12, 2),
            Self::Bpr1 => (12, 12, 3),
            Self::Ctlr => (12, 12, 4),
            Self::Sre => (12, 12, 5),
            Self::Igrpen0 => (12, 12, 6),
            Self::Igrpen1 => (12, 12, 7),
        }
    }
}

type Names = &'static [(u32, &'static str)];

const DISTRIBUTOR: Names = &[
    (0x0000, "GICD_CTLR"),
    (0x0004, "GICD_TYPER"),
    (0x0008, "GICD_IIDR"),
    (0x000c, "GICD reserved"),
    (0x0040, "GICD_SETSPI_NSR"),
    (0x0044, "GICD reserved"),
    (0x0048, "GICD_CLRSPI_NSR"),
    (0x004c, "GICD reserved"),
    (0x0080, "GICD_IGROUPR"),
    (0x0100, "GICD_ISENABLER"),
    (0x0180, "GICD_ICENABLER"),
    (0x0200, "GICD_ISPENDR"),
    (0x0280, "GICD_ICPENDR"),
    (0x0300, "GICD_ISACTIVER"),
    (0x0380, "GICD_ICACTIVER"),
    (0x0400, "GICD_IPRIORITYR"),
    (0x0800, "GICD_ITARGETSR"),
    (0x0c00, "GICD_ICFGR"),
    (0x0d00, "GICD reserved"),
    (0x0f00, "GICD_SGIR"),
    (0x0f04, "GICD reserved"),
    (0x0f10, "GICD_CPENDSGIR"),
    (0x0f20, "GICD_SPENDSGIR"),
    (0x0f30, "GICD reserved"),
    (0x0fd0, "GICD identification"),
    (0x1000, "GICD reserved"),
    (0x6100, "GICD_IROUTER"),
    (0x8000, "GICD reserved"),
    (0xffd0, "GICD identification"),
];

const REDISTRIBUTOR: Names = &[
    (0x0000, "GICR_CTLR"),
    (0x0004, "GICR_IIDR"),
    (0x0008, "GICR_TYPER"),
    (0x0010, "GICR_STATUSR"),
    (0x0014, "GICR_WAKER"),
    (0x0018, "GICR reserved"),
    (0xffd0, "GICR identification"),
];

const PRIVATE: Names = &[
    (0x0000, "GICR reserved"),
    (0x0080, "GICR_IGROUPR0"),
    (0x0084, "GICR reserved"),
    (0x0100, "GICR_ISENABLER0"),
    (0x0104, "GICR reserved"),
    (0x0180, "GICR_ICENABLER0"),
    (0x0184, "GICR reserved"),
    (0x0200, "GICR_ISPENDR0"),
    (0x0204, "GICR reserved"),
    (0x0280, "GICR_ICPENDR0"),
    (0x0284, "GICR reserved"),
    (0x0300, "GICR_ISACTIVER0"),
    (0x0304, "GICR reserved"),
    (0x0380, "GICR_ICACTIVER0"),
    (0x0384, "GICR reserved"),
    (0x0400, "GICR_IPRIORITYR"),
    (0x0420, "GICR reserved"),
    (0x0c00, "GICR_ICFGR"),
    (0x0c08, "GICR reserved"),
];

const CPU_INTERFACE: Names = &[
    (0x0000, "GICC_CTLR"),
    (0x0004, "GICC_PMR"),
    (0x0008, "GICC_BPR"),
    (0x000c, "GICC_IAR"),
    (0x0010, "GICC_EOIR"),
    (0x0014, "GICC_RPR"),
    (0x0018, "GICC_HPPIR"),
    (0x001c, "GICC_ABPR"),
    (0x0020, "GICC_AIAR"),
    (0x0024, "GICC_AEOIR"),
    (0x0028, "GICC_AHPPIR"),
    (0x002c, "GICC reserved"),
    (0x00d0, "GICC_APR"),
    (0x00e0, "GICC_NSAPR"),
    (0x00f0, "GICC reserved"),
    (0x00fc, "GICC_IIDR"),
    (0x0100, "GICC reserved"),
    (0x1000, "GICC_DIR"),
    (0x1004, "GICC reserved"),
];

/// The register, or the array of registers, or the reserved range, that has the byte at `offset`, and where it begins.
pub(crate) fn name(frame: Frame, offset: u32) -> (&'static str, u32) {
    let names = match frame {
        Frame::Distributor => DISTRIBUTOR,
        Frame::Redistributor => REDISTRIBUTOR,
        Frame::Private | Frame::OthersPrivate => PRIVATE,
        Frame::CpuInterface => CPU_INTERFACE,
    };
    let found = names.iter().rev().find(|(first, _)| *first <= offset);
    found.map_or(("nothing", 0), |(first, name)| (name, *first))
}
