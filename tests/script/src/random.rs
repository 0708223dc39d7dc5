//! Seeded pseudo-random numbers (xorshift64*, Vigna 2016): the same seed gives the same run.

/// A generator.
#[derive(Debug)]
pub struct Random(u64);

impl Random {
    /// Seeds the generator; 0, the one state it could not leave, is replaced.
    pub fn new(seed: u64) -> Self {
        Self(if seed == 0 { 0x9e37_79b9_7f4a_7c15 } else { seed })
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `bound`, which is not 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.bits() % bound
    }

    /// One of `choices`.
    pub fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len() as u64) as usize]
    }

    /// A number of a shape that breaks things: small, an all-ones mask, a single bit, an alignment edge, or any.
    pub fn nasty(&mut self) -> u64 {
        match self.below(6) {
            0 => self.below(16),
            1 => u64::MAX >> self.below(64),
            2 => 1 << self.below(64),
            3 => (self.bits() & !0xfff).wrapping_sub(self.below(9)),
            4 => self.bits() & 0xffff_ffff,
            _ => self.bits(),
        }
    }
}
