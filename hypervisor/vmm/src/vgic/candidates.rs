//! The set of interrupts that want a list register of one vCPU: those it could be signalled and those active on
//! it. Kept as bits, so that nothing ever scans all INTIDs.

use super::FIRST_SHARED;

const WORDS: usize = 32;

/// A set of INTIDs below 1024.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidates {
    words: [u32; WORDS],
    /// Bit n: word n is not zero.
    summary: u32,
}

impl Candidates {
    /// No interrupt.
    pub const EMPTY: Self = Self { words: [0; WORDS], summary: 0 };

    /// Adds (`true`) or removes `intid`.
    pub fn set(&mut self, intid: u32, member: bool) {
        let index = intid / FIRST_SHARED;
        let Some(word) = self.words.get_mut(index as usize) else { return };
        let bit = 1 << (intid % FIRST_SHARED);
        *word = if member { *word | bit } else { *word & !bit };
        let summary = self.summary & !(1 << index);
        self.summary = summary | u32::from(*word != 0) << index;
    }

    /// The members, in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = u32> {
        Members { words: &self.words, rest: Bits(self.summary), base: 0, word: Bits(0) }
    }
}

/// What is left of a set's members. Flatter than `flat_map`, of which much is left in the code.
struct Members<'s> {
    words: &'s [u32; WORDS],
    /// Words that are still to be looked at.
    rest: Bits,
    /// The first INTID of `word`.
    base: u32,
    word: Bits,
}

impl Iterator for Members<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        loop {
            if let Some(bit) = self.word.next() {
                return Some(self.base + bit);
            }
            let index = self.rest.next()?;
            self.base = index * FIRST_SHARED;
            self.word = Bits(*self.words.get(index as usize)?);
        }
    }
}

/// The positions of the ones in `word`, in ascending order.
pub const fn bits(word: u32) -> Bits {
    Bits(word)
}

/// What [`bits`] has still to give.
#[derive(Clone, Copy, Debug)]
pub struct Bits(u32);

impl Iterator for Bits {
    type Item = u32;

    // A handful of instructions, in the path of every interrupt.
    #[inline(always)]
    fn next(&mut self) -> Option<u32> {
        let bit = self.0.trailing_zeros();
        self.0 &= self.0.checked_sub(1)?;
        Some(bit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn members_come_in_order_and_go() {
        let mut set = Candidates::EMPTY;
        for intid in [1019, 0, 31, 32, 64] {
            set.set(intid, true);
        }
        set.set(32, false);
        set.set(33, false);
        set.set(4096, true);
        assert_eq!(set.iter().collect::<Vec<_>>(), [0, 31, 64, 1019]);
        for intid in [0, 31, 64, 1019] {
            set.set(intid, false);
        }
        assert_eq!(set, Candidates::EMPTY);
    }
}
