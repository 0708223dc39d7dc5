//! The one table of register offsets: GICD of both versions (GICv2 IHI 0048 4.1.2, GICv3 IHI 0069 12.8) and
//! the two frames of GICR (IHI 0069 12.10). What is not in the table is reserved: it reads as zero and ignores
//! writes, and so does an access of a size that the register does not have (IHI 0069 12.1.3).

use super::FIRST_SHARED;
use crate::address::PAGE_SIZE;

/// A frame of registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame {
    /// GICD of GICv2, 4 KiB.
    DistributorV2,
    /// GICD of GICv3, 64 KiB.
    DistributorV3,
    /// RD_base of GICR, 64 KiB.
    Redistributor,
    /// SGI_base of GICR, 64 KiB.
    SgiAndPpi,
}

impl Frame {
    pub(super) const fn bit(self) -> u8 {
        1 << self as u8
    }

    /// Bytes in the frame.
    pub const fn size(self) -> u64 {
        match self {
            Self::DistributorV2 => 0x1000,
            Self::DistributorV3 | Self::Redistributor | Self::SgiAndPpi => 0x1_0000,
        }
    }
}

const D2: u8 = Frame::DistributorV2.bit();
const D3: u8 = Frame::DistributorV3.bit();
const RD: u8 = Frame::Redistributor.bit();
const SGI: u8 = Frame::SgiAndPpi.bit();
/// Beside the frames: loads, or stores, rest on what list registers hold.
pub(super) const LOAD: u8 = 1 << 4;
pub(super) const STORE: u8 = 1 << 6;
/// In place of the frames: it has a page's first byte. Beside [`LOAD`], so that both are asked for at once.
pub(super) const PAGE_START: u8 = 1 << 3;
/// In place of the frames: interrupts per byte, as a power of two, and that there is a field for each.
pub(super) const SCALE: u8 = 0b11;
pub(super) const EACH: u8 = 1 << 2;
/// Beside that: the first interrupt is the first shared one, whose INTID the bit's value is.
pub(super) const SHARED: u8 = 1 << 5;
const _: () = assert!(SHARED as u32 == FIRST_SHARED);

/// GICD_SGIR, by which a GICv2 guest sends SGIs (IHI 0048 4.3.15).
pub const SGIR: u64 = 0xf00;

/// What a register keeps for each interrupt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// IGROUPR.
    Group,
    /// ISENABLER.
    SetEnable,
    /// ICENABLER.
    ClearEnable,
    /// ISPENDR.
    SetPending,
    /// ICPENDR.
    ClearPending,
    /// ISACTIVER.
    SetActive,
    /// ICACTIVER.
    ClearActive,
    /// IPRIORITYR.
    Priority,
    /// ITARGETSR.
    Targets,
    /// ICFGR.
    Configuration,
    /// SPENDSGIR: a bit per source.
    SetSources,
    /// CPENDSGIR.
    ClearSources,
}

impl Field {
    /// Interrupts per byte, as a power of two: 8, 4 or 1.
    const fn scale(self) -> u8 {
        match self {
            Self::Priority | Self::Targets | Self::SetSources | Self::ClearSources => 0,
            Self::Configuration => 2,
            _ => 3,
        }
    }
}

/// A register, or an array of alike ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Register {
    /// GICD_TYPER.
    Type,
    /// GICD_CTLR.
    Control,
    /// GICD_IIDR, GICR_IIDR.
    Implementer,
    /// A [`Field`] for each interrupt.
    Each,
    /// `GICD_IROUTER<n>`.
    Route,
    /// GICR_CTLR.
    RedistributorControl,
    /// GICR_TYPER.
    RedistributorType,
    /// GICR_WAKER.
    Waker,
    /// The identification registers at a frame's end.
    Identification,
    /// None: it reads as zero, and ignores writes.
    Reserved,
}

/// One row: the byte `first` and the `extent` that follow it, in the frames of a mask in `flags`, by accesses of the sizes
/// whose bits are set (a size is a power of two, so `sizes & size` tells).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub first: u16,
    pub extent: u16,
    pub flags: u8,
    pub sizes: u8,
    pub register: Register,
    /// Of [`Register::Each`]; else without a meaning.
    pub field: Field,
}

impl Row {
    /// Its last byte.
    pub const fn last(&self) -> u16 {
        self.first + self.extent
    }
}

/// The bytes from `start` to before `end`, at most 64 KiB.
#[expect(clippy::cast_possible_truncation, reason = "in a constant: the assertion holds, or it does not compile")]
const fn row(start: u32, end: u32, frames: u8, sizes: u8, register: Register) -> Row {
    assert!(start < end && end <= 0x1_0000);
    Row { first: start as u16, extent: (end - 1 - start) as u16, flags: frames, sizes, register, field: Field::Group }
}

