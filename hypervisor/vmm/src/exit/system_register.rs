//! Trapped MRS and MSR.

use core::fmt;

/// A system register by its encoding, op0.op1.CRn.CRm.op2 (Arm ARM DDI 0487 C5.3), in the order of
/// ESR_EL2.ISS: op0.op2.op1.CRn.CRm.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SystemRegister(u16);

impl SystemRegister {
    /// The register `S<op0>_<op1>_C<crn>_C<crm>_<op2>`.
    pub const fn new(op0: u8, op1: u8, crn: u8, crm: u8, op2: u8) -> Self {
        Self((op0 as u16) << 14 | (op2 as u16) << 11 | (op1 as u16) << 8 | (crn as u16) << 4 | crm as u16)
    }

    /// The five fields op0, op1, CRn, CRm, op2.
    pub const fn fields(self) -> (u16, u16, u16, u16, u16) {
        (self.0 >> 14, self.0 >> 8 & 7, self.0 >> 4 & 15, self.0 & 15, self.0 >> 11 & 7)
    }
}

impl fmt::Debug for SystemRegister {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (op0, op1, crn, crm, op2) = self.fields();
        write!(formatter, "S{op0}_{op1}_C{crn}_C{crm}_{op2}")
    }
}

/// One trapped access, as ESR_EL2.ISS describes it (Arm ARM DDI 0487 D19.2.37, exception class 0x18). What that says is
/// read when it is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SystemRegisterAccess(u64);

impl SystemRegisterAccess {
    pub(super) const fn decode(esr: u64) -> Self {
        Self(esr)
    }

    /// The register.
    pub const fn register(self) -> SystemRegister {
        SystemRegister(((self.0 >> 10 & 0xfff) as u16) << 4 | (self.0 >> 1 & 0xf) as u16)
    }

    /// Whether it is a write to `register`.
    #[inline(always)]
    pub const fn writes(self, register: SystemRegister) -> bool {
        const REGISTER_AND_DIRECTION: u64 = 0xfff << 10 | 0x1f;
        self.0 & REGISTER_AND_DIRECTION == (register.0 as u64 >> 4) << 10 | (register.0 as u64 & 0xf) << 1
    }

    /// Whether it is MSR, a write; else MRS.
    pub const fn write(self) -> bool {
        self.0 & 1 == 0
    }

    /// The general register moved from or to, 31 for XZR.
    pub const fn transfer(self) -> u8 {
        (self.0 >> 5 & 31) as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_register_is_its_five_fields() {
        // The largest of each (op0 has two bits, CRn and CRm four), and CNTPCT_EL0, S3_3_C14_C0_1.
        for (op0, op1, crn, crm, op2) in [(3, 7, 15, 15, 7), (3, 3, 14, 0, 1), (2, 0, 0, 4, 2), (3, 0, 12, 11, 5)] {
            let fields = SystemRegister::new(op0, op1, crn, crm, op2).fields();
            assert_eq!(fields, (op0.into(), op1.into(), crn.into(), crm.into(), op2.into()));
        }
    }

    #[test]
    fn an_access_is_decoded_field_by_field() {
        // MRS X7, CNTPCT_EL0 = S3_3_C14_C0_1.
        let esr = 0x18 << 26 | 3 << 20 | 1 << 17 | 3 << 14 | 14 << 10 | 7 << 5 | 1;
        let access = SystemRegisterAccess::decode(esr);
        assert_eq!(access.register(), SystemRegister::new(3, 3, 14, 0, 1));
        assert!(!access.write());
        assert_eq!(access.transfer(), 7);
        assert!(!access.writes(access.register()));
        let write = SystemRegisterAccess::decode(esr & !1);
        assert!(write.write());
        assert!(write.writes(access.register()));
        assert!(
            !write.writes(SystemRegister::new(3, 3, 14, 0, 0)) && !write.writes(SystemRegister::new(3, 3, 14, 1, 1))
        );
    }
}
