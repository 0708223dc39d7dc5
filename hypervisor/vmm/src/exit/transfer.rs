//! Loads and stores that a syndrome does not describe (ESR_EL2.ISS.ISV is 0), read from their instruction: those of a pair,
//! and those that change their base register (Arm ARM DDI 0487 D19.2.37, "ISV").

use super::data_abort::Access;

/// A load or store of one or two general registers. What is not decoded: exclusives and atomics, of which the outcome at a
/// device is the implementation's to choose; SIMD and floating-point registers, and the stack pointer as base, which no
/// driver has a device's address in; what is CONSTRAINED UNPREDICTABLE (DDI 0487 K1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// The access of the first general register.
    first: Access,
    /// The second, of a pair.
    second: Option<u8>,
    /// The general register with the base address.
    base: u8,
    /// How the address is made, bits 24:23 of a pair, and 11:10 of a single register.
    mode: u32,
    /// From the base address, in bytes.
    immediate: i64,
}

const POST_INDEXED: u32 = 0b01;
const OFFSET: u32 = 0b10;

impl Transfer {
    /// Reads `instruction`, in A64 (DDI 0487 C4.1.94, "Loads and Stores").
    pub fn decode(instruction: u32) -> Option<Self> {
        // Bit 26 is that of SIMD and floating point.
        let transfer = match instruction >> 25 & 0b11111 {
            0b10100 => Self::decode_pair(instruction),
            0b11100 => Self::decode_single(instruction),
            _ => None,
        }?;
        transfer.is_predictable().then_some(transfer)
    }

    /// "Load/store register pair", and "no-allocate pair", which is the same with a hint.
    fn decode_pair(instruction: u32) -> Option<Self> {
        let (kind, write) = (instruction >> 30, instruction & 1 << 22 == 0);
        let (mode, signed) = (instruction >> 23 & 0b11, kind == 0b01);
        if kind == 0b11 || signed && (write || mode == 0) {
            return None;
        }
        let size = 2 + (kind >> 1);
        Some(Self {
            first: Access::described(size, register(instruction), write, signed, kind != 0),
            second: Some(register(instruction >> 10)),
            base: register(instruction >> 5),
            mode: if mode == 0 { OFFSET } else { mode },
            immediate: signed_field(instruction, 15, 7) << size,
        })
    }

    /// "Load/store register", immediate, post-indexed or pre-indexed.
    fn decode_single(instruction: u32) -> Option<Self> {
        // Sign extension is to 64 bits or to 32, and must be to more than there is.
        let (size, kind, mode) = (instruction >> 30, instruction >> 22 & 0b11, instruction >> 10 & 0b11);
        if instruction & (1 << 24 | 1 << 21) != 0 || mode & POST_INDEXED == 0 || kind > 1 && size + kind > 4 {
            return None;
        }
        Some(Self {
            first: Access::described(size, register(instruction), kind == 0, kind > 1, size == 3 || kind == 2),
            second: None,
            base: register(instruction >> 5),
            mode,
            immediate: signed_field(instruction, 12, 9),
        })
    }

    /// Whether the architecture says what it does. Not with the stack pointer as base, for which that does not matter.
    fn is_predictable(&self) -> bool {
        let transfers = |register| self.first.register() == register || self.second == Some(register);
        let loads_twice = !self.first.write() && self.second == Some(self.first.register());
        self.base != 31 && !loads_twice && (self.mode == OFFSET || !transfers(self.base))
    }

    /// The access of the lowest address.
    pub const fn first(&self) -> Access {
        self.first
    }

    /// What is left of a pair behind its first access.
    pub fn rest(self) -> Option<Self> {
        self.second.map(|second| Self { first: self.first.of_register(second), second: None, ..self })
    }

    /// Bytes that it accesses.
    pub fn size(&self) -> u64 {
        u64::from(self.first.size()) << u8::from(self.second.is_some())
    }

    /// The general register with the base address.
    pub const fn base(&self) -> u8 {
        self.base
    }

    /// The first address accessed when the base register holds `base`.
    pub const fn address(&self, base: u64) -> u64 {
        if self.mode == POST_INDEXED { base } else { base.wrapping_add_signed(self.immediate) }
    }

    /// What is written to the base register, which held `base`.
    pub fn written_back(&self, base: u64) -> Option<u64> {
        (self.mode != OFFSET).then_some(base.wrapping_add_signed(self.immediate))
    }
}

/// The register number in the lowest bits.
const fn register(instruction: u32) -> u8 {
    (instruction & 31).to_le_bytes()[0]
}

