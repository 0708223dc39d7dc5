//! Which register an access is to.

use super::registers::{
    EACH, Field, Frame, LOAD, PAGE_START, RESERVED, Register, Row, SCALE, SHARED, STORE, TABLE, in_frame,
};
use crate::vcpu::VcpuId;

const FRAMES: [Frame; 4] = [Frame::DistributorV2, Frame::DistributorV3, Frame::Redistributor, Frame::SgiAndPpi];
/// Room for the rows of all frames with one at the end of each. A power of two: a remainder by it costs less than a
/// comparison.
const ROWS_COUNT: usize = 64;

/// The rows of each frame, and one that has every offset, which ends every search.
#[expect(clippy::indexing_slicing, reason = "in a constant: an index out of range does not compile")]
static ROWS: [Row; ROWS_COUNT] = {
    let (mut rows, mut count, mut frame) = ([RESERVED; ROWS_COUNT], 0, 0);
    while frame < FRAMES.len() {
        let mut at = 0;
        while at < TABLE.len() {
            if TABLE[at].flags & FRAMES[frame].bit() != 0 {
                rows[count] = in_frame(TABLE[at], FRAMES[frame]);
                count += 1;
            }
            at += 1;
        }
        count += 1;
        frame += 1;
    }
    assert!(count <= ROWS_COUNT && ROWS_COUNT.is_power_of_two());
    rows
};

/// Offsets in a block of [`FIRST_ROWS`].
const BLOCK: u16 = 0x80;
/// Blocks in each of the 4 KiB that [`FIRST_ROWS`] takes for one.
const BLOCKS: usize = 32;

/// For each frame and each block of offsets in any 4 KiB of it: the first row with a part of such a block, or the frame's
/// end. Searching from there is as good as from the frame's first row, and mostly over at once.
#[expect(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "in a constant: an index out of range does not compile, and a byte counts the rows"
)]
static FIRST_ROWS: [u8; FRAMES.len() * BLOCKS] = {
    let mut first = [0; FRAMES.len() * BLOCKS];
    let (mut at, mut start) = (0, 0);
    while at < first.len() {
        let block = at % BLOCKS;
        let mut row = start;
        while !has_part_of(&ROWS[row], block) {
            row += 1;
        }
        first[at] = row as u8;
        at += 1;
        if at % BLOCKS == 0 {
            while ROWS[start].sizes != 0 {
                start += 1;
            }
            // The next frame's.
            start += 1;
        }
    }
    first
};

/// Whether `row` has a part of the block `block` of any 4 KiB.
const fn has_part_of(row: &Row, block: usize) -> bool {
    let (first, last) = ((row.first / BLOCK) as usize, (row.last() / BLOCK) as usize);
    last - first >= BLOCKS || (block + BLOCKS - first % BLOCKS) % BLOCKS <= last - first
}

/// An access to a register, or to what is reserved, with the vCPU that makes it, or whose redistributor it is. It fits into
/// two of a processor's registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// As [`in_frame`] has it.
    row: &'static Row,
    /// From the lowest bits on: the vCPU, 8 bits; the size, in bytes, 8 bits; where in the register, or the array of
    /// registers, it begins, in bytes.
    place: u32,
}

/// Finds the register at `offset` of `frame` for an access of `size` bytes (1, 2, 4 or 8) by `vcpu`, or to its
/// redistributor. Of `offset` only the lowest 16 bits count: the bus lets nothing through that is behind a frame's end.
#[inline(always)]
pub fn find(vcpu: VcpuId, frame: Frame, offset: u64, size: u8) -> Access {
    let offset = (offset & 0xFFFF) as u32;
    let block = (offset / u32::from(BLOCK)) as usize % BLOCKS;
    let mut at = FIRST_ROWS.get(frame as usize * BLOCKS + block).copied().unwrap_or(0);
    let (mut row, position) = loop {
        let row = ROWS.get(usize::from(at) % ROWS_COUNT).unwrap_or(&RESERVED);
        let position = offset.wrapping_sub(row.first.into());
        if position <= row.extent.into() {
            break (row, position);
        }
        at += 1;
    };
    let misaligned = offset & u32::from(size).wrapping_sub(1) != 0;
    if row.sizes & size == 0 || misaligned {
        row = &RESERVED;
    }
    Access { row, place: u32::from(vcpu.number()) | u32::from(size) << 8 | position << 16 }
}

impl Access {
    /// The register.
    pub const fn register(self) -> Register {
        self.row.register
    }

    /// Which, of [`Register::Each`].
    pub const fn field(self) -> Field {
        self.row.field
    }

    /// Who makes it, or whose redistributor it is to.
    pub const fn vcpu(self) -> VcpuId {
        let [vcpu, ..] = self.place.to_le_bytes();
        VcpuId::wrapping(vcpu)
    }

    /// Where in the register, or the array of registers, it begins, in bytes.
    pub const fn position(self) -> u32 {
        self.place >> 16
    }

