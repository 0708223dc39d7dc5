//! Kernels in ELF files (System V ABI, "Object Files"): what of the file goes where.
//!
//! A segment goes to its physical address, which is the guest's. Nothing is relocated.

use super::load_plan::{Kernel, Segment, Segments};
use crate::address::{Ipa, Range};

/// The first bytes of every ELF file.
pub const MAGIC: [u8; 4] = *b"\x7fELF";
/// EI_CLASS, 1 for 32 bits and 2 for 64; EI_DATA follows.
const CLASS: usize = 4;
/// EI_DATA: least significant byte first.
const LITTLE_ENDIAN: u8 = 1;
/// e_type: ET_EXEC and ET_DYN, which static programs that may be moved are.
const PROGRAMS: [u64; 2] = [2, 3];
/// e_machine: EM_AARCH64.
const AARCH64: u64 = 183;
/// p_type: PT_LOAD.
const LOAD: u64 = 1;
/// Segments that are loaded, at most.
const MOST_SEGMENTS: usize = 16;

/// Offsets in a file of one class.
struct Offsets {
    /// Bytes of an address or an offset in a file.
    word: u64,
    /// Of the header: e_phoff, e_phentsize, e_phnum.
    table: u64,
    entry_size: u64,
    count: u64,
    /// Of a program header: its size, p_offset, p_vaddr, p_paddr, p_filesz, p_memsz.
    header: u64,
    offset: u64,
    virtual_address: u64,
    physical_address: u64,
    file_size: u64,
    memory_size: u64,
}

const ELF32: Offsets = Offsets {
    word: 4,
    table: 28,
    entry_size: 42,
    count: 44,
    header: 32,
    offset: 4,
    virtual_address: 8,
    physical_address: 12,
    file_size: 16,
    memory_size: 20,
};
const ELF64: Offsets = Offsets {
    word: 8,
    table: 32,
    entry_size: 54,
    count: 56,
    header: 56,
    offset: 8,
    virtual_address: 16,
    physical_address: 24,
    file_size: 32,
    memory_size: 40,
};
/// Of both classes: e_type, e_machine, e_entry.
const TYPE: u64 = 16;
const MACHINE: u64 = 18;
const ENTRY: u64 = 24;

const OUT_OF_RAM: &str = "an ELF file whose segments' physical addresses lie in the guest's RAM";
const NOT_ALL_HEADERS: &str = "an ELF file with all its program headers in its first 4096 bytes";

/// The first bytes of a file, and how its class has them.
struct Elf<'h> {
    head: &'h [u8],
    offsets: &'static Offsets,
}

/// Reads the ELF file of `file_size` bytes that begins with `head`, to be loaded into `ram`.
///
/// # Errors
/// What was expected of it.
pub fn parse(head: &[u8], file_size: u64, ram: &Range<Ipa>) -> Result<Kernel, &'static str> {
    let elf = Elf::open(head)?;
    let entry = elf.word(ENTRY)?;
    let (table, stride) = (elf.word(elf.offsets.table)?, elf.field(elf.offsets.entry_size, 2)?);
    if stride < elf.offsets.header {
        return Err("an ELF file with program headers of its class's size");
    }
    let (mut segments, mut first_instruction) = (Segments::new(), None);
    for index in 0..elf.field(elf.offsets.count, 2)? {
        let at = table.checked_add(index * stride).ok_or(NOT_ALL_HEADERS)?;
        let Some((segment, virtual_address)) = elf.segment(at)? else { continue };
        check(&segment, file_size, ram)?;
        if segments.iter().any(|other: &Segment| other.memory.overlaps(&segment.memory)) {
            return Err("an ELF file whose segments do not overlap in memory");
        }
        let offset = entry.checked_sub(virtual_address).filter(|offset| *offset < segment.size);
        first_instruction = first_instruction.or(offset.and_then(|offset| segment.memory.start().checked_add(offset)));
        if segments.len() == MOST_SEGMENTS {
            return Err("an ELF file with at most 16 segments to load");
        }
        segments.push(segment);
    }
    let entry = first_instruction.filter(|entry| entry.is_aligned(4));
    let entry = entry.ok_or("an ELF file whose entry is an instruction in one of its segments")?;
    Ok(Kernel { segments, entry, floor: ram.start() })
}

impl<'h> Elf<'h> {
    /// An AArch64 program's file.
    fn open(head: &'h [u8]) -> Result<Self, &'static str> {
        let offsets = match head.get(CLASS..CLASS + 2) {
            Some([1, LITTLE_ENDIAN]) => &ELF32,
            Some([2, LITTLE_ENDIAN]) => &ELF64,
            _ => return Err("an ELF file of little-endian 32 or 64 bits"),
        };
        let elf = Self { head, offsets };
        if !PROGRAMS.contains(&elf.field(TYPE, 2)?) || elf.field(MACHINE, 2)? != AARCH64 {
            return Err("an ELF file that is a program for AArch64");
        }
        Ok(elf)
    }

    /// The `size` bytes at the offset `at`.
    fn field(&self, at: u64, size: u64) -> Result<u64, &'static str> {
        let [from, to] = [Some(at), at.checked_add(size)].map(|offset| usize::try_from(offset?).ok());
        let bytes = from.zip(to).and_then(|(from, to)| self.head.get(from..to)).ok_or(NOT_ALL_HEADERS)?;
        Ok(bytes.iter().rev().fold(0, |field, byte| field << 8 | u64::from(*byte)))
    }

    /// The address, size or offset at the offset `at`.
    fn word(&self, at: u64) -> Result<u64, &'static str> {
        self.field(at, self.offsets.word)
    }

    /// What the program header at the offset `at` has loaded, with its virtual address; `None` if nothing.
    fn segment(&self, at: u64) -> Result<Option<(Segment, u64)>, &'static str> {
        let Offsets { offset, virtual_address, physical_address, file_size, memory_size, .. } = self.offsets;
        let word = |of: &u64| self.word(at.checked_add(*of).ok_or(NOT_ALL_HEADERS)?);
        let size = word(memory_size)?;
        if self.field(at, 4)? != LOAD || size == 0 {
            return Ok(None);
        }
        let memory = Range::<Ipa>::new(Ipa::new(word(physical_address)?), size).ok_or(OUT_OF_RAM)?;
        Ok(Some((Segment { offset: word(offset)?, size: word(file_size)?, memory }, word(virtual_address)?)))
    }
}

/// Whether `segment` lies in a file of `file_size` bytes, and in `ram`.
fn check(segment: &Segment, file_size: u64, ram: &Range<Ipa>) -> Result<(), &'static str> {
    let end = segment.offset.checked_add(segment.size);
    if segment.size > segment.memory.size() || end.is_none_or(|end| end > file_size) {
        return Err("an ELF file whose segments lie in the file, and are no larger there than in memory");
    }
    if ram.contains_range(&segment.memory) { Ok(()) } else { Err(OUT_OF_RAM) }
}
