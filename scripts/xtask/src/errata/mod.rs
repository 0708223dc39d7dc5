//! Errata of Cortex-A53 that the text of the hypervisor could run into. The linker looks for one (`--fix-cortex-a53-843419`);
//! this looks for the other, 835769, and mends it as GNU's linker would: the multiply-accumulate goes to a veneer elsewhere,
//! so that a branch stands between it and the access before. LLVM would instead put a NOP before each, but stable rustc
//! warns, in each crate, when asked to, and each NOP takes room and an instruction.

mod instruction;
mod sequences;

use crate::Result;
use instruction::Instruction;
use object::{Object, ObjectSection, ObjectSymbol, SectionKind};
use sequences::Text;
use std::ops::Range;

const WORD: u64 = 4;
/// A veneer: the multiply-accumulate, and the way back.
const VENEER: u64 = 2 * WORD;

/// The text of the hypervisor's ELF file.
struct Program {
    /// The address of its first word.
    start: u64,
    /// Where in the file that is.
    offset: usize,
    words: Vec<u32>,
    /// As [`Text::code`].
    code: Vec<Range<usize>>,
    /// Addresses that are free for veneers.
    room: Range<u64>,
}

/// `elf` with erratum 835769 parted, or `None` if it has no such place.
pub fn part(elf: &[u8]) -> Result<Option<Vec<u8>>> {
    let mut program = Program::read(elf)?;
    let places = program.text().multiply_accumulates();
    if places.is_empty() {
        return Ok(None);
    }
    let room = (program.room.end - program.room.start) / VENEER;
    if places.len() as u64 > room {
        let most = format!("{} veneers for Cortex-A53's erratum 835769 do not fit before the vectors", places.len());
        return Err(format!("{most}, where linker/hypervisor.ld leaves room for {room}: place less code there").into());
    }
    for (index, place) in (0..).zip(places) {
        program.part(place, program.room.start + index * VENEER)?;
    }
    let mut parted = elf.to_vec();
    let bytes: Vec<u8> = program.words.iter().flat_map(|word| word.to_le_bytes()).collect();
    parted[program.offset..program.offset + bytes.len()].copy_from_slice(&bytes);
    Ok(Some(parted))
}

/// Where the flat `image`, which was made of `elf` and is linked at 0, has a sequence that Cortex-A53 gets wrong.
pub fn problems(elf: &[u8], image: &[u8]) -> Result<Vec<String>> {
    let mut program = Program::read(elf)?;
    let start = usize::try_from(program.start)?;
    let text = image.get(start..start + program.words.len() * WORD as usize);
    program.words = words(text.ok_or("the image ends within its text")?);
    let text = program.text();
    if text.instructions() == 0 {
        return Err("the image's text holds no instruction".into());
    }
    let wrong = |erratum: u32| move |place: u64| format!("Cortex-A53's erratum {erratum} at offset {place:#x}");
    let problems = text.multiply_accumulates().into_iter().map(wrong(835_769));
    Ok(problems.chain(text.page_addresses().into_iter().map(wrong(843_419))).collect())
}

impl Program {
    fn read(elf: &[u8]) -> Result<Self> {
        let file = object::File::parse(elf)?;
        let mut sections = file.sections().filter(|section| section.kind() == SectionKind::Text);
        let (Some(section), None) = (sections.next(), sections.next()) else {
            return Err("the ELF file has not one section of text".into());
        };
        let (offset, _) = section.file_range().ok_or("the text is not in the ELF file")?;
        let (start, words) = (section.address(), words(section.data()?));
        let symbol = |name: &str| {
            let symbol = file.symbols().find(|symbol| symbol.name() == Ok(name));
            symbol.map(|symbol| symbol.address()).ok_or_else(|| format!("the ELF file has no symbol {name}"))
        };
        let room = symbol("veneers_start")?.next_multiple_of(WORD)..symbol("veneers_end")?;
        let mut marks: Vec<_> =
            file.symbols().filter(|symbol| symbol.section_index() == Some(section.index())).collect();
        marks.sort_by_key(ObjectSymbol::address);
        let marks = marks.iter().filter_map(|symbol| Some((symbol.address(), kind(symbol.name().ok()?)?)));
        let code = rows(marks, start, words.len());
        Ok(Self { start, offset: usize::try_from(offset)?, words, code, room })
    }

