//! Loads and stores that stage 2 did not allow.

use super::{RawExit, fault_address};
use crate::address::Ipa;

/// A data abort from a guest (Arm ARM DDI 0487 D19.2.37, "ISS encoding for an exception from a Data Abort").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DataAbort {
    /// The address accessed.
    pub ipa: Ipa,
    /// Whether it was a store.
    pub write: bool,
    /// The access, if the syndrome describes it (ISV); pairs and post-indexed forms are not described.
    pub access: Option<Access>,
    /// What made the access.
    pub origin: Origin,
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

/// A single-register load or store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// Bytes: 1, 2, 4 or 8.
    pub size: u8,
    /// The register loaded or stored, 31 for XZR.
    pub register: u8,
    /// A load extends its sign.
    pub sign_extend: bool,
    /// A load fills a 64-bit register; else bits 63:32 become zero.
    pub sixty_four: bool,
}

/// DFSC without the level.
const TRANSLATION: u64 = 0b0001;
const ACCESS_FLAG: u64 = 0b0010;
const PERMISSION: u64 = 0b0011;

impl DataAbort {
    pub(super) fn decode(raw: &RawExit) -> Self {
        let bit = |position: u32| raw.esr >> position & 1 != 0;
        let (valid, cache_maintenance, stage1_walk) = (bit(24), bit(8), bit(7));
        let access = Access {
            size: 1 << (raw.esr >> 22 & 3),
            register: (raw.esr >> 16).to_le_bytes().first().map_or(31, |byte| byte & 31),
            sign_extend: bit(21),
            sixty_four: bit(15),
        };
        Self {
            ipa: fault_address(raw),
            write: bit(6),
            access: valid.then_some(access),
            origin: match raw.esr >> 2 & 0b1111 {
                TRANSLATION | ACCESS_FLAG if cache_maintenance => Origin::CacheMaintenance,
                TRANSLATION | ACCESS_FLAG | PERMISSION if stage1_walk => Origin::TableWalk,
                TRANSLATION | ACCESS_FLAG => Origin::Instruction,
                _ => Origin::Other,
            },
        }
    }
}

impl Access {
    /// The bits of `value` that a store of this size puts on the bus.
    pub fn store(&self, value: u64) -> u64 {
        value & self.mask()
    }

    /// The register's value after a load of this size got `value` from the bus.
    pub fn load(&self, value: u64) -> u64 {
        let unused = 64 - u32::from(self.size) * 8;
        let narrow = value & self.mask();
        if !self.sign_extend {
            return narrow;
        }
        let extended = ((narrow << unused) as i64 >> unused) as u64;
        if self.sixty_four { extended } else { extended & 0xffff_ffff }
    }

    fn mask(&self) -> u64 {
        u64::MAX >> (64 - u32::from(self.size) * 8)
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
        assert!(abort.write && abort.origin == Origin::Instruction);
        assert_eq!(abort.ipa, Ipa::new(0x0900_0018));
        assert_eq!(abort.access.map(|access| (access.size, access.register)), Some((1, 5)));
    }

    #[test]
    fn the_address_is_known_only_where_a_translation_is_missing() {
        let origin = |status: u64| {
            let raw = RawExit { vector: Vector::Synchronous, esr: 0x24 << 26 | status, far: 0, hpfar: 0x9000 };
            DataAbort::decode(&raw).origin
        };
        assert_eq!(origin(0b00_0110), Origin::Instruction);
        assert_eq!(origin(0b10_0001), Origin::Other, "alignment");
        assert_eq!(origin(0b11_0000), Origin::Other, "TLB conflict");
        assert_eq!(origin(0b00_0111 | 1 << 8), Origin::CacheMaintenance);
        assert_eq!(origin(0b00_0111 | 1 << 7), Origin::TableWalk);
    }

    #[test]
    fn loads_extend_as_the_instruction_says() {
        let signed = Access { size: 1, register: 0, sign_extend: true, sixty_four: false };
        assert_eq!(signed.load(0x180), 0xffff_ff80);
        assert_eq!(Access { sixty_four: true, ..signed }.load(0x80), 0xffff_ffff_ffff_ff80);
        assert_eq!(Access { sign_extend: false, ..signed }.load(0x180), 0x80);
        assert_eq!(Access { size: 8, ..signed }.store(u64::MAX), u64::MAX);
    }
}
