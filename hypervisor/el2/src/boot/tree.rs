//! The device trees that we are given: the firmware's and the packed one.

use super::image;
use crate::mmu::{self, Kind};
use crate::vectors;
use bulkhead_vmm::address::{PAGE_SIZE, Pa, Range};
use bulkhead_vmm::fdt::{self, FdtError, Tree};
use core::fmt;

/// Why there is no tree at an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TreeError {
    /// The address is zero, misaligned, in our own image or beyond the physical address space
    /// (Linux Documentation/arch/arm64/booting.rst).
    Address(u64),
    /// No memory answers at the address.
    Absent(u64),
    /// What is there is no device tree, or a damaged one.
    Damaged(FdtError),
}

impl fmt::Display for TreeError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => write!(formatter, "X0 is {address:#x}, where no tree can be"),
            Self::Absent(address) => write!(formatter, "X0 leads to {address:#x}, where no memory answers"),
            Self::Damaged(error) => write!(formatter, "{error}"),
        }
    }
}

/// A copy of the tree that the firmware left at the physical address `address`, and what it takes there.
///
/// # Errors
/// [`TreeError`], if there is none.
pub fn firmware_tree(address: u64) -> Result<(Tree, Range<Pa>), TreeError> {
    let layout = image::layout();
    if address == 0 || !address.is_multiple_of(8) || (layout.start..layout.end).contains(&address) {
        return Err(TreeError::Address(address));
    }
    read(address)
}

/// A copy of the tree packed behind the image; `None` if there is no pack.
pub fn packed_tree() -> Option<Result<Tree, TreeError>> {
    let header = image::header().filter(|header| header.pack_offset != 0)?;
    Some(read(image::layout().start + header.pack_offset).map(|(tree, _)| tree))
}

/// Maps the blocks that the tree really uses, whatever `totalsize` claims, for as long as they are copied.
fn read(address: u64) -> Result<(Tree, Range<Pa>), TreeError> {
    let used = with_mapped(address, fdt::HEADER_SIZE, |header| fdt::extent(header).map(|extent| extent.used()))?;
    let tree = with_mapped(address, used, Tree::new)?;
    let range = Range::<Pa>::new(Pa::new(address), used as u64).ok_or(TreeError::Address(address))?;
    Ok((tree, range))
}

/// Gives `length` bytes of memory from `address`, a multiple of 8, to `work`, if there is memory.
fn with_mapped<R>(
    address: u64,
    length: usize,
    work: impl FnOnce(&[u8]) -> Result<R, FdtError>,
) -> Result<R, TreeError> {
    let length_in_memory = length as u64;
    if address.saturating_add(length_in_memory) >> crate::cpu::physical_address_bits() != 0 {
        return Err(TreeError::Address(address));
    }
    mmu::map(address, length_in_memory, Kind::ReadOnly);
    let pages = (address & !(PAGE_SIZE - 1)..address + length_in_memory).step_by(PAGE_SIZE as usize);
    let result = match pages.map(|page| page.max(address)).find(|word| !vectors::can_be_read(*word)) {
        Some(absent) => Err(TreeError::Absent(absent)),
        // SAFETY: just mapped, and there; only this core runs yet, so nobody writes there while `work` reads; u8 has no
        // alignment and no invalid values.
        None => work(unsafe { core::slice::from_raw_parts(address as *const u8, length) }).map_err(TreeError::Damaged),
    };
    mmu::unmap(address, length_in_memory);
    result
}
