//! A virtual CPU as a movable value.
//!
//! [`Vcpu`] is parked: complete, and in nobody's hardware. [`LoadedVcpu`] lives in a core: its general
//! registers stand in the value, everything else in the core's registers. Only the platform converts one
//! into the other, so only a parked vCPU can be saved, moved or read by others.

mod id;
mod loaded;
mod registers;

pub use id::{VcpuId, VcpuSet};
pub use loaded::{BIG_ENDIAN_AT_EL0, BIG_ENDIAN_AT_EL1, LoadedVcpu};
pub use registers::{FloatingPoint, GeneralRegisters, PointerAuthenticationKeys, SystemRegisters, Timers};

/// PSTATE of a vCPU at its first instruction: EL1 with SP_EL1, every exception masked (PSCI DEN0022 6.4).
const PSTATE_AT_ENTRY: u64 = 0x3c5;
/// SCTLR_EL1 at reset: the RES1 bits, with MMU and caches off (Arm ARM DDI 0487 D19.2.120).
const SCTLR_EL1_AT_RESET: u64 = 0x30d0_0800;

/// The whole architectural state of a parked vCPU, but its interrupts, which are the VM's
/// ([`crate::vgic::State`]).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Vcpu {
    /// X0 to X30, PC and PSTATE.
    pub general: GeneralRegisters,
    /// The EL1 and EL0 system registers that the guest accesses directly.
    pub system: SystemRegisters,
    /// SIMD and floating-point registers.
    pub floating_point: FloatingPoint,
    /// Both EL1 timers.
    pub timers: Timers,
}

impl Vcpu {
    /// Makes it a vCPU out of reset, but for where it starts ([`GeneralRegisters::start`]). In place and part by part: the
    /// whole of it, made elsewhere, would be a KiB to copy.
    pub fn reset(&mut self) {
        self.general = GeneralRegisters::default();
        self.general.pstate = PSTATE_AT_ENTRY;
        self.system = SystemRegisters { sctlr_el1: SCTLR_EL1_AT_RESET, ..SystemRegisters::default() };
        self.floating_point.v = [0; _];
        (self.floating_point.fpcr, self.floating_point.fpsr) = (0, 0);
        self.timers = Timers::default();
    }
}
