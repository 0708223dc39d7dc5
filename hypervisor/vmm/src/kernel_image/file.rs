//! A kernel's file as the rest sees it: its first bytes and its size, unpacked if it is packed.

#[cfg(feature = "gzip")]
use super::gzip::Inflater;
use super::header::{KernelImage, UnknownFormat};

/// Bytes of a kernel's file that its format is told by.
const HEADER_SIZE: usize = 64;
/// Bytes of an ELF file in which its program headers must stand.
#[cfg(feature = "formats")]
const MOST_HEADERS: usize = 4096;
/// The first bytes of a file; zeroes where it has not so many.
#[cfg(feature = "formats")]
type Head = alloc::vec::Vec<u8>;
#[cfg(not(feature = "formats"))]
type Head = [u8; HEADER_SIZE];

/// Reads bytes from an offset of a file on. It is asked for nothing behind the file's end.
pub type Source<'s> = dyn FnMut(u64, &mut [u8]) + 's;

/// The first bytes of a kernel's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KernelFile {
    /// Its first bytes: 64, of an ELF file 4096.
    pub head: Head,
    /// Bytes that it has, unpacked.
    pub size: u64,
    /// Where in the file it stands that is packed by gzip: offset and size. `None` if the file is not packed.
    pub packed: Option<(u64, u64)>,
}

impl KernelFile {
    /// Reads what is needed of a file of `size` bytes.
    ///
    /// # Errors
    /// It is packed, and damaged.
    pub fn open(size: u64, source: &mut Source<'_>) -> Result<Self, UnknownFormat> {
        #[cfg(not(feature = "formats"))]
        let mut head = [0; HEADER_SIZE];
        #[cfg(feature = "formats")]
        let mut head = alloc::vec![0; HEADER_SIZE];
        read(size, source, &mut head);
        #[cfg(feature = "formats")]
        if head.starts_with(&super::elf::MAGIC) {
            head.resize(MOST_HEADERS, 0);
            read(size, source, &mut head);
        }
        #[cfg(feature = "gzip")]
        if let Some(packed) = packed(&head, size) {
            return unpacked(packed, source).map_err(|guess| UnknownFormat { guess, ..UnknownFormat::of(&head) });
        }
        Ok(Self { head, size, packed: None })
    }

    /// What it is; it is raw where the owner says its place.
    ///
    /// # Errors
    /// It is of no format that we know.
    pub fn format(&self, is_raw: bool) -> Result<Format, UnknownFormat> {
        #[cfg(feature = "formats")]
        if is_raw {
            return Ok(Format::Raw);
        } else if self.head.starts_with(&super::elf::MAGIC) {
            return Ok(Format::Elf);
        }
        let _ = is_raw;
        KernelImage::parse(&self.head, self.size).map(Format::Image).ok_or_else(|| UnknownFormat::of(&self.head))
    }
}

/// Reads the first bytes of a file of `size` bytes into `head`, as far as there are any.
fn read(size: u64, source: &mut Source<'_>, head: &mut [u8]) {
    let available = usize::try_from(size).unwrap_or(head.len()).min(head.len());
    if let Some(available) = head.get_mut(..available) {
        source(0, available);
    }
}

/// What a kernel's file is, unpacked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// An arm64 Image.
    Image(KernelImage),
    /// An ELF file.
    #[cfg(feature = "formats")]
    Elf,
    /// Raw bytes.
    #[cfg(feature = "formats")]
    Raw,
}

/// What of a file of `size` bytes that begins with `head` is packed by gzip, if anything: all of it, or the payload of a
/// compressed EFI image (Linux drivers/firmware/efi/libstub/zboot-header.S).
#[cfg(feature = "gzip")]
fn packed(head: &[u8], size: u64) -> Option<(u64, u64)> {
    if Inflater::is_packed(head) {
        return Some((0, size));
    }
    let field = |at: usize| head.get(at..)?.first_chunk().map(|bytes| u64::from(u32::from_le_bytes(*bytes)));
    let is_gzip = head.get(..8) == Some(b"MZ\0\0zimg") && head.get(24..29) == Some(b"gzip\0");
    let (offset, length) = (field(8)?, field(12)?);
    (is_gzip && offset + length <= size).then_some((offset, length))
}

/// The beginning of what is `packed` in a file.
#[cfg(feature = "gzip")]
fn unpacked(packed: (u64, u64), source: &mut Source<'_>) -> Result<KernelFile, &'static str> {
    let mut inflater = Inflater::open(packed, source)?;
    let mut head = alloc::vec::Vec::new();
    while head.len() < MOST_HEADERS && !inflater.is_done() {
        let (_, bytes) = inflater.step(source)?;
        head.extend_from_slice(bytes);
    }
    head.resize(MOST_HEADERS, 0);
    Ok(KernelFile { head, size: inflater.unpacked_size(), packed: Some(packed) })
}
