//! Seeds for the guests' random numbers, made of the one that the firmware passes in its tree (dt-schema `chosen.yaml`:
//! `rng-seed`, `kaslr-seed`). From what a guest was given nobody learns what another was, or the firmware's own.

use crate::fdt::Tree;
use core::fmt;

/// Seeds of a guest: `kaslr-seed`, and `rng-seed` of 32 bytes.
pub type GuestSeeds = [u64; 5];

/// A secret of the machine, of which the guests' seeds are made; zero if there is none.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Seed(u128);

impl Seed {
    /// Everything that the firmware's `tree` has for random numbers.
    pub fn read(tree: &Tree) -> Self {
        let mut seed = Self::default();
        let chosen = tree.view().find("/chosen");
        for name in &["rng-seed", "kaslr-seed"] {
            if let Some(property) = chosen.and_then(|chosen| chosen.property(name)) {
                seed.absorb(property.value);
            }
        }
        seed
    }

    /// Mixes `bytes` in. Zeroes, which stand where a seed was used up before, are none.
    fn absorb(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u128::from(*byte);
        }
    }

    /// The seeds of the VM number `vm` (below 256) for the `start`th time that it starts: others each time. Zeroes if
    /// the machine has no secret.
    pub fn of_guest(&self, vm: u64, start: u64) -> GuestSeeds {
        let mut seeds = GuestSeeds::default();
        if self.0 != 0 {
            for (seed, index) in seeds.iter_mut().zip(0..) {
                *seed = self.hash(start << 16 | vm << 8 | index);
            }
        }
        seeds
    }

    /// SipHash-2-4 of the 8 bytes of `message` (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012): who
    /// does not know the key cannot tell it from random numbers.
    fn hash(&self, message: u64) -> u64 {
        let [key_0, key_1] = [(self.0 & 0xffff_ffff_ffff_ffff) as u64, (self.0 >> 64) as u64];
        let mut state = [
            key_0 ^ 0x736f_6d65_7073_6575,
            key_1 ^ 0x646f_7261_6e64_6f6d,
            key_0 ^ 0x6c79_6765_6e65_7261,
            key_1 ^ 0x7465_6462_7974_6573,
        ];
        // The last word holds the length of the message.
        for word in &[message, 8 << 56] {
            state[3] ^= *word;
            rounds(&mut state, 2);
            state[0] ^= *word;
        }
        state[2] ^= 0xff;
        rounds(&mut state, 4);
        state[0] ^ state[1] ^ state[2] ^ state[3]
    }
}

fn rounds([a, b, c, d]: &mut [u64; 4], count: u32) {
    for _ in 0..count {
        *a = a.wrapping_add(*b);
        *b = b.rotate_left(13) ^ *a;
        *a = a.rotate_left(32);
        *c = c.wrapping_add(*d);
        *d = d.rotate_left(16) ^ *c;
        *a = a.wrapping_add(*d);
        *d = d.rotate_left(21) ^ *a;
        *c = c.wrapping_add(*b);
        *b = b.rotate_left(17) ^ *c;
        *c = c.rotate_left(32);
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Nothing of it: messages and the log are no secrets.
        formatter.write_str("Seed")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u8; 16] = [15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0];

    fn of(bytes: &[u8]) -> Seed {
        let mut seed = Seed::default();
        seed.absorb(bytes);
        seed
    }

    #[test]
    #[allow(deprecated, reason = "the standard library's hasher is SipHash-2-4 by its documentation, and an oracle")]
    fn a_hash_is_the_one_of_the_paper() {
        use core::hash::{Hasher, SipHasher};
        for message in [0, u64::MAX, 0x0123_4567_89ab_cdef] {
            let mut oracle = SipHasher::new_with_keys(0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908);
            oracle.write(&u64::to_le_bytes(message));
            assert_eq!(of(&KEY).hash(message), oracle.finish());
        }
    }

    #[test]
    fn no_two_seeds_of_guests_are_alike() {
        let seeds = |vm, start| of(&KEY).of_guest(vm, start);
        let mut all: alloc::vec::Vec<u64> =
            (0..4).flat_map(|vm| (0..4).flat_map(move |start| seeds(vm, start))).collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 4 * 4 * 5);
        assert_eq!(seeds(1, 2), seeds(1, 2));
    }

    #[test]
    fn every_byte_counts_and_zeroes_are_no_seed() {
        assert_eq!((of(&[]).of_guest(1, 1), of(&[0; 40]).of_guest(1, 1)), ([0; 5], [0; 5]));
        for place in 0..40 {
            let mut bytes = [7; 40];
            bytes[place] ^= 1;
            assert_ne!(of(&bytes), of(&[7; 40]), "{place}");
        }
        assert_eq!(alloc::format!("{:?}", of(&KEY)), "Seed");
    }
}
