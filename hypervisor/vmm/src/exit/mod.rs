//! Why a guest stopped running. This is the only reader of syndrome bits (Arm ARM DDI 0487 D19.2.37, ESR_EL2).

mod cause;
mod data_abort;
mod inject;
mod system_register;
mod transfer;

pub use cause::{Cause, Counters};
pub use data_abort::{Access, DataAbort, Origin};
pub use inject::{ExceptionEntry, Syndrome, exception_entry};
pub use system_register::{SystemRegister, SystemRegisterAccess};
pub use transfer::Transfer;

use crate::address::Ipa;

/// What the exception vectors saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawExit {
    /// The vector taken.
    pub vector: Vector,
    /// ESR_EL2; meaningless for an interrupt.
    pub esr: u64,
    /// FAR_EL2; meaningful for aborts.
    pub far: u64,
    /// HPFAR_EL2; meaningful for stage-2 faults.
    pub hpfar: u64,
}

/// The four kinds of exception (Arm ARM DDI 0487 D1.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vector {
    /// Caused by an instruction.
    Synchronous,
    /// A physical interrupt.
    Irq,
    /// A physical fast interrupt.
    Fiq,
    /// A system error.
    SystemError,
}

/// A [`Vector`] by its number, as whoever enters a guest gets it: it is told apart when that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VectorNumber(u64);

impl VectorNumber {
    /// The vector `number` of the four for exceptions from a guest, in the order of [`Vector`]; beyond them the last.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Which it is.
    #[inline(always)]
    pub const fn vector(self) -> Vector {
        match self.0 {
            0 => Vector::Synchronous,
            1 => Vector::Irq,
            2 => Vector::Fiq,
            _ => Vector::SystemError,
        }
    }
}

/// Why the guest stopped, decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// A physical interrupt wants the core.
    Interrupt,
    /// HVC with its immediate.
    Hvc(u16),
    /// SMC with its immediate.
    Smc(u16),
    /// MRS or MSR of a trapped register.
    SystemRegister(SystemRegisterAccess),
    /// A load or store, described by its syndrome, of an address where nothing is mapped, and in the order of bytes of devices.
    Access(Ipa, Access),
    /// Any other data access that stage 2 did not allow.
    DataAbort(DataAbort),
    /// An instruction fetch that stage 2 did not allow, from this address.
    InstructionAbort(Ipa),
    /// WFI, where it is trapped.
    Wait,
    /// An instruction of a feature that the guest does not have.
    Undefined,
    /// A system error (an asynchronous external abort).
    SystemError,
    /// An exception class that nothing was configured to send here.
    Unexpected,
}

/// ESR_EL2.EC.
const CLASS: u64 = 0x3f << 26;

/// Exception classes, values of ESR_EL2.EC.
mod class {
    pub const UNKNOWN: u64 = 0x00;
    pub const WAIT: u64 = 0x01;
    pub const COPROCESSOR_FIRST: u64 = 0x03;
    pub const COPROCESSOR_LAST: u64 = 0x0c;
    pub const BRANCH_TARGET: u64 = 0x0d;
    /// MRRS, MSRR and SYSP of FEAT_D128.
    pub const SYSTEM_REGISTER_PAIR: u64 = 0x14;
    pub const HVC: u64 = 0x16;
    pub const SMC: u64 = 0x17;
    pub const SYSTEM_REGISTER: u64 = 0x18;
    pub const SVE: u64 = 0x19;
    pub const SME: u64 = 0x1d;
    pub const INSTRUCTION_ABORT: u64 = 0x20;
    pub const DATA_ABORT: u64 = 0x24;
    pub const SYSTEM_ERROR: u64 = 0x2f;
}

/// Decodes what the vectors saw of a guest with `control` in SCTLR_EL1.
pub fn decode(raw: &RawExit, control: impl FnOnce() -> u64) -> Exit {
    if raw.vector == Vector::Synchronous {
        return decode_synchronous(raw, control);
    }
    if raw.vector == Vector::SystemError { Exit::SystemError } else { Exit::Interrupt }
}

fn decode_synchronous(raw: &RawExit, control: impl FnOnce() -> u64) -> Exit {
    let class = raw.esr >> 26 & 0x3f;
    // The commonest first: each is compared before the others are told apart.
    if class == class::SYSTEM_REGISTER {
        return Exit::SystemRegister(SystemRegisterAccess::decode(raw.esr));
    }
    if class == class::HVC {
        return Exit::Hvc(immediate(raw.esr));
    }
    if let Some(access) = Access::decode(raw.esr, control()) {
        return Exit::Access(fault_address(raw), access);
    }
    match class {
        class::SMC => Exit::Smc(immediate(raw.esr)),
        class::DATA_ABORT => Exit::DataAbort(DataAbort::decode(raw)),
        class::INSTRUCTION_ABORT => Exit::InstructionAbort(fault_address(raw)),
        class::WAIT => Exit::Wait,
        class::UNKNOWN
        | class::COPROCESSOR_FIRST..=class::COPROCESSOR_LAST
        | class::BRANCH_TARGET
        | class::SYSTEM_REGISTER_PAIR
        | class::SVE
        | class::SME => Exit::Undefined,
        class::SYSTEM_ERROR => Exit::SystemError,
        _ => Exit::Unexpected,
    }
}

