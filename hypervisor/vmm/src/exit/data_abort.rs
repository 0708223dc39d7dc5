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
    /// Whether the fault came from a cache maintenance instruction or a stage-1 table walk, neither of which
    /// a device can answer.
    pub indirect: bool,
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
            indirect: cache_maintenance || stage1_walk,
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
        let esr = 0x24 << 26 | 1 << 24 | 5 << 16 | 1 << 6;
        let raw = RawExit { vector: Vector::Synchronous, esr, far: 0x18, hpfar: 0x0900_0000 >> 8 };
        let abort = DataAbort::decode(&raw);
        assert!(abort.write && !abort.indirect);
        assert_eq!(abort.ipa, Ipa::new(0x0900_0018));
        assert_eq!(abort.access.map(|access| (access.size, access.register)), Some((1, 5)));
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
