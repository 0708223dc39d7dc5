//! GICD, the distributor (GICv2 IHI 0048 4.3; GICv3 IHI 0069 12.9), and GICR, one vCPU's redistributor, two frames of
//! 64 KiB (IHI 0069 12.10 and 12.11). A guest sees one Security state (GICD_CTLR.DS = 1), on GICv3 affinity routing
//! that cannot be switched off, and no LPIs.

use super::bank::all_if;
use super::registers::{Access, Frame, Register, decode};
use super::{FIRST_SHARED, Version, Vgic};
use crate::fault::GuestFault;
use crate::vcpu::{VcpuId, VcpuSet};

/// Bytes of one vCPU's redistributor: RD_base, then SGI_base.
pub const REDISTRIBUTOR_SIZE: u64 = 0x2_0000;

/// Product `B`, implementer Arm (JEP106 0x43B), revision 0.
const IMPLEMENTER: u64 = 0x4200_043B;
/// GICD_CTLR of GICv3: ARE and DS read as one; both group enables can be written (IHI 0069 12.9 GICD_CTLR).
const CONTROL_ARE_DS: u64 = 1 << 4 | 1 << 6;
const CONTROL_RWP: u64 = 1 << 31;
/// IROUTER: Aff3, Interrupt_Routing_Mode, Aff2, Aff1, Aff0.
const ROUTE_WRITABLE: u64 = 0xFF_80FF_FFFF;
/// GICR_WAKER.
const PROCESSOR_SLEEP: u64 = 1 << 1;
const CHILDREN_ASLEEP: u64 = 1 << 2;
/// GICR_CTLR.
const REDISTRIBUTOR_RWP: u64 = 1 << 3;
/// GICR_TYPER.
const LAST: u64 = 1 << 4;

impl Vgic {
    /// The answer to `vcpu` reading `size` bytes at `offset` of the distributor.
    ///
    /// # Errors
    /// An external abort outside the frame.
    pub fn read_distributor(&mut self, vcpu: VcpuId, offset: u64, size: u8) -> Result<u64, GuestFault> {
        Ok(self.read(vcpu, self.find_distributor(offset, size)?))
    }

    /// Carries out that `vcpu` writes `value` of `size` bytes at `offset` of the distributor. Returns the other
    /// vCPUs that must be kicked.
    ///
    /// # Errors
    /// An external abort outside the frame.
    pub fn write_distributor(
        &mut self,
        vcpu: VcpuId,
        offset: u64,
        size: u8,
        value: u64,
    ) -> Result<VcpuSet, GuestFault> {
        debug_assert!(!self.running.contains(vcpu), "{vcpu} accesses a register from inside the guest");
        let access = self.find_distributor(offset, size)?;
        Ok(self.write(vcpu, access, value))
    }

    /// The answer to a read of `size` bytes at `offset` of the redistributor of `frame`.
    ///
    /// # Errors
    /// An external abort where there is no such redistributor, or past its end.
    pub fn read_redistributor(&mut self, frame: VcpuId, offset: u64, size: u8) -> Result<u64, GuestFault> {
        Ok(self.read(frame, self.find_redistributor(frame, offset, size)?))
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
        let access = self.find_redistributor(frame, offset, size)?;
        Ok(self.write(frame, access, value))
    }

    fn find_distributor(&self, offset: u64, size: u8) -> Result<Option<Access>, GuestFault> {
        decode(
            if self.layout.version == Version::V2 { Frame::DistributorV2 } else { Frame::DistributorV3 },
            offset,
            size,
        )
    }

    fn find_redistributor(&self, frame: VcpuId, offset: u64, size: u8) -> Result<Option<Access>, GuestFault> {
        if self.layout.version == Version::V2 || frame.index() >= self.vcpus.len() {
            return Err(GuestFault::ExternalAbort);
        }
        match offset.checked_sub(Frame::Redistributor.size()) {
            None => decode(Frame::Redistributor, offset, size),
            Some(within) => decode(Frame::SgiAndPpi, within, size),
        }
    }

    /// The answer to a read by `vcpu`, or of its redistributor. What is reserved reads as zero.
    #[inline(never)]
    fn read(&self, vcpu: VcpuId, access: Option<Access>) -> u64 {
        let Some(access) = access else { return 0 };
        match access.register {
            Register::Control => self.read_control(),
            Register::Type => self.distributor_type(),
            Register::Implementer => IMPLEMENTER,
            Register::Each(field) => self.read_each(vcpu, access, field),
            Register::Route => access.part(self.read_route(access)),
            Register::RedistributorControl if self.recalling_from(vcpu) => REDISTRIBUTOR_RWP,
            Register::RedistributorType => access.part(self.redistributor_type(vcpu)),
            Register::Waker if self.asleep.contains(vcpu) => PROCESSOR_SLEEP | CHILDREN_ASLEEP,
            Register::Identification => identification(self.layout.version, access.position),
            _ => 0,
        }
    }

