//! The fixed shape of one VM's interrupt controller.

use super::list_register::MAXIMUM_LIST_REGISTERS;
use crate::vcpu::VcpuId;

/// Which architecture the guest sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// GICv2, IHI 0048.
    V2,
    /// GICv3, IHI 0069, with affinity routing.
    V3,
}

/// The fixed shape of a controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Which architecture the guest sees.
    pub version: Version,
    /// vCPUs: 1 to 8 with GICv2, 1 to 32 with GICv3.
    pub vcpus: usize,
    /// Shared interrupts: a multiple of 32, at most 960. Their INTIDs begin at 32.
    pub spis: usize,
    /// Implemented bits of priority: 5 to 7, as the hardware's virtual CPU interface has.
    pub priority_bits: u8,
    /// List registers to use: 1 to 16, no more than the hardware has.
    pub list_registers: usize,
}

/// What is wrong with a [`Layout`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LayoutError {
    /// No vCPU, or more than the architecture can have.
    Vcpus,
    /// Not a multiple of 32, or more than 960.
    Spis,
    /// Not 5 to 7.
    PriorityBits,
    /// Not 1 to 16.
    ListRegisters,
}

impl LayoutError {
    /// In words.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Vcpus => "its interrupt controller cannot serve so many vCPUs",
            Self::Spis => "no interrupt controller has so many SPIs",
            Self::PriorityBits => "this board's interrupt controller has not 5 to 7 bits of priority",
            Self::ListRegisters => "this board's interrupt controller has not 1 to 16 list registers",
        }
    }
}

impl Layout {
    /// Whether a controller can have this shape.
    ///
    /// # Errors
    /// The first member that is out of its range.
    pub const fn check(&self) -> Result<(), LayoutError> {
        let most = match self.version {
            Version::V2 => 8,
            Version::V3 => VcpuId::MAXIMUM as usize,
        };
        if self.vcpus == 0 || self.vcpus > most {
            return Err(LayoutError::Vcpus);
        }
        if !self.spis.is_multiple_of(32) || self.spis > 960 {
            return Err(LayoutError::Spis);
        }
        if self.priority_bits < 5 || self.priority_bits > 7 {
            return Err(LayoutError::PriorityBits);
        }
        if self.list_registers == 0 || self.list_registers > MAXIMUM_LIST_REGISTERS {
            return Err(LayoutError::ListRegisters);
        }
        Ok(())
    }

    /// The implemented bits of a priority.
    pub(super) const fn priority_mask(&self) -> u8 {
        !(u8::MAX >> self.priority_bits)
    }

    /// GICv2: a bit for each vCPU.
    pub(super) const fn all_targets(&self) -> u8 {
        if self.vcpus >= 8 { 0xFF } else { (1 << self.vcpus) - 1 }
    }
}
