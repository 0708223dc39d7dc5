//! The header at the start of `bulkhead.img`.
//!
//! ```text
//! offset  size  field
//! 0x00    64    arm64 Image header (Linux Documentation/arch/arm64/booting.rst)
//! 0x40     8    "BULKHEAD"
//! 0x48     4    header version, little-endian u32
//! 0x4c     4    early UART kind: 0 none, 1 PL011
//! 0x50     8    early UART physical base address, bytes, little-endian
//! 0x58     8    bare size: bytes from the start of the image to the end of its BSS, a multiple of 4096
//! 0x60     8    pack offset: bytes from the start of the image to the packed device tree; 0: no pack
//! 0x68     8    pack size: bytes of the packed device tree (modules follow it and are not counted)
//! ```
//!
//! A pack sits after the BSS in the file and in memory, so a packed file is padded to
//! [`ImageHeader::bare_size`] first and `image_size` of the arm64 header is rewritten to cover it.
//! In a packed tree the `reg` of a module is an offset from the start of the image.

/// Byte offset of the arm64 header's `image_size` field (little-endian u64).
pub const ARM64_IMAGE_SIZE_OFFSET: usize = 16;
/// Byte offset of [`ImageHeader`] in the image, directly after the 64-byte arm64 header.
pub const HEADER_OFFSET: usize = 64;
/// First eight bytes of [`ImageHeader`].
pub const MAGIC: [u8; 8] = *b"BULKHEAD";
/// Version of [`ImageHeader`] that this crate describes.
pub const VERSION: u32 = 1;
/// Bytes that [`ImageHeader`] takes in the file.
pub const HEADER_LENGTH: usize = 48;

/// A UART that the hypervisor may use before it has read a device tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum EarlyUart {
    /// None: stay silent until a tree names a UART.
    None = 0,
    /// Arm PL011 (DDI 0183).
    Pl011 = 1,
}

/// The Bulkhead part of the image header; the module's documentation draws it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageHeader {
    /// Kind of the UART to use before a tree is read, as [`EarlyUart`] as `u32`.
    pub early_uart_kind: u32,
    /// Physical base address of that UART, in bytes.
    pub early_uart_base: u64,
    /// Bytes from the start of the image to the end of its BSS, a multiple of 4096.
    pub bare_size: u64,
    /// Bytes from the start of the image to the packed tree; 0 if there is none.
    pub pack_offset: u64,
    /// Bytes of the packed tree.
    pub pack_size: u64,
}

impl ImageHeader {
    /// Reads the header from `bytes`, which start at [`HEADER_OFFSET`] of an image. `None` if they are
    /// too few, or the magic or the version differs.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let mut fields = [0; HEADER_LENGTH / 8];
        for (field, stored) in fields.iter_mut().zip(bytes.get(..HEADER_LENGTH)?.chunks_exact(8)) {
            *field = stored.iter().rev().fold(0, |field, byte| field << 8 | u64::from(*byte));
        }
        let [magic, kinds, early_uart_base, bare_size, pack_offset, pack_size] = fields;
        let (version, early_uart_kind) = (kinds as u32, (kinds >> 32) as u32);
        let known = magic == u64::from_le_bytes(MAGIC) && version == VERSION;
        known.then_some(Self { early_uart_kind, early_uart_base, bare_size, pack_offset, pack_size })
    }

    /// The header as it stands in the file.
    pub fn to_bytes(&self) -> [u8; HEADER_LENGTH] {
        let mut bytes = [0; HEADER_LENGTH];
        let fields = [self.early_uart_base, self.bare_size, self.pack_offset, self.pack_size];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.early_uart_kind.to_le_bytes());
        for (slot, field) in bytes[16..].chunks_exact_mut(8).zip(fields) {
            slot.copy_from_slice(&field.to_le_bytes());
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_survives_the_file() {
        let header = ImageHeader {
            early_uart_kind: 1,
            early_uart_base: 0x0900_0000,
            bare_size: 0x10_0000,
            pack_offset: 0x10_1000,
            pack_size: 77,
        };
        assert_eq!(ImageHeader::parse(&header.to_bytes()), Some(header));
    }

    #[test]
    fn a_foreign_or_short_header_is_none() {
        let header =
            ImageHeader { early_uart_kind: 0, early_uart_base: 0, bare_size: 4096, pack_offset: 0, pack_size: 0 };
        let mut bytes = header.to_bytes();
        assert_eq!(ImageHeader::parse(&bytes[..47]), None);
        bytes[0] = b'b';
        assert_eq!(ImageHeader::parse(&bytes), None);
    }
}
