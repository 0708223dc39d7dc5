//! `cargo xtask image`: what the head of `target/bulkhead.img` says, and the fields that the build fills in.

use crate::flat::Flat;
use crate::{Result, workspace};
use bulkhead_abi::image::{ARM64_IMAGE_SIZE_OFFSET, HEADER_LENGTH, HEADER_OFFSET, ImageHeader};

/// `"ARM\x64"` at byte 56 of an arm64 Image (Linux Documentation/arch/arm64/booting.rst).
const ARM64_MAGIC: &[u8; 4] = b"ARMd";
const ARM64_MAGIC_OFFSET: usize = 56;
const ARM64_TEXT_OFFSET: usize = 8;
const ARM64_FLAGS_OFFSET: usize = 24;
const PAGE: u64 = 4096;

/// Writes the size that the ELF file reveals into the two headers, or checks what the linker put there.
pub fn complete(flat: &mut Flat) -> Result<()> {
    let size = flat.memory.next_multiple_of(PAGE);
    let mut header = header(&flat.bytes)?;
    for (name, value) in
        [("image_size", u64_at(&flat.bytes, ARM64_IMAGE_SIZE_OFFSET)?), ("bare size", header.bare_size)]
    {
        if value != 0 && value != size {
            return Err(format!("{name} of the header is {value:#x}, the segments end at {size:#x}").into());
        }
    }
    header.bare_size = size;
    flat.bytes[ARM64_IMAGE_SIZE_OFFSET..ARM64_IMAGE_SIZE_OFFSET + 8].copy_from_slice(&size.to_le_bytes());
    flat.bytes[HEADER_OFFSET..HEADER_OFFSET + HEADER_LENGTH].copy_from_slice(&header.to_bytes());
    Ok(())
}

/// Shows the two headers of the image in the build folder.
pub fn main() -> Result<()> {
    let path = workspace::image();
    let bytes = std::fs::read(&path)
        .map_err(|error| format!("{}: {error} (cargo xtask build makes it)", workspace::shown(&path)))?;
    let header = header(&bytes)?;
    println!("{}", workspace::shown(&path));
    println!("  file            {} bytes", bytes.len());
    println!("  memory          {} bytes, BSS included", header.bare_size);
    println!("  text_offset     {:#x}", u64_at(&bytes, ARM64_TEXT_OFFSET)?);
    println!("  image_size      {:#x}", u64_at(&bytes, ARM64_IMAGE_SIZE_OFFSET)?);
    println!("  flags           {:#x}", u64_at(&bytes, ARM64_FLAGS_OFFSET)?);
    match header.early_uart_kind {
        0 => println!("  early UART      none"),
        1 => println!("  early UART      PL011 at {:#x}", header.early_uart_base),
        kind => println!("  early UART      unknown kind {kind} at {:#x}", header.early_uart_base),
    }
    match header.pack_offset {
        0 => println!("  pack            none"),
        offset => println!("  pack            tree of {} bytes at {offset:#x}", header.pack_size),
    }
    Ok(())
}

fn header(image: &[u8]) -> Result<ImageHeader> {
    if image.get(ARM64_MAGIC_OFFSET..ARM64_MAGIC_OFFSET + 4) != Some(ARM64_MAGIC) {
        return Err("no arm64 Image header at its start".into());
    }
    let ours = image.get(HEADER_OFFSET..).and_then(ImageHeader::parse);
    ours.ok_or_else(|| format!("no Bulkhead header of a known version at byte {HEADER_OFFSET}").into())
}

fn u64_at(bytes: &[u8], offset: usize) -> Result<u64> {
    let field = bytes.get(offset..offset + 8).ok_or("the image is shorter than its header")?;
    Ok(u64::from_le_bytes(field.try_into()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flat(image_size: u64, bare_size: u64) -> Flat {
        let header =
            ImageHeader { early_uart_kind: 1, early_uart_base: 0x900_0000, bare_size, pack_offset: 0, pack_size: 0 };
        let mut bytes = vec![0; 64];
        bytes[ARM64_IMAGE_SIZE_OFFSET..ARM64_IMAGE_SIZE_OFFSET + 8].copy_from_slice(&image_size.to_le_bytes());
        bytes[ARM64_MAGIC_OFFSET..ARM64_MAGIC_OFFSET + 4].copy_from_slice(ARM64_MAGIC);
        bytes.extend(header.to_bytes());
        Flat { bytes, memory: 0x1_2345, segments: Vec::new() }
    }

    #[test]
    fn both_sizes_end_with_the_last_page_of_the_bss() {
        for mut flat in [flat(0, 0), flat(0x1_3000, 0x1_3000)] {
            complete(&mut flat).unwrap();
            assert_eq!(header(&flat.bytes).unwrap().bare_size, 0x1_3000);
            assert_eq!(u64_at(&flat.bytes, ARM64_IMAGE_SIZE_OFFSET).unwrap(), 0x1_3000);
        }
    }

    #[test]
    fn a_header_that_contradicts_the_segments_is_refused() {
        let message = |mut flat: Flat| complete(&mut flat).unwrap_err().to_string();
        assert_eq!(message(flat(0x2000, 0)), "image_size of the header is 0x2000, the segments end at 0x13000");
        assert_eq!(message(flat(0, 0x14000)), "bare size of the header is 0x14000, the segments end at 0x13000");
    }

    #[test]
    fn an_image_without_headers_is_refused() {
        assert!(header(&[0; 200]).is_err());
        assert!(header(&flat(0, 0).bytes[..100]).is_err());
    }
}
