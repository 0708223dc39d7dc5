//! Sequences of instructions that Cortex-A53 gets wrong.

use super::instruction::Instruction;
use std::ops::Range;

/// Bytes of an instruction.
const WORD: u64 = 4;
const PAGE: u64 = 4096;

/// Text: words at addresses from `start` on, of which `code` are instructions and the others are data.
pub struct Text<'a> {
    /// The address of the first, a multiple of 4.
    pub start: u64,
    /// The words.
    pub words: &'a [u32],
    /// Indexes of instructions, in rows without data between.
    pub code: &'a [Range<usize>],
}

impl Text<'_> {
    /// The rows of instructions, each with its first one's address.
    fn rows(&self) -> impl Iterator<Item = (u64, Vec<Instruction>)> {
        self.code.iter().filter_map(|range| {
            let words = self.words.get(range.clone())?;
            Some((self.start + range.start as u64 * WORD, words.iter().copied().map(Instruction).collect()))
        })
    }

    /// How many instructions there are.
    pub fn instructions(&self) -> usize {
        self.rows().map(|(_, row)| row.len()).sum()
    }

    /// Erratum 835769: addresses of 64-bit multiply-accumulates that directly follow a load, store or prefetch. One that
    /// needs what was just loaded waits for that and is right; if that cannot be told for sure, it is listed.
    pub fn multiply_accumulates(&self) -> Vec<u64> {
        let is_wrong = |pair: &[Instruction]| {
            let read = pair[1].multiply_accumulate();
            pair[0].is_memory_access() && read.is_some_and(|read| !pair[0].loads_one_of(&read))
        };
        let of_row = |(start, row): (u64, Vec<Instruction>)| {
            let wrong = row.windows(2).enumerate().filter(|(_, pair)| is_wrong(pair));
            wrong.map(|(index, _)| start + (index as u64 + 1) * WORD).collect::<Vec<_>>()
        };
        self.rows().flat_map(of_row).collect()
    }

    /// Erratum 843419: addresses of ADRPs in one of the last two words of a page before a load or store and, next or next
    /// but one, another that has an unsigned offset from the ADRP's register. More than the erratum takes, which excludes
    /// some of the second and third instructions.
    pub fn page_addresses(&self) -> Vec<u64> {
        let is_wrong = |row: &[Instruction]| {
            let register = row.first().and_then(|first| first.page_address());
            let uses = |index: usize| row.get(index).and_then(|it| it.unsigned_offset_base()) == register;
            register.is_some() && row.get(1).is_some_and(|it| it.is_memory_access()) && (uses(2) || uses(3))
        };
        let of_row = |(start, row): (u64, Vec<Instruction>)| {
            let places = (0..row.len()).map(|index| (start + index as u64 * WORD, index));
            let at_end = places.filter(|(address, _)| address % PAGE >= PAGE - 2 * WORD);
            at_end.filter(|(_, index)| is_wrong(&row[*index..])).map(|(address, _)| address).collect::<Vec<_>>()
        };
        self.rows().flat_map(of_row).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOP: u32 = 0xd503_201f;
    /// `madd x0, x1, x2, x3`
    const MADD: u32 = 0x9b02_0c20;
    /// `ldr x5, [x4]`
    const LOAD: u32 = 0xf940_0085;

    fn multiply_accumulates(words: &[u32]) -> Vec<u64> {
        Text { start: 0x1000, words, code: &[0..words.len()] }.multiply_accumulates()
    }

    #[test]
    fn a_multiply_accumulate_must_not_follow_an_access() {
        // str x0, [x4]; prfm pldl1keep, [x4]; ldp x5, x6, [x4]; str q0, [x4]; ldr d1, [x4]; ldar x1, [x4]
        for access in [LOAD, 0xf900_0080, 0xf980_0080, 0xa940_1885, 0x3d80_0080, 0xfd40_0081, 0xc8df_fc81] {
            assert_eq!(multiply_accumulates(&[NOP, access, MADD]), [0x1008], "{access:#x}");
            assert_eq!(multiply_accumulates(&[access, NOP, MADD]), [0; 0], "{access:#x}");
        }
        assert_eq!(multiply_accumulates(&[LOAD, MADD, LOAD, MADD]), [0x1004, 0x100c]);
        assert_eq!(multiply_accumulates(&[LOAD, 0x9b02_7c20, MADD, MADD]), [0; 0], "mul");
    }

    #[test]
    fn one_that_needs_what_was_loaded_may() {
        // ldr x1, [x4]; ldr w2, [x4]; ldr x3, #8; ldp x5, x3, [x4]
        for access in [0xf940_0081, 0xb940_0082, 0x5800_0043, 0xa940_0c85] {
            assert_eq!(multiply_accumulates(&[access, MADD]), [0; 0], "{access:#x}");
        }
        // ldr x5, [x1], #8: what depends is the address; str x1, [x4]; madd x0, xzr, x2, x3 after ldr xzr, [x4]
        for pair in [[0xf840_8425, MADD], [0xf900_0081, MADD], [0xf940_009f, 0x9b02_0fe0]] {
            assert_eq!(multiply_accumulates(&pair), [0x1004], "{pair:x?}");
        }
    }

    #[test]
    fn data_are_no_instructions() {
        let text =
            |code: &[Range<usize>]| Text { start: 0, words: &[LOAD, MADD, LOAD, MADD], code }.multiply_accumulates();
        assert_eq!(text(&[0..1, 1..2]), [0; 0]);
        assert_eq!(text(&[0..1, 2..4]), [12]);
    }

    #[test]
    fn a_page_address_at_the_end_of_a_page() {
        // adrp x3, .; ldr x0, [x3, #8]; add x3, x3, #8
        const ADRP: u32 = 0x9000_0003;
        const USE: u32 = 0xf940_0460;
        let found = |start, words: &[u32]| Text { start, words, code: &[0..words.len()] }.page_addresses();
        for start in [0x1ff8, 0x1ffc] {
            assert_eq!(found(start, &[ADRP, LOAD, USE]), [start]);
            assert_eq!(found(start, &[ADRP, LOAD, NOP, USE]), [start]);
            assert_eq!(found(start, &[ADRP, NOP, USE, NOP]), [0; 0]);
            assert_eq!(found(start, &[ADRP, LOAD, 0x9100_2063, NOP, USE]), [0; 0]);
            assert_eq!(found(start, &[ADRP, LOAD]), [0; 0]);
        }
        assert_eq!(found(0x1ff0, &[NOP, ADRP, LOAD, USE]), [0; 0]);
        assert_eq!(found(0x1ff0, &[NOP, NOP, ADRP, LOAD, USE]), [0x1ff8]);
    }
}
