//! The one table of register offsets: GICD of both versions (GICv2 IHI 0048 4.1.2, GICv3 IHI 0069 12.8) and
//! the two frames of GICR (IHI 0069 12.10). What is not in the table is reserved: it reads as zero and ignores
//! writes, and so does an access of a size that the register does not have (IHI 0069 12.1.3).

use crate::fault::GuestFault;

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
    const fn bit(self) -> u8 {
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
/// Beside the frames: loads, or also stores, rest on what list registers hold of the vCPU that makes them. Nobody else's
/// are looked into, but what it does itself comes before.
const LOAD: u8 = 1 << 4;
const STORE: u8 = 1 << 5;

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
    const fn scale(self) -> u32 {
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
    /// GICD_CTLR.
    Control,
    /// GICD_TYPER.
    Type,
    /// GICD_IIDR, GICR_IIDR.
    Implementer,
    /// GICD_SETSPI_NSR.
    SetSpi,
    /// GICD_CLRSPI_NSR.
    ClearSpi,
    /// A [`Field`] for each interrupt.
    Each,
    /// GICD_SGIR.
    SoftwareGenerated,
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
}

/// One row: the bytes from `first` to `last`, in the frames of the mask, by accesses of the sizes whose bits are set (a
/// size is a power of two, so `sizes & size` tells).
struct Row {
    first: u16,
    last: u16,
    frames: u8,
    sizes: u8,
    register: Register,
    /// Of [`Register::Each`]; else without a meaning.
    field: Field,
}

/// The bytes from `start` to before `end`, at most 64 KiB.
#[expect(clippy::cast_possible_truncation, reason = "in a constant: the assertion holds, or it does not compile")]
const fn row(start: u32, end: u32, frames: u8, sizes: u8, register: Register) -> Row {
    assert!(start < end && end <= 0x1_0000);
    Row { first: start as u16, last: (end - 1) as u16, frames, sizes, register, field: Field::Group }
}

/// The same for a register with a field for each interrupt.
const fn each(start: u32, end: u32, frames: u8, sizes: u8, field: Field) -> Row {
    Row { field, ..row(start, end, frames, sizes, Register::Each) }
}

use Field::{ClearActive, ClearEnable, ClearPending, ClearSources, Configuration, Group, Priority, SetActive};
use Field::{SetEnable, SetPending, SetSources, Targets};
use Register::{ClearSpi, Control, Identification, Implementer, RedistributorControl, RedistributorType, Route};
use Register::{SetSpi, SoftwareGenerated, Type, Waker};

// With GICD_CTLR.DS = 1, affinity routing always on and no LPIs, these are reserved and so not listed: STATUSR,
// SETSPI_SR, CLRSPI_SR, IGRPMODR, NSACR, all extended ranges, and of GICR all of 0x40 to 0xC0.
const TABLE: &[Row] = &[
    row(0x0000, 0x0004, D2 | D3, 4, Control),
    row(0x0004, 0x0008, D2 | D3, 4, Type),
    row(0x0008, 0x000C, D2 | D3, 4, Implementer),
    row(0x0000, 0x0004, RD, 4, RedistributorControl),
    row(0x0004, 0x0008, RD, 4, Implementer),
    row(0x0008, 0x0010, RD, 8 | 4, RedistributorType),
    row(0x0014, 0x0018, RD, 4, Waker),
    row(0x0040, 0x0044, D3, 4 | 2, SetSpi),
    row(0x0048, 0x004C, D3, 4 | 2, ClearSpi),
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
    row(0x0F00, 0x0F04, D2, 4, SoftwareGenerated),
    each(0x0F10, 0x0F20, D2 | LOAD | STORE, 4 | 1, ClearSources),
    each(0x0F20, 0x0F30, D2 | LOAD | STORE, 4 | 1, SetSources),
    row(0x0FD0, 0x1000, D2, 4, Identification),
    row(0x6000, 0x8000, D3, 8 | 4, Route),
    row(0xFFD0, 0x1_0000, D3 | RD, 4, Identification),
];

/// A legal access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// The frame.
    pub frame: Frame,
    /// The register.
    pub register: Register,
    /// Which, of [`Register::Each`].
    pub field: Field,
    /// Where in the register, or the array of registers, the access begins, in bytes.
    pub position: u32,
    /// Bytes accessed: 1, 2, 4 or 8.
    pub size: u8,
    /// Whether a load, and a store, rests on what list registers hold of the vCPU that makes it.
    pub rests: [bool; 2],
}

/// Offsets in a block of [`FIRST_ROWS`].
const BLOCK: u16 = 0x80;
/// Blocks: those of the first 4 KiB, the last of which is also that of all others.
const BLOCKS: usize = 32;

const _: () = assert!(TABLE.len() <= u8::MAX as usize);

