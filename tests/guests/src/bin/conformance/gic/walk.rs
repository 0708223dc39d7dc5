//! Walks a frame of registers: each register of a table by every size, and every reserved offset beside them.

use core::fmt::{self, Debug};

use bulkhead_guests::section::Section;
use bulkhead_guests::{memory, trap};

/// Sizes of accesses in bytes; a set of them is their sum.
const SIZES: [u8; 4] = [1, 2, 4, 8];

/// What a register does with what is written to it.
#[derive(Clone, Copy)]
pub enum Kind {
    /// It reads as this, and ignores writes.
    Fixed(u64),
    /// It reads as something that the machine's maker chose, and ignores writes.
    Constant,
    /// It reads as `reset`, and holds what is written to its bits `writable`.
    Holds { reset: u64, writable: u64 },
    /// It reads as `reset`; ones that are written to it set its bits `settable`, and those that are written to the
    /// register `clear` bytes from it clear them.
    Pair { reset: u64, settable: u64, clear: isize },
    /// It reads as zero; what is written to it is another check's.
    Commands,
    /// It is another check's.
    Elsewhere,
}

/// `count` alike registers of `size` bytes from `offset` on, which are accessed by the sum `sizes` of sizes.
pub struct Row {
    pub name: &'static str,
    pub offset: usize,
    pub count: usize,
    pub size: u8,
    pub sizes: u8,
    pub kind: Kind,
}

impl Row {
    /// A row of registers of 32 bits that are accessed as such only.
    pub const fn words(name: &'static str, offset: usize, count: usize, kind: Kind) -> Self {
        Self { name, offset, count, size: 4, sizes: 4, kind }
    }

    /// A row of registers of 64 bits, whose halves may be accessed alone.
    pub const fn double_words(name: &'static str, offset: usize, count: usize, kind: Kind) -> Self {
        Self { name, offset, count, size: 8, sizes: 8 | 4, kind }
    }

    /// The row, accessed by bytes too.
    pub const fn and_bytes(self) -> Self {
        Self { sizes: self.sizes | 1, ..self }
    }

    fn holds(&self, offset: usize) -> bool {
        let twin = if let Kind::Pair { clear, .. } = self.kind { clear } else { 0 };
        let end = self.offset + usize::from(self.size) * self.count;
        let of_twin = offset.checked_add_signed(-twin);
        [Some(offset), of_twin].into_iter().flatten().any(|offset| (self.offset..end).contains(&offset))
    }
}

/// A frame of registers at `base`.
#[derive(Clone, Copy)]
pub struct Frame {
    /// The vCPU whose registers these are, if each has its own.
    pub vcpu: Option<usize>,
    pub section: Section,
    pub base: usize,
    pub length: usize,
    /// Sizes of accesses that this machine answers at all.
    pub answered: u8,
    /// Whether an access of a size that a register does not have reads as zero and is ignored.
    pub sizes_matter: bool,
}

/// A register's name, and whose it is.
struct Named {
    name: &'static str,
    vcpu: Option<usize>,
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)?;
        self.vcpu.map_or(Ok(()), |vcpu| write!(f, " of vCPU {vcpu}"))
    }
}

/// What was not as it should be.
#[derive(PartialEq, Eq)]
pub struct Wrong {
    doing: &'static str,
    offset: usize,
    size: u8,
    expected: u64,
    seen: Option<u64>,
}

impl Debug for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { doing, offset, size, expected, .. } = self;
        write!(f, "{doing} at {offset:#x} by {size} bytes, expected {expected:#x}: ")?;
        match self.seen {
            Some(seen) => write!(f, "{seen:#x}"),
            None => f.write_str("an exception"),
        }
    }
}

/// Goes on if nothing is wrong.
type Walk = Result<(), Wrong>;

impl Frame {
    /// Checks every row, each by one check that tells of the first register that differs.
    pub fn rows(&self, rows: &[Row]) {
        for row in rows.iter().filter(|row| !matches!(row.kind, Kind::Elsewhere)) {
            let mut offsets = (0..row.count).map(|index| row.offset + usize::from(row.size) * index);
            let outcome = offsets.try_for_each(|offset| self.register(row, offset));
            self.section.equal(self.named(row.name), outcome, Ok(()));
        }
    }

    /// Checks that every word in no row reads as zero and ignores writes, by all sizes.
    pub fn reserved(&self, rows: &[Row]) {
        let mut reserved = (0..self.length).step_by(4).filter(|offset| !rows.iter().any(|row| row.holds(*offset)));
        let outcome = reserved.try_for_each(|offset| self.absent(offset, 0, "reserved"));
        self.section.equal(self.named("what is reserved is RAZ/WI"), outcome, Ok(()));
    }

    fn named(&self, name: &'static str) -> Named {
        Named { name, vcpu: self.vcpu }
    }

