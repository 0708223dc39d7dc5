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
        bits(self.summary).flat_map(|index| {
            let word = self.words.get(index as usize).copied().unwrap_or(0);
            bits(word).map(move |bit| index * FIRST_SHARED + bit)
        })
    }
}

/// The positions of the ones in `word`, in ascending order.
pub fn bits(mut word: u32) -> impl Iterator<Item = u32> {
    core::iter::from_fn(move || {
        let bit = word.trailing_zeros();
        word &= word.checked_sub(1)?;
        Some(bit)
    })
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