    /// Bytes accessed: 1, 2, 4 or 8.
    pub const fn size(self) -> u8 {
        let [_, size, ..] = self.place.to_le_bytes();
        size
    }

    /// Whether a load, or store, rests on what list registers hold.
    #[inline(always)]
    pub const fn rests(self, store: bool) -> bool {
        self.row.flags & if store { STORE } else { LOAD } != 0
    }

    /// Whether a load asks for a look before it is carried out: it [rests](Self::rests) on list registers, or is of a page's
    /// first byte, or misaligned, as one that crosses into another page is, and may be
    /// [misreported](crate::errata::misreports_loads).
    #[inline(always)]
    pub const fn is_delicate(self) -> bool {
        self.row.flags & (LOAD | PAGE_START) != 0
    }

    /// Whether it is to a register with a field for each interrupt, [`Register::Each`].
    #[inline(always)]
    pub const fn is_each(self) -> bool {
        self.row.flags & EACH != 0
    }

    /// The first INTID accessed, of a register with a field for each interrupt.
    #[inline(always)]
    pub const fn first(self) -> u32 {
        self.origin() + (self.position() << (self.row.flags & SCALE))
    }

    /// The INTID, of an array with 64 bits for each interrupt.
    #[inline(always)]
    pub const fn route(self) -> u32 {
        self.origin() + self.position() / 8
    }

    /// The INTID that an array of registers begins with.
    const fn origin(self) -> u32 {
        (self.row.flags & SHARED) as u32
    }

    /// The part of the 64-bit register value `whole` that this access reads.
    #[inline(always)]
    pub const fn part(self, whole: u64) -> u64 {
        if self.size() == 8 { whole } else { whole >> (self.position() % 8 * 8) & 0xFFFF_FFFF }
    }

