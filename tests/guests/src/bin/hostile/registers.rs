//! Random reads and writes of system registers by encoding, and random system instructions.

use bulkhead_guests::Machine;
use bulkhead_guests::instruction::{self, Encoding};
use bulkhead_guests::random::Random;

pub fn act(random: &mut Random, _: &Machine) -> bool {
    let register = encoding(random);
    let value = random.nasty();
    match random.below(3) {
        0 if register.op0 >= 2 && keeps_us_running(register) => instruction::write(register, value).is_err(),
        1 => maintain(random),
        _ => instruction::read(Encoding { op0: register.op0 | 2, ..register }).is_err(),
    }
}

/// Registers that exist on some machine or other, as (op0, op1, CRn, CRm, op2).
const KNOWN: [(u32, u32, u32, u32, u32); 36] = [
    (3, 0, 0, 0, 0),   // MIDR_EL1
    (3, 0, 0, 4, 0),   // ID_AA64PFR0_EL1
    (3, 0, 0, 5, 0),   // ID_AA64DFR0_EL1
    (3, 0, 5, 2, 0),   // ESR_EL1
    (3, 0, 6, 0, 0),   // FAR_EL1
    (3, 0, 5, 1, 0),   // AFSR0_EL1
    (3, 0, 7, 4, 0),   // PAR_EL1
    (3, 0, 10, 2, 0),  // MAIR_EL1
    (3, 0, 10, 3, 0),  // AMAIR_EL1
    (3, 0, 12, 8, 0),  // ICC_IAR0_EL1
    (3, 0, 12, 8, 3),  // ICC_BPR0_EL1
    (3, 0, 12, 9, 0),  // ICC_AP1R0_EL1
    (3, 0, 12, 11, 1), // ICC_DIR_EL1
    (3, 0, 12, 11, 3), // ICC_RPR_EL1
    (3, 0, 12, 11, 5), // ICC_SGI1R_EL1
    (3, 0, 12, 12, 0), // ICC_IAR1_EL1
    (3, 0, 12, 12, 1), // ICC_EOIR1_EL1
    (3, 0, 12, 12, 4), // ICC_CTLR_EL1
    (3, 0, 12, 12, 5), // ICC_SRE_EL1
    (3, 0, 4, 6, 0),   // ICC_PMR_EL1
    (3, 0, 14, 1, 0),  // CNTKCTL_EL1
    (3, 3, 14, 0, 0),  // CNTFRQ_EL0
    (3, 3, 14, 2, 0),  // CNTP_TVAL_EL0
    (3, 3, 14, 2, 2),  // CNTP_CVAL_EL0
    (3, 3, 14, 3, 1),  // CNTV_CTL_EL0
    (3, 3, 14, 3, 2),  // CNTV_CVAL_EL0
    (3, 3, 9, 12, 0),  // PMCR_EL0
    (3, 3, 14, 8, 0),  // PMEVCNTR0_EL0
    (3, 3, 13, 0, 2),  // TPIDR_EL0
    (3, 0, 1, 0, 1),   // ACTLR_EL1
    (3, 0, 9, 9, 0),   // PMSCR_EL1
    (3, 0, 9, 11, 0),  // TRBLIMITR_EL1
    (3, 0, 10, 4, 4),  // MPAMIDR_EL1
    (2, 0, 0, 2, 2),   // MDSCR_EL1
    (2, 0, 1, 1, 4),   // OSLSR_EL1
    (2, 1, 0, 0, 1),   // TRCTRACEIDR
];

/// Half of the time a register that exists or one beside it, else anything.
fn encoding(random: &mut Random) -> Encoding {
    if random.below(2) == 0 {
        let &(op0, op1, crn, crm, op2) = random.pick(&KNOWN);
        return Encoding::new(op0, op1, crn, crm, (op2 + random.below(2) as u32) & 7);
    }
    let crn = random.below(16) as u32;
    Encoding::new(
        2 + random.below(2) as u32,
        random.below(8) as u32,
        crn,
        random.below(16) as u32,
        random.below(8) as u32,
    )
}

/// Whether a random value in the register leaves the guest itself able to go on. Left out: SCTLR, TTBR and TCR (CRn 1
/// and 2), VBAR and RMR, TPIDR_EL1 (our index), the PSTATE fields (CRn 4: SPSel would change the stack) and debug
/// state, which would stop us at every instruction.
fn keeps_us_running(register: Encoding) -> bool {
    let fields = (register.op0, register.op1, register.crn, register.crm);
    !matches!(fields, (2, ..) | (_, _, 1 | 2 | 4, _) | (3, 0, 12 | 13, 0))
}

/// Cache, TLB and address translation instructions with a random operand; not DC ZVA and its kin, which write memory.
fn maintain(random: &mut Random) -> bool {
    let crn = *random.pick(&[7, 7, 8, 8, 9, 11, 15]);
    let mut operation = Encoding::new(1, random.below(8) as u32, crn, random.below(16) as u32, random.below(8) as u32);
    if operation.crn == 7 && operation.crm == 4 {
        operation.crm = 5;
    }
    instruction::write(operation, random.nasty()).is_err()
}
