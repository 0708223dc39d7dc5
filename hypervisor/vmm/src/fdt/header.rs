//! The header of a flattened device tree: where its blocks lie.

use super::FdtError;
use core::ops::Range;

/// Bytes in the header (Devicetree Specification 0.4 5.2).
pub const HEADER_SIZE: usize = 40;
/// The most bytes that a tree may take: what the arm64 boot protocol allows.
pub const MAXIMUM_SIZE: usize = 2 << 20;
/// First four bytes, big-endian.
pub(super) const MAGIC: u32 = 0xd00d_feed;
/// The version that is read and written.
pub(super) const VERSION: u32 = 17;
/// The oldest version that a reader of the written one may know.
pub(super) const COMPATIBLE_VERSION: u32 = 16;

/// Byte ranges of a tree's blocks, from the start of the tree. Each is in order, and ends by [`Self::used`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extent {
    /// The header.
    pub header: Range<usize>,
    /// The memory reservation block and what follows it up to the next block: the header gives no size.
    pub reservations: Range<usize>,
    /// The structure block.
    pub structure: Range<usize>,
    /// The strings block.
    pub strings: Range<usize>,
    /// Physical ID of the core that booted (`boot_cpuid_phys`).
    pub boot_cpu: u32,
}

impl Extent {
    /// Bytes from the start of the tree to the end of its last block: all that must be mapped or copied.
    /// QEMU's `virt` claims 1 MiB as `totalsize` and uses 7 KiB.
    pub fn used(&self) -> usize {
        self.structure.end.max(self.strings.end)
    }
}

/// The big-endian word at `offset` of `bytes`; `None` if it does not lie in them.
pub(super) fn word(bytes: &[u8], offset: usize) -> Option<u32> {
    let word = bytes.get(offset..offset.checked_add(4)?)?;
    Some(u32::from_be_bytes(word.try_into().ok()?))
}

/// Where the blocks of the tree lie that starts with `header`.
///
/// # Errors
/// The magic or the version is not ours, or a block is misaligned, out of order or out of the tree.
pub fn extent(header: &[u8; HEADER_SIZE]) -> Result<Extent, FdtError> {
    let mut fields = [0; 10];
    for (field, bytes) in fields.iter_mut().zip(header.chunks_exact(4)) {
        *field = word(bytes, 0).unwrap_or_default();
    }
    let [magic, total, structure, strings, reservations, version, compatible, boot_cpu, strings_size, structure_size] =
        fields;
    if magic != MAGIC {
        return Err(FdtError::Magic(magic));
    }
    if version < VERSION || compatible > VERSION {
        return Err(FdtError::Version { version, compatible });
    }
    let structure = block("structure", structure, structure_size, total)?;
    let strings = block("strings", strings, strings_size, total)?;
    let reservations = reservation_block(reservations, &structure, &strings)?;
    let extent = Extent { header: 0..HEADER_SIZE, reservations, structure, strings, boot_cpu };
    if extent.used() > MAXIMUM_SIZE { Err(FdtError::TooLarge(extent.used())) } else { Ok(extent) }
}

/// The block of `size` bytes at `offset`, checked to lie behind the header and within `total` bytes.
fn block(block: &'static str, offset: u32, size: u32, total: u32) -> Result<Range<usize>, FdtError> {
    let (offset, size, total) = (offset as usize, size as usize, total as usize);
    let end = offset.saturating_add(size);
    let misaligned = block == "structure" && offset % 4 != 0;
    if misaligned || offset < HEADER_SIZE || end > total {
        return Err(FdtError::Block { block, offset, size });
    }
    Ok(offset..end)
}

/// The reservation block: it lies before another block, which bounds it (Devicetree Specification 0.4 5.1).
fn reservation_block(offset: u32, structure: &Range<usize>, strings: &Range<usize>) -> Result<Range<usize>, FdtError> {
    let offset = offset as usize;
    let end = [structure.start, strings.start].into_iter().filter(|start| *start > offset).min();
    match end {
        Some(end) if offset >= HEADER_SIZE => Ok(offset..end),
        _ => Err(FdtError::Block { block: "reservation", offset, size: 0 }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(fields: [u32; 10]) -> [u8; HEADER_SIZE] {
        let mut bytes = [0; HEADER_SIZE];
        for (slot, field) in bytes.chunks_exact_mut(4).zip(fields) {
            slot.copy_from_slice(&field.to_be_bytes());
        }
        bytes
    }

    const GOOD: [u32; 10] = [MAGIC, 1 << 20, 0x38, 0x138, 0x28, 17, 16, 0, 0x10, 0x100];

    #[test]
    fn only_the_blocks_count_not_the_claimed_total() {
        let extent = extent(&header(GOOD)).unwrap();
        assert_eq!((extent.reservations.clone(), extent.used()), (0x28..0x38, 0x148));
    }

    #[test]
    fn damage_to_any_field_is_named() {
        let damaged = |index: usize, value| {
            let mut fields = GOOD;
            fields[index] = value;
            extent(&header(fields)).unwrap_err()
        };
        assert_eq!(damaged(0, 1), FdtError::Magic(1));
        assert_eq!(damaged(1, 0x147), FdtError::Block { block: "strings", offset: 0x138, size: 0x10 });
        assert_eq!(damaged(2, 0x3a), FdtError::Block { block: "structure", offset: 0x3a, size: 0x100 });
        assert_eq!(damaged(4, 0x138), FdtError::Block { block: "reservation", offset: 0x138, size: 0 });
        assert_eq!(damaged(5, 16), FdtError::Version { version: 16, compatible: 16 });
        assert_eq!(damaged(9, u32::MAX), FdtError::Block { block: "structure", offset: 0x38, size: u32::MAX as usize });
    }
}
