//! The header of a flattened device tree: where its blocks lie.

use super::FdtError;
use super::property::cell;
use core::ops::Range;

/// Bytes in the header (Devicetree Specification 0.4 5.2).
pub const HEADER_SIZE: usize = HEADER_BYTES as usize;
const HEADER_BYTES: u32 = 40;
/// The most bytes that a tree may take: EL2's heap of 256 KiB has always room for a copy of so many, wherever it lies.
pub const MAXIMUM_SIZE: usize = 128 << 10;
/// First four bytes, big-endian.
const MAGIC: u32 = 0xd00d_feed;
/// The version that is read and written.
const VERSION: u32 = 17;
/// The oldest version that a reader of the written one may know.
const COMPATIBLE_VERSION: u32 = 16;

/// Byte ranges of a tree's blocks, from the start of the tree. Each is in order, and ends by [`Self::used`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extent {
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

/// Where the blocks of the tree lie that starts with `bytes`.
///
/// # Errors
/// There is no whole header, the magic or the version is not ours, or a block is misaligned, out of order or out of the
/// tree.
pub fn extent(bytes: &[u8]) -> Result<Extent, FdtError> {
    let header: &[u8; HEADER_SIZE] = bytes.first_chunk().ok_or(FdtError::new(FdtError::CUT_SHORT, bytes.len()))?;
    let mut fields = [0; 10];
    for (field, word) in fields.iter_mut().zip(header.as_chunks::<4>().0) {
        *field = cell(word);
    }
    let [magic, total, structure, strings, reservations, version, compatible, boot_cpu, ..] = fields;
    if magic != MAGIC {
        return Err(FdtError::new(FdtError::MAGIC, 0));
    }
    if version < VERSION || compatible > VERSION {
        return Err(FdtError::new(FdtError::VERSION, 20));
    }
    let [.., strings_size, structure_size] = fields.map(|field| field as usize);
    let (structure, strings, reservations) = (structure as usize, strings as usize, reservations as usize);
    let (structure, strings) = (structure..structure + structure_size, strings..strings + strings_size);
    // The header gives no size of the reservations: the block behind bounds them (Devicetree Specification 0.4 5.1).
    let behind = |start| if start > reservations { start } else { usize::MAX };
    let reservations = reservations..behind(structure.start).min(behind(strings.start));
    for (block, field) in &[(&structure, 8), (&strings, 12), (&reservations, 16)] {
        let misaligned = *field == 8 && block.start % 4 != 0;
        if misaligned || block.start < HEADER_SIZE || block.end > total as usize {
            return Err(FdtError::new(FdtError::BLOCK, *field));
        }
    }
    let extent = Extent { reservations, structure, strings, boot_cpu };
    if extent.used() > MAXIMUM_SIZE {
        return Err(FdtError::new(FdtError::TOO_LARGE, extent.used()));
    }
    Ok(extent)
}

/// Writes the header of `tree`, whose structure and strings blocks begin at the offsets given, and whose
/// reservations follow the header.
pub(super) fn write_header(tree: &mut [u8], structure: usize, strings: usize, boot_cpu: u32) {
    let total = tree.len();
    let [total, structure, strings, strings_size, structure_size] =
        [total, structure, strings, total - strings, strings - structure]
            .map(|bytes| u32::try_from(bytes).unwrap_or(u32::MAX));
    let fields = [
        MAGIC,
        total,
        structure,
        strings,
        HEADER_BYTES,
        VERSION,
        COMPATIBLE_VERSION,
        boot_cpu,
        strings_size,
        structure_size,
    ];
    if let Some(header) = tree.first_chunk_mut::<HEADER_SIZE>() {
        header.copy_from_slice(fields.map(u32::to_be_bytes).as_flattened());
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
        assert_eq!(damaged(0, 1), FdtError::new(FdtError::MAGIC, 0));
        assert_eq!(damaged(1, 0x147), FdtError::new(FdtError::BLOCK, 12));
        assert_eq!(damaged(2, 0x3a), FdtError::new(FdtError::BLOCK, 8));
        assert_eq!(damaged(3, 0x24), FdtError::new(FdtError::BLOCK, 12));
        assert_eq!(damaged(4, 0x24), FdtError::new(FdtError::BLOCK, 16));
        assert_eq!(damaged(4, 0x138), FdtError::new(FdtError::BLOCK, 16));
        assert_eq!(damaged(5, 16), FdtError::new(FdtError::VERSION, 20));
        assert_eq!(damaged(6, 18), FdtError::new(FdtError::VERSION, 20));
        assert_eq!(damaged(9, u32::MAX), FdtError::new(FdtError::BLOCK, 8));
        assert_eq!(damaged(9, 0x1_ffcc), FdtError::new(FdtError::TOO_LARGE, 0x2_0004));
    }
}