    fn text(&self) -> Text<'_> {
        Text { start: self.start, words: &self.words, code: &self.code }
    }

    /// Carries the instruction at `place` out in a veneer.
    fn part(&mut self, place: u64, veneer: u64) -> Result<()> {
        let branch = |from: u64, to: u64| {
            Instruction::branch(to.wrapping_sub(from) as i64).ok_or("a veneer is too far from where it is needed")
        };
        let (there, back) = (branch(place, veneer)?, branch(veneer + WORD, place + WORD)?);
        let index = |address: u64| usize::try_from((address - self.start) / WORD);
        let (place, veneer) = (index(place)?, index(veneer)?);
        self.words.copy_within(place..place + 1, veneer);
        self.words[veneer + 1] = back.0;
        self.words[place] = there.0;
        Ok(())
    }
}

fn words(bytes: &[u8]) -> Vec<u32> {
    bytes.chunks_exact(4).map(|word| u32::from_le_bytes([word[0], word[1], word[2], word[3]])).collect()
}

/// Whether what follows a mapping symbol is instructions or data (ELF for the Arm 64-bit Architecture, 5.5.4); `None` for
/// other symbols.
fn kind(symbol: &str) -> Option<bool> {
    match symbol.split('.').next() {
        Some("$x") => Some(true),
        Some("$d") => Some(false),
        _ => None,
    }
}

/// Rows of instructions, as indexes, among `count` words from `start` on. `marks` say from which addresses on there are
/// instructions or not. Before the first there are.
fn rows(marks: impl Iterator<Item = (u64, bool)>, start: u64, count: usize) -> Vec<Range<usize>> {
    let (mut rows, mut begin) = (Vec::new(), Some(0));
    for (address, is_code) in marks {
        let index = (address.saturating_sub(start) / WORD) as usize;
        match (begin, is_code) {
            (Some(first), false) => {
                rows.push(first..index);
                begin = None;
            }
            (None, true) => begin = Some(index),
            _ => {}
        }
    }
    rows.extend(begin.map(|first| first..count));
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `ldr x5, [x4]`, `madd x0, x1, x2, x3` and `ret`.
    const LOAD: u32 = 0xf940_0085;
    const MADD: u32 = 0x9b02_0c20;
    const RETURN: u32 = 0xd65f_03c0;

    fn program(words: &[u32], room: Range<u64>) -> Program {
        Program {
            start: 0x1000,
            offset: 0,
            words: words.to_vec(),
            code: rows([].into_iter(), 0x1000, words.len()),
            room,
        }
    }

    #[test]
    fn a_veneer_comes_between() {
        let mut program = program(&[LOAD, MADD, RETURN, 0, 0], 0x100c..0x1014);
        assert_eq!(program.text().multiply_accumulates(), [0x1004]);
        program.part(0x1004, 0x100c).unwrap();
        // From 0x1004 to 0x100c, and from 0x1010 to 0x1008.
        assert_eq!(program.words, [LOAD, 0x1400_0002, RETURN, MADD, 0x17ff_fffe]);
        assert_eq!(program.text().multiply_accumulates(), [0; 0]);
    }

    #[test]
    fn marks_tell_code_from_data() {
        let marked = |marks: &[(u64, bool)]| rows(marks.iter().copied(), 0x1000, 8);
        assert_eq!(marked(&[]), [0..8]);
        assert_eq!(marked(&[(0x1000, true), (0x1008, false), (0x1010, true), (0x1014, true)]), [0..2, 4..8]);
        assert_eq!(marked(&[(0x1000, false)]), [0..0]);
        assert_eq!(
            ["$x", "$d", "$x.7", "$d.real", "memcpy", "$t"].map(kind),
            [Some(true), Some(false), Some(true), Some(false), None, None]
        );
    }
}
