//! System registers by name (Arm ARM DDI 0487 D19.2, GICv3 IHI 0069 12.2), and what a trapped access looks like.

use bulkhead_vmm::exit::SystemRegister;

macro_rules! registers {
    ($($name:ident = $op0:literal, $op1:literal, $crn:literal, $crm:literal, $op2:literal;)*) => {
        $(
            #[allow(missing_docs, reason = "named after the register")]
            pub const $name: SystemRegister = SystemRegister::new($op0, $op1, $crn, $crm, $op2);
        )*
    };
}

registers! {
    MPIDR_EL1 = 3, 0, 0, 0, 5;
    ID_AA64PFR0_EL1 = 3, 0, 0, 4, 0;
    SPSR_EL1 = 3, 0, 4, 0, 0;
    ELR_EL1 = 3, 0, 4, 0, 1;
    ESR_EL1 = 3, 0, 5, 2, 0;
    FAR_EL1 = 3, 0, 6, 0, 0;
    VBAR_EL1 = 3, 0, 12, 0, 0;
    TPIDR_EL1 = 3, 0, 13, 0, 4;
    TPIDR_EL0 = 3, 3, 13, 0, 2;
    CONTEXTIDR_EL1 = 3, 0, 13, 0, 1;
    PMCR_EL0 = 3, 3, 9, 12, 0;
    CNTVCT_EL0 = 3, 3, 14, 0, 2;
    CNTPCT_EL0 = 3, 3, 14, 0, 1;
    CNTV_CTL_EL0 = 3, 3, 14, 3, 1;
    CNTV_CVAL_EL0 = 3, 3, 14, 3, 2;
    CNTP_TVAL_EL0 = 3, 3, 14, 2, 0;
    CNTP_CTL_EL0 = 3, 3, 14, 2, 1;
    CNTP_CVAL_EL0 = 3, 3, 14, 2, 2;
    ICC_PMR_EL1 = 3, 0, 4, 6, 0;
    ICC_DIR_EL1 = 3, 0, 12, 11, 1;
    ICC_SGI1R_EL1 = 3, 0, 12, 11, 5;
    ICC_IAR1_EL1 = 3, 0, 12, 12, 0;
    ICC_EOIR1_EL1 = 3, 0, 12, 12, 1;
    ICC_CTLR_EL1 = 3, 0, 12, 12, 4;
    ICC_IGRPEN1_EL1 = 3, 0, 12, 12, 7;
}

/// ESR_EL2 of a trapped MRS or MSR (exception class 0x18).
pub fn syndrome(register: SystemRegister, write: bool, transfer: u8) -> u64 {
    let (op0, op1, crn, crm, op2) = register.fields();
    let field = |value: u16, shift: u32| u64::from(value) << shift;
    const IL: u64 = 1 << 25;
    0x18 << 26
        | IL
        | field(op0, 20)
        | field(op2, 17)
        | field(op1, 14)
        | field(crn, 10)
        | u64::from(transfer) << 5
        | field(crm, 1)
        | u64::from(!write)
}