fn immediate(esr: u64) -> u16 {
    let [low, high, ..] = esr.to_le_bytes();
    u16::from_le_bytes([low, high])
}

/// The faulting address: the page from HPFAR_EL2.FIPA (bits 47:12 of the address stand in bits 43:4), the
/// offset within it from FAR_EL2.
fn fault_address(raw: &RawExit) -> Ipa {
    Ipa::new((raw.hpfar & 0x0fff_ffff_fff0) << 8 | raw.far & 0xfff)
}

/// An exception class in words, for the one message that stops a guest.
pub fn describe(raw: &RawExit) -> &'static str {
    if raw.vector == Vector::SystemError {
        return "system error";
    }
    match raw.esr >> 26 & 0x3f {
        class::HVC => "hypervisor call",
        class::SMC => "secure monitor call",
        class::SYSTEM_REGISTER => "system register access",
        class::DATA_ABORT if raw.esr & 1 << 6 != 0 => "write to an address that is not its own",
        class::DATA_ABORT => "read from an address that is not its own",
        class::INSTRUCTION_ABORT => "instruction fetch from an address that is not its own",
        class::WAIT => "wait for interrupt",
        _ => "unexpected exception",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(raw: &RawExit) -> Exit {
        super::decode(raw, || 0)
    }

    fn synchronous(esr: u64) -> RawExit {
        RawExit { vector: Vector::Synchronous, esr, far: 0xffff_0000_0000_0123, hpfar: 0x0900_0000 >> 8 }
    }

    #[test]
    fn every_syndrome_decodes_without_a_panic() {
        for class in 0..64u64 {
            for low in 0..25 {
                decode(&synchronous(class << 26 | 1 << low));
                describe(&synchronous(class << 26 | 1 << low));
            }
        }
    }

    #[test]
    fn the_class_is_told_in_words_whatever_else_the_syndrome_says() {
        // IL and all of the ISS but WnR (bit 6), and ISS2 above the class (bits 55:32).
        let others = 0x00ff_ffff_0000_0000 | 0x03ff_ffbf;
        let told = |class: u64, also| describe(&synchronous(class << 26 | others | also));
        for (class, words) in [
            (0x01, "wait"),
            (0x16, "hypervisor call"),
            (0x17, "secure monitor call"),
            (0x18, "system register"),
            (0x20, "instruction fetch"),
            (0x24, "read"),
            (0x3f, "unexpected"),
        ] {
            assert!(told(class, 0).starts_with(words), "{class:#x} is told as {:?}", told(class, 0));
        }
        assert!(told(0x24, 1 << 6).starts_with("write") && describe(&synchronous(0x24 << 26)).starts_with("read"));
        // What the syndrome says of a system error is not looked at.
        let error = RawExit { vector: Vector::SystemError, ..synchronous(0x16 << 26) };
        assert_eq!(describe(&error), "system error");
    }

    #[test]
    fn vectors_are_numbered_in_their_order() {
        for vector in [Vector::Synchronous, Vector::Irq, Vector::Fiq, Vector::SystemError] {
            assert_eq!(VectorNumber::new(vector as u64).vector(), vector);
        }
    }

    #[test]
    fn vectors_and_classes_are_told_apart() {
        let by = |vector| decode(&RawExit { vector, ..synchronous(0x16 << 26) });
        assert_eq!([Vector::Irq, Vector::Fiq].map(by), [Exit::Interrupt; 2]);
        assert_eq!(by(Vector::SystemError), Exit::SystemError);
        let class = |class: u64| decode(&synchronous(class << 26));
        assert_eq!([0x01, 0x2f, 0x3f].map(class), [Exit::Wait, Exit::SystemError, Exit::Unexpected]);
        assert!(matches!(class(0x18), Exit::SystemRegister(_)) && matches!(class(0x24), Exit::DataAbort(_)));
        let described = decode(&synchronous(0x24 << 26 | 1 << 24 | 0b00_0111));
        assert!(matches!(described, Exit::Access(ipa, _) if ipa == Ipa::new(0x0900_0123)));
    }

    #[test]
    fn what_may_be_big_endian_is_told_apart() {
        let raw = synchronous(0x24 << 26 | 1 << 24 | 0b00_0111);
        for bit in 0..64 {
            let exit = super::decode(&raw, || 1 << bit);
            let is_access = matches!(exit, Exit::DataAbort(abort) if abort.access().is_some());
            assert_eq!(is_access, bit == 24 || bit == 25, "bit {bit}");
        }
    }

    #[test]
    fn calls_carry_their_immediate() {
        assert_eq!(decode(&synchronous(0x16 << 26 | 0x1234)), Exit::Hvc(0x1234));
        assert_eq!(decode(&synchronous(0x17 << 26)), Exit::Smc(0));
    }

    #[test]
    fn a_fault_address_joins_page_and_offset() {
        assert_eq!(decode(&synchronous(0x20 << 26)), Exit::InstructionAbort(Ipa::new(0x0900_0123)));
    }

    #[test]
    fn features_that_the_guest_lacks_are_undefined() {
        for class in [0x00, 0x07, 0x14, 0x19, 0x1d] {
            assert_eq!(decode(&synchronous(class << 26)), Exit::Undefined, "{class:#x}");
        }
    }
}
