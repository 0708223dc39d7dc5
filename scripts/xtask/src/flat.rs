//! Turns an ELF file into the flat image that boards load.

use crate::Result;
use object::LittleEndian;
use object::elf::{FileHeader64, PT_LOAD};
use object::read::elf::{FileHeader, ProgramHeader};

/// More than any image of ours spans: a larger span is a linker script gone wrong.
const LONGEST: u64 = 64 << 20;

/// A flat image and what its ELF file says about it.
pub struct Flat {
    /// The bytes of the file, from the lowest physical address to the last byte that the ELF file holds.
    pub bytes: Vec<u8>,
    /// Bytes from the lowest physical address to the end of the last segment, zero-filled memory included.
    pub memory: u64,
    /// The segments, in the file's order.
    pub segments: Vec<Segment>,
}

/// One loadable segment, addresses relative to the start of the image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Offset from the start of the image, in bytes.
    pub start: u64,
    /// Bytes that stand in the file.
    pub file: u64,
    /// Bytes in memory.
    pub memory: u64,
    /// `PF_R`, `PF_W` and `PF_X` as the ELF specification numbers them.
    pub flags: u32,
}

/// Lays the loadable segments of `elf` out by physical address. Fails if they overlap, if there are none, or if
/// they span more than 64 MiB.
pub fn flatten(elf: &[u8]) -> Result<Flat> {
    let header = FileHeader64::<LittleEndian>::parse(elf)?;
    let endian = header.endian()?;
    let mut loaded = Vec::new();
    for program in header.program_headers(endian, elf)? {
        if program.p_type(endian) == PT_LOAD && program.p_memsz(endian) > 0 {
            let data = program.data(endian, elf).map_err(|()| "a segment lies outside the ELF file")?;
            loaded.push((program.p_paddr(endian), program.p_memsz(endian), program.p_flags(endian).0, data));
        }
    }
    loaded.sort_by_key(|&(address, ..)| address);
    let base = loaded.first().ok_or("the ELF file has no loadable segment")?.0;
    let mut flat = Flat { bytes: Vec::new(), memory: 0, segments: Vec::new() };
    for (address, memory, flags, data) in loaded {
        flat.append(Segment { start: address - base, file: data.len() as u64, memory, flags }, data)?;
    }
    Ok(flat)
}

impl Flat {
    fn append(&mut self, segment: Segment, data: &[u8]) -> Result<()> {
        let end = segment.start.checked_add(segment.memory).filter(|&end| end <= LONGEST);
        let end = end.ok_or("the loadable segments span more than 64 MiB")?;
        if segment.start < self.memory {
            return Err(format!("two loadable segments overlap at offset {:#x}", segment.start).into());
        }
        if !data.is_empty() {
            self.bytes.resize(usize::try_from(segment.start)?, 0);
            self.bytes.extend_from_slice(data);
        }
        self.memory = end;
        self.segments.push(segment);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A 64-bit little-endian ELF file with one 4-byte `.byte index` body per `(address, memory size)`.
    fn elf(segments: &[(u64, u64)]) -> Vec<u8> {
        let mut file = vec![0u8; 64 + 56 * segments.len()];
        file[..8].copy_from_slice(b"\x7fELF\x02\x01\x01\0");
        file[16..20].copy_from_slice(&[2, 0, 183, 0]);
        file[20] = 1;
        file[32] = 64;
        file[52] = 64;
        file[54] = 56;
        file[56] = segments.len() as u8;
        for (index, &(address, memory)) in segments.iter().enumerate() {
            let body = file.len() as u64;
            file.extend([index as u8 + 1; 4]);
            let words = [body, address, address, 4, memory, 4096];
            let header = 64 + 56 * index;
            file[header..header + 8].copy_from_slice(&[1, 0, 0, 0, 5, 0, 0, 0]);
            for (slot, word) in file[header + 8..header + 56].chunks_exact_mut(8).zip(words) {
                slot.copy_from_slice(&word.to_le_bytes());
            }
        }
        file
    }

    #[test]
    fn segments_are_laid_out_by_physical_address() {
        let flat = flatten(&elf(&[(0x4000_0008, 0x100), (0x4000_0000, 4)])).unwrap();
        assert_eq!(flat.bytes, [2, 2, 2, 2, 0, 0, 0, 0, 1, 1, 1, 1]);
        assert_eq!(flat.memory, 0x108);
        assert_eq!(flat.segments[1], Segment { start: 8, file: 4, memory: 0x100, flags: 5 });
    }

    #[test]
    fn overlapping_distant_and_absent_segments_are_refused() {
        let message = |segments: &[(u64, u64)]| flatten(&elf(segments)).err().map(|error| error.to_string());
        assert_eq!(message(&[(0, 8), (4, 8)]).unwrap(), "two loadable segments overlap at offset 0x4");
        assert_eq!(message(&[(0, 4), (1 << 40, 4)]).unwrap(), "the loadable segments span more than 64 MiB");
        assert_eq!(message(&[]).unwrap(), "the ELF file has no loadable segment");
        assert!(flatten(b"MZ").is_err());
    }
}