    /// Carries out a write by `vcpu`, or to its redistributor. Returns whom to kick.
    #[inline(never)]
    fn write(&mut self, vcpu: VcpuId, access: Option<Access>, value: u64) -> VcpuSet {
        let Some(access) = access else { return VcpuSet::EMPTY };
        match access.register {
            Register::Control => self.set_group_enables([value & 1 != 0, value & 2 != 0].map(all_if)),
            Register::SetSpi => self.message(value, true),
            Register::ClearSpi => self.message(value, false),
            Register::Each(field) => self.write_each(vcpu, access, field, value),
            Register::SoftwareGenerated => self.write_sgir(vcpu, value),
            Register::Route => self.write_route(access, value),
            Register::Waker => self.set_asleep(vcpu, value & PROCESSOR_SLEEP != 0),
            _ => {}
        }
        self.take_kicks()
    }

    fn read_control(&self) -> u64 {
        let [group_0, group_1] = self.group_enables;
        let enables = u64::from(group_0 & 1 | group_1 & 2);
        match self.layout.version {
            Version::V2 => enables,
            Version::V3 if self.recalling() => enables | CONTROL_ARE_DS | CONTROL_RWP,
            Version::V3 => enables | CONTROL_ARE_DS,
        }
    }

    /// Writes GICD_CTLR's group enables: each pending interrupt may come to be delivered, or cease to.
    fn set_group_enables(&mut self, enables: [u32; 2]) {
        if self.group_enables != enables {
            self.group_enables = enables;
            self.reconsider((1 << self.banks.len()) - 1);
        }
    }

    /// GICD_TYPER. GICv3: Aff3 valid, 10 INTID bits, message-based SPIs; no LPIs, no extended ranges.
    fn distributor_type(&self) -> u64 {
        let lines = (self.layout.spis / 32) as u64;
        match self.layout.version {
            Version::V2 => lines | (self.vcpus.len() as u64 - 1) << 5,
            Version::V3 => lines | 1 << 16 | 9 << 19 | 1 << 24,
        }
    }

    /// GICR_TYPER: affinity, processor number, Last.
    fn redistributor_type(&self, frame: VcpuId) -> u64 {
        let number = frame.index() as u64;
        let last = if frame.index() + 1 == self.vcpus.len() { LAST } else { 0 };
        frame.affinity() << 32 | number << 8 | last
    }

    /// GICD_SETSPI_NSR and GICD_CLRSPI_NSR: they set and clear the pending state of an edge-triggered SPI and
    /// drive the line of a level-sensitive one (IHI 0069 12.9 GICD_SETSPI_NSR).
    fn message(&mut self, value: u64, level: bool) {
        let intid = (value & 0x1FFF) as u32;
        let (index, position) = self.locate(VcpuId::BOOT, intid);
        let Some(bank) = self.banks.get(index).filter(|_| intid >= FIRST_SHARED) else { return };
        if bank.is.edge & 1 << position != 0 {
            self.set_latch(index, 1 << position, level);
        } else {
            self.set_line(index, position, level);
        }
    }

    fn read_route(&self, access: Access) -> u64 {
        let (index, position) = self.locate(VcpuId::BOOT, access.position / 8);
        self.banks.get(index).map_or(0, |bank| bank.detail(position).route)
    }

    fn write_route(&mut self, access: Access, value: u64) {
        let route = access.merge(self.read_route(access), value) & ROUTE_WRITABLE;
        let (index, position) = self.locate(VcpuId::BOOT, access.position / 8);
        if access.position / 8 >= FIRST_SHARED {
            self.set_route(index, position, route);
        }
    }
}

/// The identification registers from PIDR4 on (IHI 0069 12.1.4, IHI 0048 4.3.18): Arm's peripheral ID scheme,
/// with the architecture version in PIDR2.
fn identification(version: Version, position: u32) -> u64 {
    const REGISTERS: [u8; 12] = [0x04, 0, 0, 0, 0x90, 0xB4, 0x2B, 0, 0x0D, 0xF0, 0x05, 0xB1];
    let register = u64::from(REGISTERS.get((position / 4) as usize).copied().unwrap_or(0));
    match (version, register) {
        (Version::V3, 0x90) => 0x92,
        (Version::V3, 0x2B) => 0x3B,
        _ => register,
    }
}
