//! Exceptions that a guest takes at its own EL1, as the processor would have delivered them.

/// PSTATE.M: EL1 with SP_EL1.
const MODE_EL1H: u64 = 0b0101;
/// PSTATE.DAIF, all masked.
const DAIF: u64 = 0xf << 6;
/// The condition flags, which an exception leaves alone.
const NZCV: u64 = 0xf << 28;
const PAN: u64 = 1 << 22;
const SSBS: u64 = 1 << 12;
const DIT: u64 = 1 << 24;
/// SCTLR_EL1.SPAN: PAN is left alone on an exception.
const SCTLR_SPAN: u64 = 1 << 23;
/// SCTLR_EL1.DSSBS: value of SSBS on an exception.
const SCTLR_DSSBS: u64 = 1 << 44;

/// What ESR_EL1 and FAR_EL1 will say of an exception.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Syndrome {
    /// An UNDEFINED instruction: class 0.
    Undefined,
    /// A synchronous external abort on a data access (DFSC 0b010000) to the virtual address `far`.
    DataAbort {
        /// The virtual address, FAR_EL1.
        far: u64,
        /// Whether it was a store.
        write: bool,
    },
    /// A synchronous external abort on an instruction fetch from the virtual address `far`.
    InstructionAbort {
        /// The virtual address, FAR_EL1.
        far: u64,
    },
}

impl Syndrome {
    /// ESR_EL1 for this exception taken from PSTATE `pstate` (Arm ARM DDI 0487 D19.2.37): a lower level has
    /// exception classes of its own, and IL is set because every instruction here is four bytes long.
    pub fn esr(self, pstate: u64) -> u64 {
        let same_level = u64::from(pstate & 0b1100 != 0);
        const IL: u64 = 1 << 25;
        const EXTERNAL: u64 = 0b01_0000;
        match self {
            Self::Undefined => IL,
            Self::InstructionAbort { .. } => (0x20 + same_level) << 26 | IL | EXTERNAL,
            Self::DataAbort { write, .. } => (0x24 + same_level) << 26 | IL | u64::from(write) << 6 | EXTERNAL,
        }
    }

    /// FAR_EL1, where the exception writes it.
    pub fn far(self) -> Option<u64> {
        match self {
            Self::Undefined => None,
            Self::DataAbort { far, .. } | Self::InstructionAbort { far } => Some(far),
        }
    }
}

/// Where a synchronous exception to EL1 goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExceptionEntry {
    /// The vector's address.
    pub pc: u64,
    /// PSTATE in the handler.
    pub pstate: u64,
}

/// The entry of a synchronous exception taken to EL1 using AArch64 from PSTATE `pstate`
/// (Arm ARM DDI 0487 D1.3.6; AArch64.TakeException in the pseudocode).
pub fn exception_entry(pstate: u64, vbar_el1: u64, sctlr_el1: u64) -> ExceptionEntry {
    let from_aarch32 = pstate & 0b1_0000 != 0;
    let offset = match pstate & 0b1111 {
        _ if from_aarch32 => 0x600,
        0b0000 => 0x400,
        0b0100 => 0x000,
        _ => 0x200,
    };
    let mut entry = MODE_EL1H | DAIF | pstate & (NZCV | PAN | DIT);
    if sctlr_el1 & SCTLR_SPAN == 0 {
        entry |= PAN;
    }
    if sctlr_el1 & SCTLR_DSSBS != 0 {
        entry |= SSBS;
    }
    ExceptionEntry { pc: (vbar_el1 & !0x7ff).wrapping_add(offset), pstate: entry }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vector_follows_the_level_and_the_stack() {
        let vector = |pstate| exception_entry(pstate, 0x8_0000, SCTLR_SPAN).pc - 0x8_0000;
        assert_eq!([vector(0b0100), vector(0b0101), vector(0b0000), vector(0b1_0000)], [0, 0x200, 0x400, 0x600]);
    }

    #[test]
    fn pan_is_set_unless_the_guest_asked_otherwise() {
        assert_eq!(exception_entry(0b0101, 0, SCTLR_SPAN).pstate & PAN, 0);
        assert_eq!(exception_entry(0b0101, 0, 0).pstate & PAN, PAN);
    }

    #[test]
    fn flags_stay_and_what_belongs_to_the_interrupted_code_does_not() {
        // NZCV, DIT, UAO, IL, SS, BTYPE.
        let pstate = 0xf << 28 | DIT | 1 << 23 | 1 << 20 | 1 << 21 | 3 << 10 | 0b0101;
        assert_eq!(exception_entry(pstate, 0, SCTLR_SPAN).pstate, 0xf << 28 | DIT | DAIF | MODE_EL1H);
    }

    /// SPSR_EL1 (Arm ARM DDI 0487 C5.2) and SCTLR_EL1 (D19.2) in numbers, since the code's names are on trial.
    #[test]
    fn bits_of_the_state_stand_where_the_architecture_has_them() {
        let (spectre_safe, keep_pan) = (1 << 44, 1 << 23);
        let entered = |pstate, sctlr_el1| exception_entry(pstate, 0, sctlr_el1).pstate;
        // All masked (bits 9:6), EL1 with its own stack.
        assert_eq!(entered(0, keep_pan), 0x3c5);
        // N, Z, C, V, DIT and PAN stay; SSBS becomes what SCTLR_EL1 says, whatever it was.
        assert_eq!(entered(0xf140_1005, keep_pan), 0xf140_03c5);
        assert_eq!(entered(0xf140_1005, keep_pan | spectre_safe), 0xf140_13c5);
        assert_eq!(entered(0x0140_0005, 0), 0x0140_03c5);
        assert_eq!(entered(0x6000_0000, spectre_safe), 0x6040_13c5);
    }

    /// ESR_EL1 (DDI 0487 D19.2.37): the class in bits 31:26, one more at the same level; IL is bit 25; WnR bit 6; the status
    /// of a synchronous external abort is 0b010000.
    #[test]
    fn a_syndrome_says_what_happened_and_at_which_level() {
        const USER: u64 = 0b0000;
        for (syndrome, from_user, from_kernel) in [
            (Syndrome::Undefined, 0x0200_0000, 0x0200_0000),
            (Syndrome::InstructionAbort { far: 0 }, 0x8200_0010, 0x8600_0010),
            (Syndrome::DataAbort { far: 0, write: false }, 0x9200_0010, 0x9600_0010),
            (Syndrome::DataAbort { far: 0, write: true }, 0x9200_0050, 0x9600_0050),
        ] {
            assert_eq!(syndrome.esr(USER), from_user, "{syndrome:?}");
            for kernel in [0b0100, 0b0101] {
                assert_eq!(syndrome.esr(kernel), from_kernel, "{syndrome:?}");
            }
        }
    }

    #[test]
    fn an_abort_has_an_address_and_an_undefined_instruction_none() {
        let far = 0xffff_0000_1234_5678;
        assert_eq!(Syndrome::DataAbort { far, write: true }.far(), Some(far));
        assert_eq!(Syndrome::InstructionAbort { far }.far(), Some(far));
        assert_eq!(Syndrome::Undefined.far(), None);
    }
}
