//! Loads and stores that stage 2 did not allow.

use super::{CLASS, RawExit, class, fault_address};
use crate::address::Ipa;
use crate::vcpu::{BIG_ENDIAN_AT_EL0, BIG_ENDIAN_AT_EL1};

/// A data abort from a guest that is no [`Access`], or one of a guest that may be big-endian (Arm ARM DDI 0487 D19.2.37, "ISS encoding for an exception from a
/// Data Abort"). What its syndrome says is read when it is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DataAbort {
    /// The address accessed.
    pub ipa: Ipa,
    /// ESR_EL2.
    syndrome: u64,
}

/// What made an access that stage 2 did not allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A load or a store.
    Instruction,
    /// Cache maintenance by address, which does nothing where there is no memory.
    CacheMaintenance,
    /// A walk of the guest's own tables.
    TableWalk,
    /// A fault of another kind than a missing translation, such as alignment: the address is not known
    /// (HPFAR_EL2 is not valid).
    Other,
}

/// A single-register load or store of what is not mapped, as ESR_EL2 describes it (ISV); pairs and post-indexed forms are
/// not described.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access(u64);

/// DFSC without the level.
const TRANSLATION: u64 = 0b0001;
const ACCESS_FLAG: u64 = 0b0010;
const STATUS: u64 = 0b1111 << 2;
const PERMISSION: u64 = 0b0011;

/// ESR_EL2.ISS of a data abort.
const VALID: u64 = 1 << 24;
const SIGN_EXTEND: u64 = 1 << 21;
const SIXTY_FOUR: u64 = 1 << 15;
const CACHE_MAINTENANCE: u64 = 1 << 8;
const STAGE_1_WALK: u64 = 1 << 7;
const WRITE: u64 = 1 << 6;

impl DataAbort {
    pub(super) fn decode(raw: &RawExit) -> Self {
        Self { ipa: fault_address(raw), syndrome: raw.esr }
    }

    /// Whether it was a store.
    pub const fn write(&self) -> bool {
        self.syndrome & WRITE != 0
    }

    /// The load or store that it is, if its syndrome describes one.
    pub const fn access(&self) -> Option<Access> {
        Access::decode(self.syndrome, 0)
    }

    /// What made the access.
    pub const fn origin(&self) -> Origin {
        match self.syndrome >> 2 & 0b1111 {
            // First: an address translation instruction (AT) whose walk faults is told as cache maintenance, too.
            TRANSLATION | ACCESS_FLAG | PERMISSION if self.syndrome & STAGE_1_WALK != 0 => Origin::TableWalk,
            TRANSLATION | ACCESS_FLAG if self.syndrome & CACHE_MAINTENANCE != 0 => Origin::CacheMaintenance,
            TRANSLATION | ACCESS_FLAG => Origin::Instruction,
            _ => Origin::Other,
        }
    }
}

impl Access {
    /// What the syndrome `esr` describes, if it describes one and SCTLR_EL1, `control`, says that it is little-endian
    /// whether at EL1 (EE) or at EL0 (E0E).
    #[inline(always)]
    pub(super) const fn decode(esr: u64, control: u64) -> Option<Self> {
        const BIG_ENDIAN: u64 = BIG_ENDIAN_AT_EL1 | BIG_ENDIAN_AT_EL0;
        const WHAT: u64 = CLASS | VALID | CACHE_MAINTENANCE | STAGE_1_WALK | STATUS;
        // Both are asked at once: that is an instruction less than one after the other.
        let is_described = esr & WHAT == class::DATA_ABORT << 26 | VALID | TRANSLATION << 2;
        if is_described & (control & BIG_ENDIAN == 0) { Some(Self(esr)) } else { None }
    }

    /// One of `1 << size` bytes (`size` is 0 to 3) of the general register `register`, with what a load does beyond them:
    /// whether it extends the sign, and whether to 64 bits.
    pub(super) const fn described(size: u32, register: u8, write: bool, signed: bool, wide: bool) -> Self {
        let flags = (write as u64) << WRITE.trailing_zeros()
            | (signed as u64) << SIGN_EXTEND.trailing_zeros()
            | (wide as u64) << SIXTY_FOUR.trailing_zeros();
        Self(flags | (size as u64 & 3) << 22 | (register as u64 & 31) << 16)
    }

    /// The same of another general register.
    pub(super) const fn of_register(self, register: u8) -> Self {
        Self(self.0 & !(31 << 16) | (register as u64 & 31) << 16)
    }

    /// Whether it is a store.
    pub const fn write(self) -> bool {
        self.0 & WRITE != 0
    }

    /// Bytes: 1, 2, 4 or 8.
    pub const fn size(self) -> u8 {
        1 << (self.0 >> 22 & 3)
    }

    /// The register loaded or stored, 31 for XZR.
    pub const fn register(self) -> u8 {
        (self.0 >> 16 & 31) as u8
    }

    /// The bits of `value` that a store of this size puts on the bus.
    pub const fn store(self, value: u64) -> u64 {
        value & self.mask()
    }