/// For each frame and each block of offsets: the first row of the table that ends
/// behind the block's start. Searching from there is as good as from the first row, and mostly over at once.
#[expect(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "in a constant: an index out of range does not compile, and a byte counts the rows"
)]
static FIRST_ROWS: [u8; 4 * BLOCKS] = {
    let mut first = [0; 4 * BLOCKS];
    let mut at = 0;
    while at < first.len() {
        let (frame, block) = (at / BLOCKS, at % BLOCKS);
        let mut row = 0;
        while TABLE[row].frames & 1 << frame == 0 || TABLE[row].last < block as u16 * BLOCK {
            row += 1;
            if row == TABLE.len() - 1 {
                break;
            }
        }
        first[at] = row as u8;
        at += 1;
    }
    first
};

/// Finds the register at `offset` of `frame` for an access of `size` bytes (1, 2, 4 or 8); `None` if that is reserved.
///
/// # Errors
/// An external abort past the end of the frame.
#[inline(always)]
pub fn decode(frame: Frame, offset: u64, size: u8) -> Result<Option<Access>, GuestFault> {
    if offset >= frame.size() {
        return Err(GuestFault::ExternalAbort);
    }
    let offset = (offset & 0xFFFF) as u16;
    let block = usize::from(offset / BLOCK).min(BLOCKS - 1);
    let mut at = FIRST_ROWS.get(frame as usize * BLOCKS + block).copied().unwrap_or(0);
    let row = loop {
        let Some(row) = TABLE.get(usize::from(at)) else { return Ok(None) };
        if offset <= row.last && row.frames & frame.bit() != 0 {
            break row;
        }
        at += 1;
    };
    let misaligned = offset & u16::from(size).wrapping_sub(1) != 0;
    if row.first > offset || row.sizes & size == 0 || misaligned {
        return Ok(None);
    }
    let (register, field, position) = (row.register, row.field, (offset - row.first).into());
    Ok(Some(Access {
        frame,
        register,
        field,
        position,
        size,
        rests: [row.frames & LOAD != 0, row.frames & STORE != 0],
    }))
}

impl Access {
    /// For a register with a field of each interrupt: the first INTID accessed.
    #[inline(always)]
    pub const fn first(&self) -> u32 {
        self.position << self.field.scale()
    }

    /// The part of the 64-bit register value `whole` that this access reads.
    #[inline(always)]
    pub const fn part(&self, whole: u64) -> u64 {
        if self.size == 8 { whole } else { whole >> (self.position % 8 * 8) & 0xFFFF_FFFF }
    }

    /// The 64-bit register value `whole` with the part that this access writes replaced by `value`.
    #[inline(always)]
    pub const fn merge(&self, whole: u64, value: u64) -> u64 {
        if self.size == 8 {
            return value;
        }
        let shift = self.position % 8 * 8;
        whole & !(0xFFFF_FFFF << shift) | (value & 0xFFFF_FFFF) << shift
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_one_frame_do_not_overlap_and_lie_inside_it() {
        for frame in [Frame::DistributorV2, Frame::DistributorV3, Frame::Redistributor, Frame::SgiAndPpi] {
            let rows = TABLE.iter().filter(|row| row.frames & frame.bit() != 0);
            let mut end = 0;
            for row in rows {
                let start = u32::from(row.first);
                assert!(start >= end, "{frame:?} {start:#x}");
                end = u32::from(row.last) + 1;
            }
            assert!(u64::from(end) <= frame.size());
        }
    }

    #[test]
    fn a_search_from_the_block_on_finds_what_a_search_of_all_finds() {
        for frame in [Frame::DistributorV2, Frame::DistributorV3, Frame::Redistributor, Frame::SgiAndPpi] {
            for offset in (0..frame.size()).step_by(4) {
                let is_it = |row: &&Row| {
                    row.frames & frame.bit() != 0 && (row.first.into()..=row.last.into()).contains(&offset)
                };
                let expected =
                    TABLE.iter().find(is_it).filter(|row| row.sizes & 4 != 0).map(|row| (row.register, row.field));
                let found = decode(frame, offset, 4).unwrap().map(|access| (access.register, access.field));
                assert_eq!(found, expected, "{frame:?} {offset:#x}");
            }
        }
    }

    #[test]
    fn sizes_alignment_and_reserved_offsets_are_refused() {
        let answers = |frame, offset, size| decode(frame, offset, size).map(|access| access.is_some());
        let (v2, v3) = (Frame::DistributorV2, Frame::DistributorV3);
        for (frame, offset, size) in [(v2, 0x401, 1), (v3, 0x6100, 8), (v3, 0x6104, 4)] {
            assert_eq!(answers(frame, offset, size), Ok(true), "{offset:#x}");
        }
        for (frame, offset, size) in
            [(v2, 0x101, 1), (v2, 0x402, 4), (v2, 0x100, 2), (v3, 0x100, 8), (v3, 0x800, 4), (v2, 0x100, 0)]
        {
            assert_eq!(answers(frame, offset, size), Ok(false), "{offset:#x}");
        }
        for (frame, offset) in [(v2, 0x1000), (v2, 0x10_0000_0000), (v3, 0x1_0000)] {
            assert_eq!(answers(frame, offset, 4), Err(GuestFault::ExternalAbort), "{offset:#x}");
        }
    }
}