/// The same for a register with a field for each interrupt.
const fn each(start: u32, end: u32, frames: u8, sizes: u8, field: Field) -> Row {
    Row { field, ..row(start, end, frames, sizes, Register::Each) }
}

use Field::{ClearActive, ClearEnable, ClearPending, ClearSources, Configuration, Group, Priority, SetActive};
use Field::{SetEnable, SetPending, SetSources, Targets};
use Register::{Control, Identification, Implementer, RedistributorControl, RedistributorType, Route, Type, Waker};

// In no order but that in which they are compared, where several lie close together.
// GICD_SGIR sends SGIs and holds nothing: who carries out stores knows it (SGIR).
// With GICD_CTLR.DS = 1, affinity routing always on, no message-based SPIs (GICD_TYPER.MBIS = 0: no guest's tree names any)
// and no LPIs, these are reserved and so not listed: STATUSR, SETSPI_*, CLRSPI_*, IGRPMODR, NSACR, all extended ranges, and
// of GICR all of 0x40 to 0xC0.
pub(super) const TABLE: &[Row] = &[
    row(0x0004, 0x0008, D2 | D3, 4, Type),
    row(0x0000, 0x0004, D2 | D3, 4, Control),
    row(0x0008, 0x000C, D2 | D3, 4, Implementer),
    row(0x0000, 0x0004, RD, 4, RedistributorControl),
    row(0x0004, 0x0008, RD, 4, Implementer),
    row(0x0008, 0x0010, RD, 8 | 4, RedistributorType),
    row(0x0014, 0x0018, RD, 4, Waker),
    each(0x0080, 0x0100, D2 | D3 | SGI, 4, Group),
    each(0x0100, 0x0180, D2 | D3 | SGI, 4, SetEnable),
    each(0x0180, 0x0200, D2 | D3 | SGI, 4, ClearEnable),
    each(0x0200, 0x0280, D2 | D3 | SGI | LOAD, 4, SetPending),
    each(0x0280, 0x0300, D2 | D3 | SGI | LOAD, 4, ClearPending),
    each(0x0300, 0x0380, D2 | D3 | SGI | LOAD | STORE, 4, SetActive),
    each(0x0380, 0x0400, D2 | D3 | SGI | LOAD | STORE, 4, ClearActive),
    each(0x0400, 0x0800, D2 | D3 | SGI, 4 | 1, Priority),
    each(0x0800, 0x0C00, D2, 4 | 1, Targets),
    each(0x0C00, 0x0D00, D2 | D3 | SGI, 4, Configuration),
    each(0x0F10, 0x0F20, D2 | LOAD | STORE, 4 | 1, ClearSources),
    each(0x0F20, 0x0F30, D2 | LOAD | STORE, 4 | 1, SetSources),
    row(0x0FD0, 0x1000, D2, 4, Identification),
    row(0x6000, 0x8000, D3, 8 | 4, Route),
    row(0xFFD0, 0x1_0000, D3 | RD, 4, Identification),
];

/// What `row` is in `frame`, whose mask makes room. Of GICv3 the distributor has the shared interrupts' part, and a
/// redistributor the private ones'.
pub(super) const fn in_frame(row: Row, frame: Frame) -> Row {
    let row = part_in_frame(row, frame);
    let starts = (row.first as u64).next_multiple_of(PAGE_SIZE) <= row.last() as u64;
    Row { flags: row.flags | if starts { PAGE_START } else { 0 }, ..row }
}

const fn part_in_frame(row: Row, frame: Frame) -> Row {
    const PRIVATE: u16 = SHARED as u16;
    let rests = row.flags & (LOAD | STORE);
    let (private, flags) = match row.register {
        Register::Each => (PRIVATE >> row.field.scale(), rests | EACH | row.field.scale()),
        Register::Route => (PRIVATE * 8, rests),
        _ => return Row { flags: rests, ..row },
    };
    match frame {
        Frame::DistributorV2 | Frame::Redistributor => Row { flags, ..row },
        Frame::DistributorV3 => {
            Row { first: row.first + private, extent: row.extent - private, flags: flags | SHARED, ..row }
        }
        Frame::SgiAndPpi => Row { extent: private - 1, flags, ..row },
    }
}

/// What is in no row, and what is behind the last.
pub(super) const RESERVED: Row = row(0, 0x1_0000, PAGE_START, 0, Register::Reserved);