    /// The register's value after a load of this size got `value` from the bus, which is no wider than that.
    #[inline(always)]
    pub const fn load(self, value: u64) -> u64 {
        debug_assert!(value & !self.mask() == 0, "a device answers with as many bytes as it is asked for");
        if self.0 & SIGN_EXTEND == 0 { value } else { self.load_extended(value) }
    }

    #[inline(never)]
    const fn load_extended(self, value: u64) -> u64 {
        let extended = ((value << self.unused()) as i64 >> self.unused()) as u64;
        // A load may fill a 64-bit register (SF); else bits 63:32 become zero.
        if self.0 & SIXTY_FOUR != 0 { extended } else { extended & 0xffff_ffff }
    }

    /// The bytes of `value` that it moves in the other order, and nothing else.
    pub const fn reverse(self, value: u64) -> u64 {
        value.swap_bytes() >> self.unused()
    }

    /// The bits of 64 that it does not move.
    const fn unused(self) -> u32 {
        64 - self.size() as u32 * 8
    }

    const fn mask(self) -> u64 {
        u64::MAX >> self.unused()
    }
}

#[cfg(test)]
mod tests {
    use super::super::Vector;
    use super::*;

    #[test]
    fn a_store_of_one_byte_is_described() {
        let esr = 0x24 << 26 | 1 << 24 | 5 << 16 | 1 << 6 | 0b00_0111;
        let raw = RawExit { vector: Vector::Synchronous, esr, far: 0x18, hpfar: 0x0900_0000 >> 8 };
        let abort = DataAbort::decode(&raw);
        assert!(abort.write() && abort.origin() == Origin::Instruction);
        assert_eq!(abort.ipa, Ipa::new(0x0900_0018));
        assert_eq!(
            Access::decode(esr, 0).map(|access| (access.write(), access.size(), access.register())),
            Some((true, 1, 5))
        );
    }

    #[test]
    fn a_load_and_a_store_are_told_apart() {
        let write = |esr| DataAbort::decode(&RawExit { vector: Vector::Synchronous, esr, far: 0, hpfar: 0 }).write();
        // All of the syndrome but WnR, bit 6.
        assert_eq!([write(0x9200_0007), write(0x93ff_ffbf), write(0x9200_0040)], [false, false, true]);
    }

    #[test]
    fn a_store_puts_as_many_bytes_on_the_bus_as_it_has() {
        let stored =
            [0, 1, 2, 3].map(|size| Access::described(size, 0, true, false, false).store(0x0123_4567_89ab_cdef));
        assert_eq!(stored, [0xef, 0xcdef, 0x89ab_cdef, 0x0123_4567_89ab_cdef]);
    }

    #[test]
    fn the_address_is_known_only_where_a_translation_is_missing() {
        let origin = |status: u64| {
            let raw = RawExit { vector: Vector::Synchronous, esr: 0x24 << 26 | status, far: 0, hpfar: 0x9000 };
            DataAbort::decode(&raw).origin()
        };
        assert_eq!(origin(0b00_0110), Origin::Instruction);
        assert_eq!(origin(0b10_0001), Origin::Other, "alignment");
        assert_eq!(origin(0b11_0000), Origin::Other, "TLB conflict");
        assert_eq!(origin(0b00_0111 | 1 << 8), Origin::CacheMaintenance);
        assert_eq!(origin(0b00_0111 | 1 << 7), Origin::TableWalk);
        assert_eq!(origin(0b00_0111 | 1 << 7 | 1 << 8), Origin::TableWalk, "AT, of which a walk faults");
    }

    #[test]
    fn only_a_described_load_or_store_of_what_is_not_mapped_is_an_access() {
        let is_access = |syndrome| Access::decode(class::DATA_ABORT << 26 | syndrome, 0).is_some();
        assert!(is_access(VALID | 0b00_0101) && is_access(VALID | WRITE | SIGN_EXTEND | 0b00_0111));
        assert!(Access::decode(class::INSTRUCTION_ABORT << 26 | VALID | 0b00_0111, 0).is_none());
        for other in [0b00_0111, VALID | 0b00_1111, VALID | 0b10_0001] {
            assert!(!is_access(other), "{other:#x}");
        }
        assert!(!is_access(VALID | STAGE_1_WALK | 0b00_0111) && !is_access(VALID | CACHE_MAINTENANCE | 0b00_0111));
    }

    #[test]
    fn loads_extend_as_the_instruction_says() {
        let signed = Access(SIGN_EXTEND);
        assert_eq!(signed.load(0x80), 0xffff_ff80);
        assert_eq!(Access(SIGN_EXTEND | SIXTY_FOUR).load(0x80), 0xffff_ffff_ffff_ff80);
        assert_eq!(Access(0).load(0x80), 0x80);
        assert_eq!(Access(SIGN_EXTEND | 3 << 22).store(u64::MAX), u64::MAX);
    }

    #[test]
    fn the_bytes_of_an_access_are_reversed_alone() {
        let reversed =
            [0, 1, 2, 3].map(|size| Access::described(size, 0, false, false, false).reverse(0x0123_4567_89ab_cdef));
        assert_eq!(reversed, [0xef, 0xefcd, 0xefcd_ab89, 0xefcd_ab89_6745_2301]);
    }
}
