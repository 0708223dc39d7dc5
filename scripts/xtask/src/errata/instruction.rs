//! As much of A64's encodings (Arm ARM DDI 0487 C4.1) as the errata of Cortex-A53 take.

/// An instruction word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instruction(pub u32);

/// The zero register, which nothing depends on.
const ZERO: u32 = 31;

impl Instruction {
    /// Whether the bits of the word that `mask` has are those of `value`.
    const fn is(self, mask: u32, value: u32) -> bool {
        self.0 & mask == value
    }

    /// The five bits from `position` on, a register's number.
    const fn register(self, position: u32) -> u32 {
        self.0 >> position & 31
    }

    /// Whether it is of the class of loads and stores (C4.1.94), where prefetches are, too.
    pub const fn is_memory_access(self) -> bool {
        self.is(0x0a00_0000, 0x0800_0000)
    }

    /// The registers that a 64-bit multiply-accumulate reads: MADD, MSUB, SMADDL, SMSUBL, UMADDL, UMSUBL (C4.1.95.13).
    /// Where the accumulator is the zero register it is a plain multiplication, and none.
    pub fn multiply_accumulate(self) -> Option<[u32; 3]> {
        let is_one = self.is(0xff00_0000, 0x9b00_0000) && matches!(self.0 >> 21 & 0b111, 0b000 | 0b001 | 0b101);
        let read = [self.register(5), self.register(16), self.register(10)];
        (is_one && read[2] != ZERO).then_some(read)
    }

    /// Whether it loads any of the general `registers` from memory. Of the loads only the plain ones are known: literals,
    /// pairs, and those of one register.
    pub fn loads_one_of(self, registers: &[u32]) -> bool {
        let has = |register: u32| register != ZERO && registers.contains(&register);
        let (first, second) = (self.register(0), self.register(10));
        // C4.1.94.20: PRFM has opc 0b11.
        let literal = self.is(0x3f00_0000, 0x1800_0000) && self.0 >> 30 != 0b11;
        // C4.1.94.22 to 25: bit 22 is L.
        let pair = self.is(0x3e40_0000, 0x2840_0000);
        (literal || pair || self.loads_single()) && has(first) || pair && has(second)
    }

    /// LDR and its like of one general register (C4.1.94.26 to 32), but for atomics, which share the encoding's group.
    fn loads_single(self) -> bool {
        let (size, operation) = (self.0 >> 30, self.0 >> 22 & 0b11);
        let group = self.is(0x3e00_0000, 0x3800_0000) && !self.is(0x0120_0c00, 0x0020_0000);
        // 0b00 is a store, and 0b10 a prefetch where the size is of 64 bits.
        group && operation != 0b00 && (size, operation) != (0b11, 0b10)
    }

    /// The register that an ADRP writes.
    pub fn page_address(self) -> Option<u32> {
        self.is(0x9f00_0000, 0x9000_0000).then(|| self.register(0))
    }

    /// The base register of a load or store with an unsigned offset (C4.1.94.32).
    pub fn unsigned_offset_base(self) -> Option<u32> {
        self.is(0x3b00_0000, 0x3900_0000).then(|| self.register(5))
    }

