//! What a script is made of.

use core::fmt;

use crate::register::{self, System};

/// Architecture of the interrupt controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Version {
    V2,
    V3,
}

/// Groups of interrupts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Group {
    Zero,
    One,
}

/// A frame of registers in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame {
    /// GICD.
    Distributor,
    /// RD_base of the accessing vCPU's GICR.
    Redistributor,
    /// SGI_base of the accessing vCPU's GICR.
    Private,
    /// SGI_base of the other vCPU's GICR.
    OthersPrivate,
    /// GICC.
    CpuInterface,
}

/// What is accessed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// `size` bytes (1, 2, 4 or 8) at `offset` of a frame.
    Memory {
        /// The frame.
        frame: Frame,
        /// Offset in bytes.
        offset: u32,
        /// Bytes accessed.
        size: u8,
    },
    /// A system register.
    System(System),
}

impl Place {
    /// A word of a frame.
    pub const fn word(frame: Frame, offset: u32) -> Self {
        Self::Memory { frame, offset, size: 4 }
    }
}

/// One access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Reads.
    Load(Place),
    /// Writes.
    Store(Place, u64),
    /// Writes if every interrupt that was acknowledged has been ended and deactivated, and reads if not: what weighs in the end
    /// of such an interrupt is not to change before (IHI 0069H 4.8.4, IHI 0048B 3.3.3). On a CPU interface those count that
    /// this vCPU acknowledged, elsewhere those of all.
    StoreIfIdle(Place, u64),
    /// Reads what acknowledges an interrupt of the group.
    Acknowledge(Place, Group),
    /// Ends the interrupt that was acknowledged last of those that are not ended, as IHI 0069H 4.1.1 and IHI 0048B 3.2.1
    /// demand; with none, writes the INTID that ends nothing.
    End,
    /// Deactivates one of the interrupts that were ended while ending did not deactivate, whichever the number says; with
    /// none, or if ending deactivates, writes the INTID that ends nothing to where interrupts are ended.
    Deactivate(u8),
    /// Ends and deactivates whatever was acknowledged, by each vCPU what it acknowledged.
    EndAll,
}

/// An access with what is known of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// What is done.
    pub act: Act,
    /// Whether it is to a register that there is, of a size that the register has.
    pub exists: bool,
    /// The vCPU that does it.
    pub vcpu: u8,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::System(register) => f.write_str(register.name()),
            Self::Memory { frame, offset, size } => {
                let (name, first) = register::name(frame, offset);
                let whose = if frame == Frame::OthersPrivate { "the other's " } else { "" };
                write!(f, "{whose}{name}+{:#x} ({size} bytes at {offset:#x})", offset - first)
            }
        }
    }
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "vCPU {}: ", self.vcpu)?;
        match self.act {
            Act::Load(place) => write!(f, "load {place}"),
            Act::Store(place, value) => write!(f, "store {value:#x} to {place}"),
            Act::StoreIfIdle(place, value) => write!(f, "store {value:#x} to {place} if nothing is active"),
            Act::Acknowledge(place, ..) => write!(f, "acknowledge by {place}"),
            Act::EndAll => write!(f, "end all that were acknowledged"),
            Act::End => write!(f, "end the last acknowledged"),
            Act::Deactivate(_) => write!(f, "deactivate one of the ended"),
        }
    }
}
