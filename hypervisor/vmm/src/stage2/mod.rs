//! Stage 2: what of the machine a guest can reach (Arm ARM DDI 0487 D8.2, 4 KiB granule).
//!
//! The tables follow from the VM's memory list and are built once, before any of its vCPUs runs; they hold the
//! largest blocks that alignment allows. No entry is changed after that: a VM that moves gets new tables, and the old
//! ones are freed when its TLB entries are gone.

mod descriptor;
mod geometry;

pub use descriptor::Attributes;
pub use geometry::Geometry;

use crate::address::{Ipa, PAGE_SIZE, Pa, Range};
use crate::platform::TableMemory;
use descriptor::Descriptor;

/// Why a mapping could not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MapError {
    /// The addresses are not multiples of 4 KiB or the range wraps.
    Misaligned,
    /// The guest's address lies outside the translated space.
    OutOfRange,
    /// Something is mapped there already.
    Occupied,
    /// No memory for another table.
    OutOfTables,
}

impl MapError {
    /// In words.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Misaligned => "its memory does not lie in whole pages",
            Self::OutOfRange => "its memory lies out of its address space",
            Self::Occupied => "its memory overlaps a device",
            Self::OutOfTables => "no translation table is left",
        }
    }
}

/// The translation tables of one VM.
#[derive(Debug)]
pub struct Stage2 {
    root: Pa,
    geometry: Geometry,
}

impl Stage2 {
    /// Empty tables for the guest address space `geometry`. `None` if there is no memory for the first table.
    pub fn new(geometry: Geometry, tables: &mut impl TableMemory) -> Option<Self> {
        Some(Self { root: tables.allocate()?, geometry })
    }

    /// The physical address of the first table, for VTTBR_EL2.
    pub fn root(&self) -> Pa {
        self.root
    }

    /// The guest address space.
    pub fn geometry(&self) -> Geometry {
        self.geometry
    }

    /// Maps `guest` to the physical addresses from `physical` on, in the largest blocks possible.
    ///
    /// # Errors
    /// See [`MapError`]; pages mapped before the error was met stay mapped.
    pub fn map(
        &mut self,
        guest: Range<Ipa>,
        physical: Pa,
        attributes: Attributes,
        tables: &mut impl TableMemory,
    ) -> Result<(), MapError> {
        let (mut ipa, mut pa, mut left) = (guest.start().get(), physical.get(), guest.size());
        if (ipa | pa | left) & (PAGE_SIZE - 1) != 0 || pa.checked_add(left).is_none() {
            return Err(MapError::Misaligned);
        }
        if !self.geometry.covers(guest) {
            return Err(MapError::OutOfRange);
        }
        while left > 0 {
            let level = geometry::largest_level(ipa | pa, left);
            self.map_one(ipa, Descriptor::leaf(Pa::new(pa), level, attributes), level, tables)?;
            let step = geometry::block_size(level);
            (ipa, pa, left) = (ipa + step, pa + step, left - step);
        }
        Ok(())
    }

    fn map_one(&self, ipa: u64, leaf: Descriptor, level: u8, tables: &mut impl TableMemory) -> Result<(), MapError> {
        let mut table = self.root;
        for upper in geometry::ROOT_LEVEL..level {
            let index = geometry::index(ipa, upper);
            table = match Descriptor::from_bits(tables.read(table, index)).next_table() {
                Ok(next) => next,
                Err(descriptor::NotATable::Leaf) => return Err(MapError::Occupied),
                Err(descriptor::NotATable::Invalid) => {
                    let next = tables.allocate().ok_or(MapError::OutOfTables)?;
                    tables.write(table, index, Descriptor::table(next).bits());
                    next
                }
            };
        }
        let index = geometry::index(ipa, level);
        if Descriptor::from_bits(tables.read(table, index)).is_valid() {
            return Err(MapError::Occupied);
        }
        tables.write(table, index, leaf.bits());
        Ok(())
    }

    /// Where `address` leads, and how it may be used; `None` if it is not mapped. A walk as the hardware's.
    pub fn walk(&self, address: Ipa, tables: &impl TableMemory) -> Option<(Pa, Attributes)> {
        if !self.geometry.covers(Range::<Ipa>::new(address, 1)?) {
            return None;
        }
        let mut table = self.root;
        for level in geometry::ROOT_LEVEL..=geometry::LAST_LEVEL {
            let descriptor = Descriptor::from_bits(tables.read(table, geometry::index(address.get(), level)));
            if let Some((base, attributes)) = descriptor.leaf_parts(level) {
                return Some((base.checked_add(address.get() & (geometry::block_size(level) - 1))?, attributes));
            }
            table = descriptor.next_table().ok()?;
        }
        None
    }

    /// Gives every table back. The VM's TLB entries must have been invalidated, and no core may use the tables.
    pub fn free(self, tables: &mut impl TableMemory) {
        free_below(self.root, geometry::ROOT_LEVEL, tables);
    }
}

fn free_below(table: Pa, level: u8, tables: &mut impl TableMemory) {
    if level < geometry::LAST_LEVEL {
        for index in 0..geometry::ENTRIES {
            if let Ok(next) = Descriptor::from_bits(tables.read(table, index)).next_table() {
                free_below(next, level + 1, tables);
            }
        }
    }
    tables.free(table);
}

#[cfg(test)]
mod tests;
