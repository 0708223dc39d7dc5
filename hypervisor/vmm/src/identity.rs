//! What a guest learns about its processor: the identification registers, less the features that are not
//! switched between guests (Arm ARM DDI 0487 D19.1 and D19.2, ID_AA64*).

use crate::exit::SystemRegister;

/// Registers S3_0_C0_C1_0 to S3_0_C0_C7_7, by CRm and then op2.
pub const COUNT: usize = 56;

/// The identification registers of a processor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity([u64; COUNT]);

/// Fields to be shown as 0: CRm and op2 of the register that holds them, and their bits.
static HIDDEN: [(u8, u8, u64); 8] = [
    // PFR0: EL2, EL3, RAS, SVE, SEL2, MPAM, AMU, RME.
    (4, 0, fields(&[8, 12, 28, 32, 36, 40, 44, 52])),
    // PFR1: MTE, RAS_frac, MPAM_frac, SME, RNDR_trap, CSV2_frac, NMI, MTE_frac, GCS, THE, MTEX, DF2, PFAR.
    (4, 1, fields(&[8, 12, 16, 24, 28, 32, 36, 40, 44, 48, 52, 56, 60])),
    // ISAR0: TME, RNDR.
    (6, 0, fields(&[24, 60])),
    // ISAR1: SPECRES, XS, LS64.
    (6, 1, fields(&[40, 56, 60])),
    // ISAR2: MOPS and everything above PAC_frac that needs enabling at EL2.
    (6, 2, fields(&[16, 32, 36, 40, 44, 48, 56, 60])),
    // MMFR0: ExS, FGT, ECV.
    (7, 0, fields(&[44, 56, 60])),
    // MMFR1: VH, LO, TWED, HCX.
    (7, 1, fields(&[8, 16, 32, 40])),
    // MMFR2: NV, FWB, EVT.
    (7, 2, fields(&[24, 40, 56])),
];
/// Registers that a guest sees as 0 whole, a bit each: PFR2, ZFR0, SMFR0, FPFR0, DFR1, DFR2, AFR0, AFR1, ISAR3, MMFR3,
/// MMFR4.
const HIDDEN_REGISTERS: u64 =
    registers(&[(4, 2), (4, 4), (4, 5), (4, 7), (5, 1), (5, 2), (5, 4), (5, 5), (6, 3), (7, 3), (7, 4)]);
/// ID_AA64DFR0_EL1 of a guest: Armv8 debug with the least that is allowed, two breakpoints and two watchpoints
/// with one that matches contexts, and no monitors, profiling or trace.
const DEBUG: u64 = 6 | 1 << 12 | 1 << 20;
/// ID_DFR0_EL1 likewise: Armv8 debug, nothing else.
const DEBUG_32: u64 = 6;
/// ID_AA64MMFR0_EL1.PARange: at most 40 bits, because a guest's address space has no more.
const MOST_PHYSICAL_BITS: u64 = 2;

impl Identity {
    /// What a guest sees of the processor with the registers `hardware`; `gic_v3`: it has GICv3's system registers.
    pub fn for_guest(hardware: [u64; COUNT], gic_v3: bool) -> Self {
        let mut identity = Self(hardware);
        for (crm, op2, hidden) in &HIDDEN {
            identity.change(*crm, *op2, *hidden, 0);
        }
        for (index, value) in identity.0.iter_mut().enumerate() {
            if HIDDEN_REGISTERS >> index & 1 != 0 {
                *value = 0;
            }
        }
        identity.change(5, 0, u64::MAX, DEBUG);
        identity.change(1, 2, u64::MAX, DEBUG_32);
        identity.limit(7, 0, 0, MOST_PHYSICAL_BITS);
        // CSV2 above 1 promises SCXTNUM_ELx, which is not switched.
        identity.limit(4, 0, 56, 1);
        // EL1 is AArch64 only: this guest was started so.
        identity.change(4, 0, fields(&[4]), 1 << 4);
        if !gic_v3 {
            identity.change(4, 0, fields(&[24]), 0);
            identity.change(1, 1, fields(&[28]), 0);
        }
        identity
    }

    /// Lowers the field at bit `low` of a register to at most `most`.
    fn limit(&mut self, crm: u8, op2: u8, low: u32, most: u64) {
        let field = self.0.get(index(crm, op2)).map_or(0, |value| value >> low & 0xf);
        self.change(crm, op2, 0xf << low, field.min(most) << low);
    }

    /// Clears the bits `clear` of a register and sets the bits `set`.
    fn change(&mut self, crm: u8, op2: u8, clear: u64, set: u64) {
        if let Some(value) = self.0.get_mut(index(crm, op2)) {
            *value = *value & !clear | set;
        }
    }

    /// The value of `register`, if it is an identification register. Reserved ones read as zero.
    pub fn read(&self, register: SystemRegister) -> Option<u64> {
        match register.fields() {
            (3, 0, 0, crm @ 1..=7, op2) => {
                let index = (crm - 1) * 8 + op2;
                self.0.get(usize::from(index)).copied()
            }
            _ => None,
        }
    }
}

/// The bits of the four-bit fields with these lowest bits.
const fn fields(mut lows: &[u32]) -> u64 {
    let mut bits = 0;
    while let [low, rest @ ..] = lows {
        bits |= 0xf << *low;
        lows = rest;
    }
    bits
}

/// A bit for each of `registers`, given by CRm and op2.
const fn registers(mut registers: &[(u8, u8)]) -> u64 {
    let mut bits = 0;
    while let [(crm, op2), rest @ ..] = registers {
        bits |= 1 << index(*crm, *op2);
        registers = rest;
    }
    bits
}

const fn index(crm: u8, op2: u8) -> usize {
    (crm as usize - 1) * 8 + op2 as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(identity: &Identity, crm: u8, op2: u8) -> u64 {
        identity.read(SystemRegister::new(3, 0, 0, crm, op2)).unwrap()
    }

    #[test]
    fn what_is_not_switched_is_not_shown() {
        let identity = Identity::for_guest([u64::MAX; COUNT], true);
        assert_eq!(read(&identity, 4, 0), 0xf10f_0000_0fff_001f & !(0xf << 8) | 0xf << 24 | 0xf << 16 | 0xf << 20);
        assert_eq!(read(&identity, 5, 0), DEBUG);
        assert!([(4, 2), (4, 4), (5, 5), (7, 4)].iter().all(|(crm, op2)| read(&identity, *crm, *op2) == 0));
        assert_eq!(read(&identity, 1, 2), DEBUG_32);
        assert_eq!(read(&identity, 7, 1), 0xffff_f0f0_fff0_f0ff);
        assert_eq!(read(&identity, 6, 0) >> 60, 0);
        assert_eq!(read(&identity, 7, 0) & 0xf, 2);
    }

    #[test]
    fn a_gicv2_guest_sees_no_gicv3_registers() {
        let identity = Identity::for_guest([u64::MAX; COUNT], false);
        assert_eq!(read(&identity, 4, 0) >> 24 & 0xf, 0);
    }

    #[test]
    fn other_registers_are_not_answered() {
        let identity = Identity::for_guest([0; COUNT], true);
        assert_eq!(identity.read(SystemRegister::new(3, 0, 0, 0, 0)), None);
        assert_eq!(identity.read(SystemRegister::new(3, 0, 1, 0, 0)), None);
    }
}
