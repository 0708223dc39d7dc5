//! Where the image lies, by the symbols of linker/hypervisor.ld.

use bulkhead_abi::image::{HEADER_LENGTH, HEADER_OFFSET, ImageHeader};

unsafe extern "C" {
    static image_start: u8;
    static rodata_start: u8;
    static data_start: u8;
    static bss_start: u8;
    static image_end: u8;
}

/// The image's parts, by the physical (and equal virtual) addresses at which they begin.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    /// Code, with the header first.
    pub start: u64,
    /// Constants and relocations.
    pub rodata: u64,
    /// Variables.
    pub data: u64,
    /// Variables that start as zero, to `end`.
    pub bss: u64,
    /// The end; a pack may follow.
    pub end: u64,
}

/// The parts of this image.
pub fn layout() -> Layout {
    Layout {
        start: &raw const image_start as u64,
        rodata: &raw const rodata_start as u64,
        data: &raw const data_start as u64,
        bss: &raw const bss_start as u64,
        end: &raw const image_end as u64,
    }
}

/// The header in front of this image, as `bulkhead pack` left it.
pub fn header() -> Option<ImageHeader> {
    // SAFETY: the bytes are the first of the image, which is mapped and never written.
    let bytes = unsafe { core::slice::from_raw_parts((&raw const image_start).add(HEADER_OFFSET), HEADER_LENGTH) };
    ImageHeader::parse(bytes)
}