/// The signed immediate of `width` bits at `position`.
const fn signed_field(instruction: u32, position: u32, width: u32) -> i64 {
    let unused = 32 - width;
    ((instruction >> position << unused).cast_signed() >> unused) as i64
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    /// Size, register, whether it is a store, of each element.
    fn elements(transfer: &Transfer) -> Vec<(u8, u8, bool)> {
        let all = core::iter::successors(Some(*transfer), |transfer| transfer.rest());
        all.map(|it| (it.first().size(), it.first().register(), it.first().write())).collect()
    }

    fn decoded(instruction: u32) -> Transfer {
        Transfer::decode(instruction).unwrap()
    }

    #[test]
    fn a_pair_is_two_accesses() {
        // ldp w1, w2, [x3]
        let pair = decoded(0x2940_0861);
        assert_eq!(elements(&pair), [(4, 1, false), (4, 2, false)]);
        assert_eq!((pair.base(), pair.size()), (3, 8));
        assert_eq!((pair.address(0x100), pair.written_back(0x100)), (0x100, None));
        // stp x1, x2, [x3, #-16]!
        let pair = decoded(0xa9bf_0861);
        assert_eq!(elements(&pair), [(8, 1, true), (8, 2, true)]);
        assert_eq!((pair.address(0x100), pair.written_back(0x100)), (0xf0, Some(0xf0)));
        // ldp x1, xzr, [x3], #504
        let pair = decoded(0xa8df_fc61);
        assert_eq!(elements(&pair), [(8, 1, false), (8, 31, false)]);
        assert_eq!((pair.address(0x100), pair.written_back(0x100)), (0x100, Some(0x100 + 504)));
        // stnp w1, w1, [x3, #-256]
        let pair = decoded(0x2820_0461);
        assert_eq!(elements(&pair), [(4, 1, true), (4, 1, true)]);
        assert_eq!(pair.address(0x100), 0);
    }

    #[test]
    fn a_pair_of_signed_words_fills_its_registers() {
        // ldpsw x1, x2, [x3], #8
        let pair = decoded(0x68c1_0861);
        assert_eq!(elements(&pair), [(4, 1, false), (4, 2, false)]);
        for access in [pair.first(), pair.rest().unwrap().first()] {
            assert_eq!(access.load(0x8000_0000), 0xffff_ffff_8000_0000);
        }
        assert_eq!(pair.written_back(0), Some(8));
    }

    #[test]
    fn a_single_register_changes_its_base() {
        // str w1, [x3], #4; ldr x1, [x3, #-8]!; strb wzr, [x3], #1
        for (instruction, element, address, written_back) in [
            (0xb800_4461, (4, 1, true), 0x100, 0x104),
            (0xf85f_8c61, (8, 1, false), 0xf8, 0xf8),
            (0x3800_147f, (1, 31, true), 0x100, 0x101),
        ] {
            let single = decoded(instruction);
            assert_eq!(elements(&single), [element]);
            assert_eq!((single.address(0x100), single.written_back(0x100)), (address, Some(written_back)));
        }
    }

    #[test]
    fn signed_loads_extend_to_what_they_name() {
        let loaded = |instruction| decoded(instruction).first().load(0x80);
        // ldrsb x1, [x3], #1; ldrsb w1, [x3], #1; ldrb w1, [x3], #1
        assert_eq!([0x3880_1461, 0x38c0_1461, 0x3840_1461].map(loaded), [0xffff_ffff_ffff_ff80, 0xffff_ff80, 0x80]);
        // ldrsh w1, [x3], #2; ldrsw x1, [x3], #4: the widest that extend to so many bits.
        let loaded = |instruction, value| decoded(instruction).first().load(value);
        assert_eq!(loaded(0x78c0_2461, 0x8000), 0xffff_8000);
        assert_eq!(loaded(0xb880_4461, 0x8000_0000), 0xffff_ffff_8000_0000);
    }

    #[test]
    fn what_else_there_is_is_not_decoded() {
        for (instruction, what) in [
            (0xb940_0061, "ldr w1, [x3], which its syndrome describes"),
            (0xb940_0461, "ldr w1, [x3, #4], likewise"),
            (0xb840_4861, "ldtr w1, [x3, #4], which it describes as well"),
            (0x2900_0861 | 1 << 30, "stgp x1, x2, [x3]"),
            (0x6840_0861, "a signed pair without allocation"),
            (0xe940_0861, "a pair of no size"),
            (0x2940_0461, "ldp w1, w1, [x3]"),
            (0x2940_0be1, "ldp w1, w2, [sp]"),
            (0xa8c1_0821, "ldp x1, x2, [x1], #16"),
            (0xb840_4463, "ldr w3, [x3], #4"),
            (0xf8c0_4461, "a prefetch that changes its base"),
            (0xb8c0_4461, "a word whose sign is extended to 32 bits"),
            (0x3c80_1461, "str q1, [x3], #1"),
            (0xad40_0861, "ldp q1, q2, [x3]"),
            (0x885f_7c61, "ldxr w1, [x3]"),
            (0xb821_0062, "ldadd w1, w2, [x3]"),
            (0xf820_0461, "ldraa x1, [x3]"),
            (0xd503_201f, "nop"),
        ] {
            assert_eq!(Transfer::decode(instruction), None, "{what}");
        }
        // What it loads may be its base, as long as it does not change that as well: ldp x1, x3, [x3]
        assert!(Transfer::decode(0xa940_0c61).is_some());
    }
}