    /// A branch of `distance` bytes, which is a multiple of 4 (C6.2.26). `None` if it does not reach so far.
    pub fn branch(distance: i64) -> Option<Self> {
        const REACH: i64 = 1 << 27;
        (distance % 4 == 0 && (-REACH..REACH).contains(&distance))
            .then(|| Self(0x1400_0000 | (distance / 4) as u32 & 0x03ff_ffff))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loads_stores_and_prefetches_are_one_class() {
        // ldr x0, [x1]; str q0, [x1]; stp x0, x1, [sp, #-16]!; ldxr x0, [x1]; ldar w0, [x1]; prfm pldl1keep, [x1];
        // ldr x0, #8; ldadd x0, x1, [x2]; ld1 {v0.2d}, [x0]
        let accesses = [
            0xf940_0020,
            0x3d80_0020,
            0xa9bf_07e0,
            0xc85f_7c20,
            0x88df_fc20,
            0xf980_0020,
            0x5800_0040,
            0xf820_0041,
            0x4c40_7c00,
        ];
        assert!(accesses.iter().all(|word| Instruction(*word).is_memory_access()));
        // nop; add x0, x1, x2; madd x0, x1, x2, x3; b .; fadd d0, d1, d2; mrs x0, midr_el1; udf #0
        let others = [0xd503_201f, 0x8b02_0020, 0x9b02_0c20, 0x1400_0000, 0x1e62_2820, 0xd538_0000, 0];
        assert!(!others.iter().any(|word| Instruction(*word).is_memory_access()));
    }

    #[test]
    fn multiplications_accumulate_unless_they_add_to_zero() {
        // madd, msub, smaddl, smsubl, umaddl, umsubl x0, x1 or w1, x2 or w2, x3
        for word in [0x9b02_0c20, 0x9b02_8c20, 0x9b22_0c20, 0x9b22_8c20, 0x9ba2_0c20, 0x9ba2_8c20] {
            assert_eq!(Instruction(word).multiply_accumulate(), Some([1, 2, 3]), "{word:#x}");
        }
        // mul x0, x1, x2; umull; smulh; umulh; madd w0, w1, w2, w3; nop
        for word in [0x9b02_7c20, 0x9ba2_7c20, 0x9b42_7c20, 0x9bc2_7c20, 0x1b02_0c20, 0xd503_201f] {
            assert_eq!(Instruction(word).multiply_accumulate(), None, "{word:#x}");
        }
    }

    #[test]
    fn what_is_loaded_is_known_of_plain_loads_alone() {
        let loads = |word: u32, register: u32| Instruction(word).loads_one_of(&[register]);
        // ldr x5, [x1]; ldr w5, [x1, #4]!; ldrsb x5, [x1], #1; ldr x5, [x1, x2]; ldur x5, [x1]; ldr x5, #8;
        // ldrsw x5, #8; ldrsh w5, [x1]; ldtr x5, [x1]
        for word in [
            0xf940_0025,
            0xb840_4c25,
            0x3880_1425,
            0xf862_6825,
            0xf840_0025,
            0x5800_0045,
            0x9800_0045,
            0x79c0_0025,
            0xf840_0825,
        ] {
            assert!(loads(word, 5) && !loads(word, 1) && !loads(word, 31), "{word:#x}");
        }
        // ldp x5, x6, [x1]; ldpsw x5, x6, [x1], #8; ldnp x5, x6, [x1]
        for word in [0xa940_1825, 0x68c1_1825, 0xa840_1825] {
            assert!(loads(word, 5) && loads(word, 6) && !loads(word, 1), "{word:#x}");
        }
        // str x5, [x1]; stp x5, x5, [x1]; prfm #5, [x1]; prfm #5, #8; prfum #5, [x1]; ldr d5, [x1]; ldp d5, d6, [x1];
        // ldr s5, #8; swp x6, x5, [x1]; ldaddal x6, x5, [x1]; ldxr x5, [x1]; ldr xzr, [x1]
        for word in [
            0xf900_0025,
            0xa900_1425,
            0xf980_0025,
            0xd800_0045,
            0xf880_0025,
            0xfd40_0025,
            0x6d40_1825,
            0x1c00_0045,
            0xf826_8025,
            0xf8e6_0025,
            0xc85f_7c25,
            0xf940_003f,
        ] {
            assert!(!loads(word, 5) && !loads(word, 31), "{word:#x}");
        }
    }

    #[test]
    fn pages_bases_and_branches() {
        // adrp x3, .; adr x3, .; ldr x0, [x3, #8]; ldr x0, [x3, #8]!; str q0, [x3]
        assert_eq!([0x9000_0003, 0x1000_0003].map(|word| Instruction(word).page_address()), [Some(3), None]);
        let base = |word| Instruction(word).unsigned_offset_base();
        assert_eq!([0xf940_0460, 0xf840_8c60, 0x3d80_0060].map(base), [Some(3), None, Some(3)]);
        assert_eq!(Instruction::branch(8), Some(Instruction(0x1400_0002)));
        assert_eq!(Instruction::branch(-4), Some(Instruction(0x17ff_ffff)));
        assert_eq!([2, 1 << 27, -(1 << 27) - 4].map(Instruction::branch), [None; 3]);
    }
}
