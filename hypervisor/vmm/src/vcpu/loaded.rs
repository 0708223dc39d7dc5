//! A vCPU that lives in a core.

use super::{GeneralRegisters, Timers, Vcpu};
use alloc::boxed::Box;

/// SCTLR_EL1.EE.
pub const BIG_ENDIAN_AT_EL1: u64 = 1 << 25;
/// SCTLR_EL1.E0E.
pub const BIG_ENDIAN_AT_EL0: u64 = 1 << 24;

/// A vCPU whose system registers, floating-point registers and timers are live in one physical core. Its
/// general registers can be read and written between two entries; the rest only after parking it.
#[derive(Debug)]
pub struct LoadedVcpu(Box<Vcpu>);

impl LoadedVcpu {
    /// Marks `vcpu` as loaded. Only for the platform, which has just written the rest of it to the core.
    pub fn assume_loaded(vcpu: Box<Vcpu>) -> Self {
        Self(vcpu)
    }

    /// Gives back the storage. Only for the platform, which fills it from the core before anyone reads it.
    pub fn into_storage(self) -> Box<Vcpu> {
        self.0
    }

    /// Makes the storage that of a vCPU out of reset. Only for the platform, which writes it to the core.
    pub fn reset(&mut self) -> &mut Vcpu {
        self.0.reset();
        &mut self.0
    }

    /// The general registers.
    pub fn general(&self) -> &GeneralRegisters {
        &self.0.general
    }

    /// The general registers, to write them.
    pub fn general_mut(&mut self) -> &mut GeneralRegisters {
        &mut self.0.general
    }

    /// The timers, of which only the physical one's fields are meaningful while the vCPU is loaded: it is
    /// emulated, the virtual one lives in the core.
    pub fn timers_mut(&mut self) -> &mut Timers {
        &mut self.0.timers
    }

    /// Whether its loads and stores are big-endian where it is, when SCTLR_EL1 is `control` (Arm ARM DDI 0487 B2.6.1).
    pub fn is_big_endian(&self, control: u64) -> bool {
        control & if self.general().is_unprivileged() { BIG_ENDIAN_AT_EL0 } else { BIG_ENDIAN_AT_EL1 } != 0
    }

    /// Goes on after the instruction that was trapped.
    pub fn skip_instruction(&mut self) {
        self.0.general.skip_instruction();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_bytes_is_that_of_the_level() {
        let mut vcpu = LoadedVcpu::assume_loaded(Box::default());
        for (pstate, bit) in [(0b0000, 24), (0b0100, 25), (0b0101, 25)] {
            vcpu.general_mut().pstate = pstate;
            for other in 0..64 {
                assert_eq!(vcpu.is_big_endian(1 << other), other == bit, "PSTATE {pstate:#x}, bit {other}");
            }
        }
    }
}
