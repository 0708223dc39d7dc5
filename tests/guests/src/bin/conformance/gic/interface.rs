//! The CPU interface by polling, with IRQs masked: GICv2's by its registers, and GICv3's by system registers.

use bulkhead_guests::gic::{Gic, register};
use bulkhead_guests::memory::{read32, write32};
use bulkhead_guests::{read_register, write_register};

/// The INTID that says that nothing is to be acknowledged.
pub const SPURIOUS: u32 = 1023;
/// A running priority of nothing.
pub const IDLE: u32 = 0xff;

/// A register of the CPU interface, in the group that the drivers use: Group 0 of GICv2, Group 1 of GICv3.
#[derive(Clone, Copy, Debug)]
pub enum Register {
    /// GICC_CTLR, ICC_CTLR_EL1.
    Control,
    /// GICC_PMR, ICC_PMR_EL1.
    PriorityMask,
    /// GICC_BPR, ICC_BPR1_EL1.
    BinaryPoint,
    /// GICC_IAR, ICC_IAR1_EL1.
    Acknowledge,
    /// GICC_EOIR, ICC_EOIR1_EL1.
    End,
    /// GICC_RPR, ICC_RPR_EL1.
    RunningPriority,
    /// GICC_HPPIR, ICC_HPPIR1_EL1.
    HighestPending,
    /// GICC_DIR, ICC_DIR_EL1.
    Deactivate,
}

impl Register {
    const fn offset(self) -> usize {
        match self {
            Self::Control => 0,
            Self::PriorityMask => 0x04,
            Self::BinaryPoint => 0x08,
            Self::Acknowledge => 0x0c,
            Self::End => 0x10,
            Self::RunningPriority => 0x14,
            Self::HighestPending => 0x18,
            Self::Deactivate => 0x1000,
        }
    }
}

/// Reads a register; those that are written only as zero.
pub fn read(gic: &Gic, register: Register) -> u32 {
    if let Gic::V2(gic) = gic {
        return read32(gic.cpu_interface + register.offset());
    }
    let value = match register {
        Register::Control => read_register!("s3_0_c12_c12_4"),
        Register::PriorityMask => read_register!("s3_0_c4_c6_0"),
        Register::BinaryPoint => read_register!("s3_0_c12_c12_3"),
        Register::Acknowledge => read_register!("s3_0_c12_c12_0"),
        Register::RunningPriority => read_register!("s3_0_c12_c11_3"),
        Register::HighestPending => read_register!("s3_0_c12_c12_2"),
        Register::End | Register::Deactivate => 0,
    };
    value as u32
}

/// Writes a register; those that are read only are left alone.
pub fn write(gic: &Gic, register: Register, value: u32) {
    if let Gic::V2(gic) = gic {
        return write32(gic.cpu_interface + register.offset(), value);
    }
    let value = u64::from(value);
    match register {
        Register::Control => write_register!("s3_0_c12_c12_4", value),
        Register::PriorityMask => write_register!("s3_0_c4_c6_0", value),
        Register::BinaryPoint => write_register!("s3_0_c12_c12_3", value),
        Register::End => write_register!("s3_0_c12_c12_1", value),
        Register::Deactivate => write_register!("s3_0_c12_c11_1", value),
        Register::Acknowledge | Register::RunningPriority | Register::HighestPending => {}
    }
}

pub fn acknowledge(gic: &Gic) -> u32 {
    read(gic, Register::Acknowledge)
}

pub fn end(gic: &Gic, intid: u32) {
    write(gic, Register::End, intid);
}

pub fn running(gic: &Gic) -> u32 {
    read(gic, Register::RunningPriority)
}

/// GICC_CTLR.EOImode, ICC_CTLR_EL1.EOImode: whether the end of an interrupt leaves it active.
pub fn split_end(gic: &Gic, split: bool) {
    let bit = if gic.version() == 2 { 1 << 9 } else { 1 << 1 };
    let others = read(gic, Register::Control) & !bit;
    write(gic, Register::Control, others | if split { bit } else { 0 });
}

/// Lets only bits `low` and above of a priority decide about preemption.
pub fn group_priorities_from(gic: &Gic, low: u32) {
    // Group 0's binary point is one less than Group 1's for the same split (IHI 0048B 3.3.3, IHI 0069H 4.8.2).
    write(gic, Register::BinaryPoint, if gic.version() == 2 { low - 1 } else { low });
}

/// Whether an IRQ is signalled, masked or not (ISR_EL1.I).
pub fn is_signalled() -> bool {
    is_told(7)
}

/// Whether an FIQ is signalled, masked or not (ISR_EL1.F).
pub fn is_fiq_signalled() -> bool {
    is_told(6)
}

/// Whether ISR_EL1 has this bit. The controller may take its time to tell the core.
fn is_told(bit: u32) -> bool {
    (0..1000).any(|_| read_register!("isr_el1") >> bit & 1 != 0)
}

/// Makes the SPI pending with this priority.
pub fn pend(gic: &Gic, intid: u32, priority: u8) {
    gic.set_priority(intid, priority);
    gic.enable(intid);
    gic.set_bit(register::ISPENDR, intid);
}

/// Takes it back.
pub fn forget(gic: &Gic, intid: u32) {
    gic.disable(intid);
    gic.set_bit(register::ICPENDR, intid);
    gic.set_bit(register::ICACTIVER, intid);
    gic.set_priority(intid, bulkhead_guests::gic::PRIORITY);
}
