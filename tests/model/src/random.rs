//! A small generator of pseudo-random numbers, so that a seed names a run for ever.

/// SplitMix64 (Steele, Lea and Flood, OOPSLA 2014), or what a fuzzing engine chose and, behind that, SplitMix64.
#[derive(Clone, Debug)]
pub struct Random {
    state: u64,
    /// The last is the next.
    chosen: Vec<u8>,
}

impl Random {
    /// The sequence named `seed`.
    pub const fn new(seed: u64) -> Self {
        Self { state: seed, chosen: Vec::new() }
    }

    /// A sequence that begins with choices made by `bytes`: each takes as many of them as it has outcomes to tell apart, so
    /// that an engine that changes one byte changes one choice.
    pub fn chosen(bytes: &[u8]) -> Self {
        Self { state: 0, chosen: bytes.iter().rev().copied().collect() }
    }

    /// How many bytes of choices are left.
    pub fn left(&self) -> usize {
        self.chosen.len()
    }

    /// The next `count` bytes chosen, at most 8; `None` if so many are not left.
    fn take(&mut self, count: usize) -> Option<u64> {
        let start = self.chosen.len().checked_sub(count)?;
        Some(self.chosen.drain(start..).fold(0, |number, byte| number << 8 | u64::from(byte)))
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        if let Some(chosen) = self.take(8) {
            return chosen;
        }
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A byte.
    pub fn byte(&mut self) -> u8 {
        self.bits().to_le_bytes()[0]
    }

    /// A number below `limit`, which is not 0.
    pub fn below(&mut self, limit: u64) -> u64 {
        let bytes = (u64::BITS - (limit - 1).leading_zeros()).div_ceil(8).max(1) as usize;
        self.take(bytes).unwrap_or_else(|| self.bits()) % limit
    }

    /// `true` once in `times` on average.
    pub fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// One of `choices`, which are not none.
    pub fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }
}
