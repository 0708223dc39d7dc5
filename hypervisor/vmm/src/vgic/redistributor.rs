//! GICR: one vCPU's redistributor, two frames of 64 KiB (GICv3 IHI 0069 12.10 and 12.11). No LPIs.

use super::bank::Bank;
use super::distributor::{IMPLEMENTER, identification};
use super::registers::{Access, Frame, Register, decode};
use super::{FIRST_SHARED, Version, Vgic};
use crate::fault::GuestFault;
use crate::vcpu::{VcpuId, VcpuSet};

/// Bytes of one vCPU's redistributor: RD_base, then SGI_base.
pub const REDISTRIBUTOR_SIZE: u64 = 0x2_0000;

/// GICR_WAKER.
const PROCESSOR_SLEEP: u64 = 1 << 1;
const CHILDREN_ASLEEP: u64 = 1 << 2;
/// GICR_CTLR.
const CONTROL_RWP: u64 = 1 << 3;
/// GICR_TYPER.
const LAST: u64 = 1 << 4;

impl Vgic {
    /// The answer to a read of `size` bytes at `offset` of the redistributor of `frame`.
    ///
    /// # Errors
    /// An external abort where there is no such redistributor, or past its end.
    pub fn read_redistributor(&mut self, frame: VcpuId, offset: u64, size: u8) -> Result<u64, GuestFault> {
        let (kind, within) = self.redistributor_frame(frame, offset)?;
        let Some(access) = decode(kind, within, size) else { return Ok(0) };
        Ok(match access.register {
            Register::RedistributorControl if self.recalling_from(frame) => CONTROL_RWP,
            Register::Implementer => IMPLEMENTER,
            Register::RedistributorType => access.part(self.redistributor_type(frame)),
            Register::Waker if self.is_asleep(frame) => PROCESSOR_SLEEP | CHILDREN_ASLEEP,
            Register::Each(field) => self.read_each(private_bank(frame), access, field),
            Register::Identification => identification(Version::V3, access.position),
            _ => 0,
        })
    }

    /// Carries out that `accessing` writes `value` of `size` bytes at `offset` of the redistributor of `frame`.
    /// Returns the other vCPUs that must be kicked.
    ///
    /// # Errors
    /// An external abort where there is no such redistributor, or past its end.
    pub fn write_redistributor(
        &mut self,
        accessing: VcpuId,
        frame: VcpuId,
        offset: u64,
        size: u8,
        value: u64,
    ) -> Result<VcpuSet, GuestFault> {
        debug_assert!(!self.running.contains(accessing), "{accessing} accesses a register from inside the guest");
        let (kind, within) = self.redistributor_frame(frame, offset)?;
        if let Some(access) = decode(kind, within, size) {
            self.write_redistributor_register(frame, access, value);
        }
        Ok(self.take_kicks())
    }

    fn write_redistributor_register(&mut self, frame: VcpuId, access: Access, value: u64) {
        match access.register {
            Register::Waker => self.set_asleep(frame, value & PROCESSOR_SLEEP != 0),
            Register::Each(field) => self.write_each(private_bank(frame), access, field, value),
            _ => {}
        }
    }

    fn redistributor_frame(&self, frame: VcpuId, offset: u64) -> Result<(Frame, u64), GuestFault> {
        let absent = self.layout.version == Version::V2 || frame.index() >= self.layout.vcpus;
        if absent || offset >= REDISTRIBUTOR_SIZE {
            return Err(GuestFault::ExternalAbort);
        }
        let size = Frame::Redistributor.size();
        Ok(if offset < size { (Frame::Redistributor, offset) } else { (Frame::SgiAndPpi, offset - size) })
    }

    /// GICR_TYPER: affinity, processor number, Last.
    fn redistributor_type(&self, frame: VcpuId) -> u64 {
        let number = frame.index() as u64;
        let last = if frame.index() + 1 == self.layout.vcpus { LAST } else { 0 };
        frame.affinity() << 32 | number << 8 | last
    }
}

fn private_bank(vcpu: VcpuId) -> Bank {
    Bank { vcpu, first: 0, end: FIRST_SHARED }
}
