//! The ones in a word, one after the other.

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
    fn ones_come_in_order() {
        assert_eq!(bits(0x8000_0105).collect::<Vec<_>>(), [0, 2, 8, 31]);
        assert_eq!(bits(0).count(), 0);
    }
}
