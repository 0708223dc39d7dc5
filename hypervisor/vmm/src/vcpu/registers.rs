//! The registers of a vCPU. The layouts are `repr(C)` because el2's assembly reads them by offset.

use crate::address::Ipa;

/// The number of XZR.
const ZERO: u8 = 31;

/// X0 to X30, PC and PSTATE, in the order in which the exception vectors store them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[repr(C, align(16))]
pub struct GeneralRegisters {
    /// The last one takes what is written to XZR, and is never read.
    x: [u64; 32],
    /// The next instruction: ELR_EL2 while the guest does not run.
    pub pc: u64,
    /// SPSR_EL2 while the guest does not run.
    pub pstate: u64,
}

impl GeneralRegisters {
    /// The register numbered `register` in an instruction: 31 is XZR and reads as zero.
    pub fn get(&self, register: u8) -> u64 {
        self.x.get(usize::from(register)).copied().filter(|_| register != ZERO).unwrap_or(0)
    }

    /// Writes the register numbered `register` (0 to 31) in an instruction: what is written to 31, XZR, is lost.
    pub fn set(&mut self, register: u8, value: u64) {
        if let Some(slot) = self.x.get_mut(usize::from(register % 32)) {
            *slot = value;
        }
    }

    /// Out of reset, sets where it starts: at `entry`, with `context` in X0, as PSCI's CPU_ON asks (DEN0022 5.6) and as the
    /// arm64 boot protocol does for the boot vCPU.
    pub fn start(&mut self, entry: Ipa, context: u64) {
        self.pc = entry.get();
        self.set(0, context);
    }

    /// Whether it is at EL0 of AArch64 (PSTATE.M is EL0t).
    pub const fn is_unprivileged(&self) -> bool {
        self.pstate & 0b1111 == 0
    }

    /// Goes on after the instruction that was trapped. All instructions that trap to EL2 from AArch64 are four
    /// bytes long.
    #[inline(always)]
    pub fn skip_instruction(&mut self) {
        /// PSTATE.BTYPE and PSTATE.SS, which an instruction that completes clears.
        const CLEARED: u64 = 0b11 << 10 | 1 << 21;
        self.pc = self.pc.wrapping_add(4);
        self.pstate &= !CLEARED;
    }

    /// X1 to X3: the first arguments of a call by the SMC Calling Convention (DEN0028 2.6), and all that PSCI's have.
    pub fn arguments(&self) -> [u64; 3] {
        let [_, first, second, third, ..] = self.x;
        [first, second, third]
    }
}

/// System registers of EL1 and EL0 that the guest reads and writes without an exit (Arm ARM DDI 0487 D19.2).
/// Each field has its register's name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[repr(C)]
#[allow(missing_docs, reason = "each field is named after its register")]
pub struct SystemRegisters {
    pub sp_el0: u64,
    pub sp_el1: u64,
    pub elr_el1: u64,
    pub spsr_el1: u64,
    pub sctlr_el1: u64,
    pub cpacr_el1: u64,
    pub ttbr0_el1: u64,
    pub ttbr1_el1: u64,
    pub tcr_el1: u64,
    pub esr_el1: u64,
    pub afsr0_el1: u64,
    pub afsr1_el1: u64,
    pub far_el1: u64,
    pub mair_el1: u64,
    pub amair_el1: u64,
    pub vbar_el1: u64,
    pub contextidr_el1: u64,
    pub tpidr_el0: u64,
    pub tpidrro_el0: u64,
    pub tpidr_el1: u64,
    pub par_el1: u64,
    pub csselr_el1: u64,
    pub keys: PointerAuthenticationKeys,
}

/// The five 128-bit keys of FEAT_PAuth, low half first; all zero on a core without it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[repr(C)]
#[allow(missing_docs, reason = "each field is named after its register")]
pub struct PointerAuthenticationKeys {
    pub apia: [u64; 2],
    pub apib: [u64; 2],
    pub apda: [u64; 2],
    pub apdb: [u64; 2],
    pub apga: [u64; 2],
}

/// V0 to V31 and the registers that control them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[repr(C, align(16))]
pub struct FloatingPoint {
    /// V0 to V31.
    pub v: [u128; 32],
    /// FPCR.
    pub fpcr: u64,
    /// FPSR.
    pub fpsr: u64,
}

/// The two timers of EL1, in ticks of the guest's own counter (CNTVCT_EL0).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Timers {
    /// CNTV_CVAL_EL0.
    pub virtual_compare: u64,
    /// CNTV_CTL_EL0, without ISTATUS.
    pub virtual_control: u64,
    /// CNTP_CVAL_EL0.
    pub physical_compare: u64,
    /// CNTP_CTL_EL0, without ISTATUS.
    pub physical_control: u64,
    /// CNTKCTL_EL1: what EL0 may read.
    pub kernel_control: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn register_31_is_zero() {
        let mut registers = GeneralRegisters::default();
        registers.set(0, 5);
        registers.set(31, 7);
        registers.set(30, 9);
        assert_eq!([31, 30, 0].map(|register| registers.get(register)), [0, 9, 5]);
    }
}