    /// The 64-bit register value `whole` with the part that this access writes replaced by `value`.
    #[inline(always)]
    pub const fn merge(self, whole: u64, value: u64) -> u64 {
        if self.size() == 8 {
            return value;
        }
        let shift = self.position() % 8 * 8;
        whole & !(0xFFFF_FFFF << shift) | (value & 0xFFFF_FFFF) << shift
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn rows_of_one_frame_do_not_overlap_and_lie_inside_it() {
        let mut rows = ROWS.iter();
        for frame in FRAMES {
            let mut rows: Vec<Row> = rows.by_ref().copied().take_while(|row| row.sizes != 0).collect();
            rows.sort_by_key(|row| row.first);
            assert!(rows.is_sorted_by(|row, next| row.last() < next.first), "{frame:?}");
            assert!(rows.last().is_some_and(|row| u64::from(row.last()) < frame.size()));
        }
    }

    #[test]
    fn what_a_crossing_load_may_be_taken_for_asks_for_a_look() {
        for frame in FRAMES {
            for (size, offset) in [1, 2, 4, 8].iter().flat_map(|size| (0..frame.size()).map(move |at| (*size, at))) {
                let access = find(VcpuId::BOOT, frame, offset, size);
                let asks = access.is_delicate();
                let crosses = offset % 0x1000 == 0 || offset % u64::from(size) != 0;
                assert!(asks || !crosses && !access.rests(false), "{frame:?} {offset:#x} {size}");
            }
        }
        let never = [(Frame::DistributorV3, 4), (Frame::DistributorV2, 0x104), (Frame::SgiAndPpi, 0x400)];
        assert!(never.iter().all(|(frame, offset)| !find(VcpuId::BOOT, *frame, *offset, 4).is_delicate()));
    }

    #[test]
    fn a_search_from_the_block_on_finds_what_the_table_says() {
        for frame in FRAMES {
            for (size, offset) in [1, 2, 4, 8].iter().flat_map(|size| (0..frame.size()).map(move |at| (*size, at))) {
                let rows = TABLE.iter().filter(|row| row.flags & frame.bit() != 0).map(|row| in_frame(*row, frame));
                let expected = rows
                    .filter(|row| row.sizes & size != 0 && offset % u64::from(size) == 0)
                    .find(|row| (row.first.into()..=row.last().into()).contains(&offset))
                    .map(|row| (row.register, row.field, offset - u64::from(row.first), size));
                let found = find(VcpuId::BOOT, frame, offset, size);
                let found = (found.register(), found.field(), found.position().into(), found.size());
                let found = Some(found).filter(|(register, ..)| *register != Register::Reserved);
                assert_eq!(found, expected, "{frame:?} {offset:#x} {size}");
            }
        }
    }

    /// Which costs nothing but instructions when it is not so.
    #[test]
    fn a_search_begins_with_the_first_row_that_has_a_part_of_the_block() {
        let (mut starts, mut start) = (FIRST_ROWS.iter(), 0);
        for frame in FRAMES {
            let end = start + ROWS[start..].iter().position(|row| row.sizes == 0).unwrap();
            for block in 0..BLOCKS as u16 {
                let has_part = |row: &Row| (row.first..=row.last()).any(|at| at / BLOCK % BLOCKS as u16 == block);
                let first = (start..end).find(|at| has_part(&ROWS[*at])).unwrap_or(end);
                assert_eq!(starts.next().map(|at| usize::from(*at)), Some(first), "{frame:?} {block}");
            }
            start = end + 1;
        }
        assert_eq!(starts.next(), None);
    }

    #[test]
    fn each_frame_shows_its_own_interrupts() {
        let first = |frame, offset| {
            let found = find(VcpuId::BOOT, frame, offset, 4);
            let intid = if found.is_each() { found.first() } else { found.route() };
            (found.register() != Register::Reserved).then_some(intid)
        };
        let (v2, v3, sgi) = (Frame::DistributorV2, Frame::DistributorV3, Frame::SgiAndPpi);
        assert_eq!([v2, v3, sgi].map(|frame| first(frame, 0x100)), [Some(0), None, Some(0)]);
        assert_eq!([v2, v3, sgi].map(|frame| first(frame, 0x104)), [Some(32), Some(32), None]);
        assert_eq!([v2, v3, sgi].map(|frame| first(frame, 0x43c)), [Some(60), Some(60), None]);
        assert_eq!([v2, v3, sgi].map(|frame| first(frame, 0x41c)), [Some(28), None, Some(28)]);
        assert_eq!([v2, v3, sgi].map(|frame| first(frame, 0xc08)), [Some(32), Some(32), None]);
        assert_eq!([v2, v3, sgi].map(|frame| first(frame, 0xc04)), [Some(16), None, Some(16)]);
        assert_eq!([0x60f8, 0x6100, 0x6108].map(|offset| first(v3, offset)), [None, Some(32), Some(33)]);
    }

    /// The words that answer, as the register maps have them (GICv2 IHI 0048 4.1.2; GICv3 IHI 0069 12.8 and 12.10, with
    /// affinity routing and without what [`TABLE`] says there is not).
    #[test]
    fn what_answers_is_what_the_register_maps_have() {
        const BIT_FIELDS: [u64; 7] = [0x080, 0x100, 0x180, 0x200, 0x280, 0x300, 0x380];
        let v2 = [0..0x00C, 0x080..0xD00, 0xF10..0xF30, 0xFD0..0x1000];
        let shared = BIT_FIELDS.map(|first| first + 4..first + 0x80);
        let v3 = [0..0x00C, 0x420..0x800, 0xC08..0xD00, 0x6100..0x8000, 0xFFD0..0x1_0000];
        let redistributor = [0..0x010, 0x014..0x018, 0xFFD0..0x1_0000];
        let private = BIT_FIELDS.map(|first| first..first + 4);
        for (frame, ranges) in [
            (Frame::DistributorV2, v2.to_vec()),
            (Frame::DistributorV3, [&shared[..], &v3[..]].concat()),
            (Frame::Redistributor, redistributor.to_vec()),
            (Frame::SgiAndPpi, [&private[..], &[0x400..0x420, 0xC00..0xC08]].concat()),
        ] {
            for offset in (0..frame.size()).step_by(4) {
                let answers = find(VcpuId::BOOT, frame, offset, 4).register() != Register::Reserved;
                assert_eq!(answers, ranges.iter().any(|range| range.contains(&offset)), "{frame:?} {offset:#x}");
            }
        }
    }

    /// A list register may know better than the distributor what is pending or active, and shows what is active.
    #[test]
    fn what_shows_or_sets_what_list_registers_hold_rests_on_them() {
        for frame in FRAMES {
            for offset in (0..frame.size()).step_by(4) {
                let access = find(VcpuId::BOOT, frame, offset, 4);
                let sources = frame == Frame::DistributorV2 && (0xF10..0xF30).contains(&offset);
                let [pending, active] = [0x200..0x300, 0x300..0x400].map(|range| range.contains(&offset));
                let answers = access.register() != Register::Reserved;
                let expected = [answers && (pending || active || sources), answers && (active || sources)];
                assert_eq!([false, true].map(|store| access.rests(store)), expected, "{frame:?} {offset:#x}");
            }
        }
    }

    #[test]
    fn sizes_alignment_and_reserved_offsets_are_refused() {
        let answers = |frame, offset, size| find(VcpuId::BOOT, frame, offset, size).register() != Register::Reserved;
        let (v2, v3) = (Frame::DistributorV2, Frame::DistributorV3);
        for (frame, offset, size) in [(v2, 0x401, 1), (v3, 0x6100, 8), (v3, 0x6104, 4)] {
            assert!(answers(frame, offset, size), "{offset:#x}");
        }
        for (frame, offset, size) in [
            (v2, 0x101, 1),
            (v2, 0x402, 4),
            (v2, 0x100, 2),
            (v3, 0x100, 8),
            (v3, 0x800, 4),
            (v2, 0x100, 0),
            (v2, 0x1000, 4),
            (v3, 0x40, 2),
            (v3, 0x48, 4),
        ] {
            assert!(!answers(frame, offset, size), "{offset:#x}");
        }
    }
}
