//! Trapped MRS and MSR.

use core::fmt;

/// A system register by its encoding, op0.op1.CRn.CRm.op2 (Arm ARM DDI 0487 C5.3).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SystemRegister(u16);

impl SystemRegister {
    /// The register `S<op0>_<op1>_C<crn>_C<crm>_<op2>`.
    pub const fn new(op0: u8, op1: u8, crn: u8, crm: u8, op2: u8) -> Self {
        Self((op0 as u16) << 14 | (op1 as u16) << 11 | (crn as u16) << 7 | (crm as u16) << 3 | op2 as u16)
    }

    /// The five fields op0, op1, CRn, CRm, op2.
    pub fn fields(self) -> (u16, u16, u16, u16, u16) {
        (self.0 >> 14 & 3, self.0 >> 11 & 7, self.0 >> 7 & 15, self.0 >> 3 & 15, self.0 & 7)
    }
}

impl fmt::Debug for SystemRegister {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (op0, op1, crn, crm, op2) = self.fields();
        write!(formatter, "S{op0}_{op1}_C{crn}_C{crm}_{op2}")
    }
}

/// One trapped access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SystemRegisterAccess {
    /// The register.
    pub register: SystemRegister,
    /// MSR, a write; else MRS.
    pub write: bool,
    /// The general register moved from or to, 31 for XZR.
    pub transfer: u8,
}

impl SystemRegisterAccess {
    /// From ESR_EL2 with exception class 0x18 (Arm ARM DDI 0487 D19.2.37).
    pub(super) fn decode(esr: u64) -> Self {
        let field = |shift: u32, mask: u64| (esr >> shift & mask).to_le_bytes().first().copied().unwrap_or(0);
        let register = SystemRegister::new(field(20, 3), field(14, 7), field(10, 15), field(1, 15), field(17, 7));
        Self { register, write: esr & 1 == 0, transfer: field(5, 31) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_access_is_decoded_field_by_field() {
        // MRS X7, CNTPCT_EL0 = S3_3_C14_C0_1.
        let esr = 0x18 << 26 | 3 << 20 | 1 << 17 | 3 << 14 | 14 << 10 | 7 << 5 | 1;
        let access = SystemRegisterAccess::decode(esr);
        assert_eq!(access.register, SystemRegister::new(3, 3, 14, 0, 1));
        assert!(!access.write);
        assert_eq!(access.transfer, 7);
    }
}
