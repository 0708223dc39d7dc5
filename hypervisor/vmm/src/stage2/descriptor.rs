//! One entry of a table (Arm ARM DDI 0487 D8.3.1 and D8.3.2).

use super::geometry;
use crate::address::Pa;

const VALID: u64 = 1;
const TABLE_OR_PAGE: u64 = 1 << 1;
const ADDRESS: u64 = 0x0000_ffff_ffff_f000;
/// MemAttr: Device-nGnRE.
const DEVICE: u64 = 0b0001 << 2;
/// MemAttr: Normal, Inner and Outer Write-Back Cacheable; the guest's stage 1 may ask for less.
const NORMAL: u64 = 0b1111 << 2;
const MEMORY_ATTRIBUTES: u64 = 0b1111 << 2;
const READ: u64 = 1 << 6;
const WRITE: u64 = 1 << 7;
const INNER_SHAREABLE: u64 = 0b11 << 8;
const ACCESS_FLAG: u64 = 1 << 10;
/// `XN[1:0]` = 0b10: no instruction fetch at EL1 nor EL0.
const EXECUTE_NEVER: u64 = 0b10 << 53;

/// What a guest may do with a mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attributes {
    /// RAM: read, write, execute; Normal Write-Back.
    Memory,
    /// A device's registers: read and write; Device-nGnRE.
    Device,
}

impl Attributes {
    const fn bits(self) -> u64 {
        match self {
            Self::Memory => NORMAL | READ | WRITE | INNER_SHAREABLE,
            Self::Device => DEVICE | READ | WRITE | EXECUTE_NEVER,
        }
    }
}

#[derive(Clone, Copy)]
pub(super) struct Descriptor(u64);

/// Why a descriptor leads to no further table.
pub(super) enum NotATable {
    Invalid,
    Leaf,
}

impl Descriptor {
    pub(super) const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    pub(super) const fn bits(self) -> u64 {
        self.0
    }

    pub(super) fn table(next: Pa) -> Self {
        Self(next.get() & ADDRESS | TABLE_OR_PAGE | VALID)
    }

    pub(super) fn leaf(base: Pa, level: u8, attributes: Attributes) -> Self {
        let page = if level == geometry::LAST_LEVEL { TABLE_OR_PAGE } else { 0 };
        Self(base.get() & ADDRESS | attributes.bits() | ACCESS_FLAG | page | VALID)
    }

    pub(super) const fn is_valid(self) -> bool {
        self.0 & VALID != 0
    }

    /// The next table, for a descriptor above the last level.
    pub(super) fn next_table(self) -> Result<Pa, NotATable> {
        match (self.is_valid(), self.0 & TABLE_OR_PAGE != 0) {
            (true, true) => Ok(Pa::new(self.0 & ADDRESS)),
            (true, false) => Err(NotATable::Leaf),
            (false, _) => Err(NotATable::Invalid),
        }
    }

    /// Base and attributes, if the descriptor at `level` is a block or a page.
    pub(super) fn leaf_parts(self, level: u8) -> Option<(Pa, Attributes)> {
        let page_bit = self.0 & TABLE_OR_PAGE != 0;
        if !self.is_valid() || page_bit != (level == geometry::LAST_LEVEL) {
            return None;
        }
        let attributes = if self.0 & MEMORY_ATTRIBUTES == NORMAL { Attributes::Memory } else { Attributes::Device };
        Some((Pa::new(self.0 & ADDRESS), attributes))
    }
}