    fn register(&self, row: &Row, offset: usize) -> Walk {
        let Row { size, sizes, .. } = *row;
        match row.kind {
            Kind::Fixed(value) => self.is_fixed(offset, size, value)?,
            Kind::Constant => self.is_fixed(offset, size, self.value(offset, size).unwrap_or(0))?,
            Kind::Holds { reset, writable } => self.is_held(offset, row, reset, writable)?,
            Kind::Pair { reset, settable, clear } => {
                let twin = offset.strict_add_signed(clear);
                self.is_pair([offset, twin], reset, settable)?;
                self.other_sizes(twin, sizes)?;
            }
            Kind::Commands => self.reads("value", offset, size, 0)?,
            Kind::Elsewhere => {}
        }
        self.other_sizes(offset, sizes)
    }

    fn other_sizes(&self, offset: usize, sizes: u8) -> Walk {
        if self.sizes_matter { self.absent(offset, sizes, "a size that it does not have") } else { Ok(()) }
    }

    fn is_fixed(&self, offset: usize, size: u8, value: u64) -> Walk {
        self.reads("reset value", offset, size, value)?;
        self.write("write to it", offset, size, !value)?;
        self.reads("read-only value", offset, size, value)
    }

    fn is_held(&self, offset: usize, row: &Row, reset: u64, writable: u64) -> Walk {
        let Row { size, sizes, .. } = *row;
        self.reads("reset value", offset, size, reset)?;
        for value in [u64::MAX, 0, 0xa55a_3cc3_5aa5_c33c] {
            let expected = value & writable | reset & !writable;
            self.write("write to it", offset, size, value)?;
            self.reads("value written", offset, size, expected)?;
            for (part, size) in parts(size, sizes) {
                self.reads("a part of what was written", offset + part, size, below(expected >> (8 * part), size))?;
            }
        }
        for (part, size) in parts(size, sizes) {
            self.write("write of a part", offset + part, size, 0xc080_40a0 << part)?;
            let expected = below(0xc080_40a0 << part & writable >> (8 * part), size);
            self.reads("the part written", offset + part, size, expected)?;
        }
        self.write("write to it", offset, size, reset)?;
        self.reads("value restored", offset, size, reset)
    }

    fn is_pair(&self, [set, clear]: [usize; 2], reset: u64, settable: u64) -> Walk {
        let both = |doing, expected| {
            self.reads(doing, set, 4, expected)?;
            self.reads(doing, clear, 4, expected)
        };
        let write = |doing, offset, value| self.write(doing, offset, 4, value);
        both("reset value", reset)?;
        write("setting", set, settable & 0x3333_3333)?;
        both("some set", reset | settable & 0x3333_3333)?;
        write("setting", set, settable)?;
        write("setting none", set, 0)?;
        write("clearing none", clear, 0)?;
        both("all set", reset | settable)?;
        write("clearing", clear, settable & 0x5555_5555)?;
        both("some cleared", reset & !settable | settable & !0x5555_5555)?;
        write("clearing", clear, u64::MAX)?;
        both("all cleared", reset & !settable)?;
        write("setting", set, reset & settable)?;
        both("as it was", reset)
    }

    /// Accesses of all sizes but `present` read as zero and change nothing.
    fn absent(&self, offset: usize, present: u8, doing: &'static str) -> Walk {
        let sizes = SIZES.into_iter().filter(|size| self.answered & size != 0 && present & size == 0);
        for size in sizes.filter(|size| offset.is_multiple_of((*size).into())) {
            self.reads(doing, offset, size, 0)?;
            let before = if present & 4 != 0 { self.value(offset, 4) } else { None };
            self.write(doing, offset, size, u64::MAX)?;
            self.reads(doing, offset, size, 0)?;
            before.map_or(Ok(()), |before| self.reads("left alone by another size", offset, 4, before))?;
        }
        Ok(())
    }

    fn reads(&self, doing: &'static str, offset: usize, size: u8, expected: u64) -> Walk {
        let seen = self.value(offset, size);
        if seen == Some(expected) { Ok(()) } else { Err(Wrong { doing, offset, size, expected, seen }) }
    }

    /// What a load gives, if it is no exception.
    fn value(&self, offset: usize, size: u8) -> Option<u64> {
        let address = self.base + offset;
        let mut value = 0;
        let trapped = trap::probe(|| value = memory::read(address, size));
        trapped.is_none().then_some(value)
    }

    fn write(&self, doing: &'static str, offset: usize, size: u8, value: u64) -> Walk {
        let address = self.base + offset;
        let trapped = trap::probe(|| memory::write(address, size, value));
        if trapped.is_none() { Ok(()) } else { Err(Wrong { doing, offset, size, expected: value, seen: None }) }
    }
}

/// The smaller parts of a register of `size` bytes that may be accessed alone: each one's offset and size.
fn parts(size: u8, sizes: u8) -> impl Iterator<Item = (usize, u8)> {
    let smaller = SIZES.into_iter().filter(move |part| *part < size && sizes & part != 0);
    smaller.flat_map(move |part| (0..size.into()).step_by(part.into()).map(move |offset| (offset, part)))
}

/// The lower `size` bytes of `value`.
fn below(value: u64, size: u8) -> u64 {
    value & u64::MAX >> (64 - 8 * u32::from(size))
}
