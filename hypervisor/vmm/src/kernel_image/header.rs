//! The header of an arm64 kernel (Linux Documentation/arch/arm64/booting.rst, 4).

use core::fmt;

/// `ARM\x64` at offset 56.
const MAGIC: [u8; 4] = *b"ARM\x64";
/// `text_offset` of a kernel so old that its header does not give `image_size`.
const OLD_TEXT_OFFSET: u64 = 0x8_0000;
/// `text_offset` counts from a multiple of this.
pub(super) const BASE_ALIGNMENT: u64 = 2 << 20;
/// Formats that owners are likely to give by mistake: offset and first bytes of their magic, and what they are.
const OTHERS: &[(u8, [u8; 3], &str)] = &[
    #[cfg(not(feature = "gzip"))]
    (0, *b"\x1f\x8b\x08", "a gzip file"),
    #[cfg(not(feature = "formats"))]
    (0, *b"\x7fEL", "an ELF file"),
    (0, *b"\x27\x05\x19", "a U-Boot legacy image"),
    (0, *b"\xd0\x0d\xfe", "a device tree or FIT image"),
    (0, *b"\x28\xb5\x2f", "a zstd file"),
    (0x24, *b"\x18\x28\x6f", "a 32-bit Arm zImage"),
    (4, *b"zim", "a compressed EFI image"),
    (0, *b"070", "a cpio archive"),
];

/// What the header of an arm64 kernel says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KernelImage {
    /// Where the image wants to lie, in bytes from a multiple of 2 MiB.
    pub text_offset: u64,
    /// Bytes that it takes in memory, with what it does not store in the file (BSS).
    pub memory_size: u64,
}

/// Bytes that are no arm64 kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownFormat {
    /// The first bytes, 0 where there are none.
    pub first: [u8; 8],
    /// What they may be, in words.
    pub guess: &'static str,
}

impl UnknownFormat {
    /// A file that begins with `head`, whatever it may be.
    pub fn of(head: &[u8]) -> Self {
        let mut first = [0; 8];
        first.iter_mut().zip(head).for_each(|(slot, byte)| *slot = *byte);
        Self { first, guess: guess(head) }
    }
}

impl fmt::Display for UnknownFormat {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut before = "[";
        for byte in self.first {
            write!(formatter, "{before}{:02x}", usize::from(byte))?;
            before = " ";
        }
        write!(formatter, "] ({})", self.guess)
    }
}

impl KernelImage {
    /// Reads the header in `head`, the first 64 bytes or more of a file of `file_size` bytes. `None` if that is no arm64
    /// Image.
    pub fn parse(head: &[u8], file_size: u64) -> Option<Self> {
        if head.get(56..60) != Some(&MAGIC) {
            return None;
        }
        let field = |offset: usize| {
            let bytes = head.iter().skip(offset).take(8).rev();
            bytes.fold(0, |field, byte| field << 8 | u64::from(*byte))
        };
        let (text_offset, image_size) = (field(8), field(16));
        match image_size {
            0 => Some(Self { text_offset: OLD_TEXT_OFFSET, memory_size: file_size }),
            _ => Some(Self { text_offset, memory_size: image_size.max(file_size) }),
        }
    }
}

impl KernelImage {
    /// Bytes of memory that it needs behind the 2 MiB below it.
    pub(super) const fn needed(&self) -> u64 {
        self.text_offset.saturating_add(self.memory_size)
    }
}

/// What a file that begins with `head` may be.
fn guess(head: &[u8]) -> &'static str {
    for (offset, magic, name) in OTHERS {
        if head.get(usize::from(*offset)..).and_then(|bytes| bytes.first_chunk()) == Some(magic) {
            return name;
        }
    }
    "an unknown format"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(text_offset: u64, image_size: u64) -> [u8; 64] {
        let mut head = [0; 64];
        head[8..16].copy_from_slice(&text_offset.to_le_bytes());
        head[16..24].copy_from_slice(&image_size.to_le_bytes());
        head[56..60].copy_from_slice(&MAGIC);
        head
    }

    #[test]
    fn the_size_in_memory_covers_bss_and_file() {
        let parse = |text_offset, image_size| KernelImage::parse(&head(text_offset, image_size), 0x1000).unwrap();
        assert_eq!(parse(0, 0x3000), KernelImage { text_offset: 0, memory_size: 0x3000 });
        assert_eq!(parse(0x8_0000, 0x10), KernelImage { text_offset: 0x8_0000, memory_size: 0x1000 });
        assert_eq!(parse(0, 0), KernelImage { text_offset: 0x8_0000, memory_size: 0x1000 });
    }

    #[test]
    fn a_foreign_format_is_named_with_its_first_bytes() {
        let refused = |bytes: &[u8]| {
            assert_eq!(KernelImage::parse(bytes, 4), None);
            UnknownFormat::of(bytes)
        };
        let cpio = alloc::format!("{}", refused(b"0707"));
        assert_eq!(cpio, "[30 37 30 37 00 00 00 00] (a cpio archive)");
        assert_eq!(refused(b"MZ\0\0zimg\0\0").guess, "a compressed EFI image");
        assert_eq!(refused(b"").guess, "an unknown format");
        assert_eq!(refused(&head(0, 0)[..59]).guess, "an unknown format");
    }
}
