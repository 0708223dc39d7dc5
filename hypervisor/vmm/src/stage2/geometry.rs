//! The shape of the translation tables: three levels of 512 entries, level 1 at the root.

use crate::address::{Ipa, Range};

/// The level at which a walk starts.
pub(super) const ROOT_LEVEL: u8 = 1;
/// The level of 4 KiB pages.
pub(super) const LAST_LEVEL: u8 = 3;
/// Entries in a table.
pub(super) const ENTRIES: usize = 512;
/// With one 4 KiB table at level 1, addresses have at most 39 bits.
const MOST_BITS: u8 = 39;
/// A table at level 1 is used down to 31 bits (Arm ARM DDI 0487 table D8-17).
const FEWEST_BITS: u8 = 31;

/// The size of a guest's address space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    bits: u8,
}

impl Geometry {
    /// The address space for a machine whose physical addresses have `physical_bits` bits
    /// (ID_AA64MMFR0_EL1.PARange): as large, but at most 39 bits. `None` below 31 bits, which no core has.
    pub const fn for_machine(physical_bits: u8) -> Option<Self> {
        if physical_bits < FEWEST_BITS {
            return None;
        }
        Some(Self { bits: if physical_bits < MOST_BITS { physical_bits } else { MOST_BITS } })
    }

    /// Bits of an address, 31 to 39. VTCR_EL2.T0SZ is 64 less this.
    pub const fn bits(self) -> u8 {
        self.bits
    }

    /// Whether every address in `range` is in the space.
    pub fn covers(self, range: Range<Ipa>) -> bool {
        range.last().get() >> self.bits == 0
    }
}

/// Bytes that one entry of a table at `level` covers: 1 GiB, 2 MiB, 4 KiB.
pub(super) const fn block_size(level: u8) -> u64 {
    1 << shift(level)
}

const fn shift(level: u8) -> u32 {
    12 + 9 * (LAST_LEVEL as u32 - level as u32)
}

/// The index of `address` in a table at `level`, below [`ENTRIES`].
pub(super) fn index(address: u64, level: u8) -> usize {
    usize::try_from(address >> shift(level) & 0x1ff).unwrap_or(0)
}

/// The highest level whose blocks fit `left` bytes at addresses whose union of bits is `addresses`.
pub(super) fn largest_level(addresses: u64, left: u64) -> u8 {
    let fits = |level: &u8| addresses & (block_size(*level) - 1) == 0 && left >= block_size(*level);
    (ROOT_LEVEL..LAST_LEVEL).find(fits).unwrap_or(LAST_LEVEL)
}
