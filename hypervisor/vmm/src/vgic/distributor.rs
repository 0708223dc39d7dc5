//! GICD: the distributor's registers (GICv2 IHI 0048 4.3; GICv3 IHI 0069 12.9). A guest sees one Security state
//! (GICD_CTLR.DS = 1) and, on GICv3, affinity routing that cannot be switched off.

use super::bank::Bank;
use super::interrupt::{Move, Trigger};
use super::registers::{Access, Frame, Register, decode};
use super::{FIRST_SHARED, Version, Vgic};
use crate::fault::GuestFault;
use crate::vcpu::{VcpuId, VcpuSet};

/// Product `B`, implementer Arm (JEP106 0x43B), revision 0.
pub(super) const IMPLEMENTER: u64 = 0x4200_043B;

/// GICD_CTLR of GICv3: ARE and DS read as one; both group enables can be written (IHI 0069 12.9 GICD_CTLR).
const CONTROL_ARE_DS: u64 = 1 << 4 | 1 << 6;
const CONTROL_RWP: u64 = 1 << 31;

/// IROUTER: Aff3, Interrupt_Routing_Mode, Aff2, Aff1, Aff0.
const ROUTE_WRITABLE: u64 = 0xFF_80FF_FFFF;
/// Interrupt_Routing_Mode: any vCPU may be chosen.
pub(super) const ROUTE_ANY: u64 = 1 << 31;

impl Vgic {
    /// Bytes of the distributor's frame; beyond it nothing answers.
    pub const fn distributor_size(&self) -> u64 {
        self.distributor_frame().size()
    }

    const fn distributor_frame(&self) -> Frame {
        match self.layout.version {
            Version::V2 => Frame::DistributorV2,
            Version::V3 => Frame::DistributorV3,
        }
    }

    fn distributor_bank(&self, vcpu: VcpuId) -> Bank {
        let first = if self.layout.version == Version::V2 { 0 } else { FIRST_SHARED };
        Bank { vcpu, first, end: u32::MAX }
    }

    /// The answer to `vcpu` reading `size` bytes at `offset` of the distributor.
    ///
    /// # Errors
    /// An external abort outside the frame.
    pub fn read_distributor(&mut self, vcpu: VcpuId, offset: u64, size: u8) -> Result<u64, GuestFault> {
        if offset >= self.distributor_size() {
            return Err(GuestFault::ExternalAbort);
        }
        let access = decode(self.distributor_frame(), offset, size);
        Ok(access.map_or(0, |access| self.read_distributor_register(vcpu, access)))
    }

    fn read_distributor_register(&self, vcpu: VcpuId, access: Access) -> u64 {
        match access.register {
            Register::Control => self.read_control(),
            Register::Type => self.distributor_type(),
            Register::Implementer => IMPLEMENTER,
            Register::Each(field) => self.read_each(self.distributor_bank(vcpu), access, field),
            Register::Route => access.part(self.read_route(access.position / 8)),
            Register::Identification => identification(self.layout.version, access.position),
            _ => 0,
        }
    }

    /// Carries out that `vcpu` writes `value` of `size` bytes at `offset` of the distributor. Returns the other
    /// vCPUs that must be kicked, so that they leave the guest and enter it with new list registers.
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
        if offset >= self.distributor_size() {
            return Err(GuestFault::ExternalAbort);
        }
        debug_assert!(!self.running.contains(vcpu), "{vcpu} accesses a register from inside the guest");
        if let Some(access) = decode(self.distributor_frame(), offset, size) {
            self.write_distributor_register(vcpu, access, value);
        }
        Ok(self.take_kicks())
    }

    fn write_distributor_register(&mut self, vcpu: VcpuId, access: Access, value: u64) {
        match access.register {
            Register::Control => self.set_group_enables([value & 1 != 0, value & 2 != 0]),
            Register::SetSpi => self.message(value, true),
            Register::ClearSpi => self.message(value, false),
            Register::Each(field) => self.write_each(self.distributor_bank(vcpu), access, field, value),
            Register::SoftwareGenerated => self.write_sgir(vcpu, value),
            Register::Route => self.write_route(access, value),
            _ => {}
        }
    }

    fn read_control(&self) -> u64 {
        let [group_0, group_1] = self.group_enables;
        let enables = u64::from(group_0) | u64::from(group_1) << 1;
        match self.layout.version {
            Version::V2 => enables,
            Version::V3 if self.recalling() => enables | CONTROL_ARE_DS | CONTROL_RWP,
            Version::V3 => enables | CONTROL_ARE_DS,
        }
    }

    /// GICD_TYPER. GICv3: Aff3 valid, 10 INTID bits, message-based SPIs; no LPIs, no extended ranges.
    fn distributor_type(&self) -> u64 {
        let lines = (self.layout.spis / 32) as u64;
        match self.layout.version {
            Version::V2 => lines | (self.layout.vcpus as u64 - 1) << 5,
            Version::V3 => lines | 1 << 16 | 9 << 19 | 1 << 24,
        }
    }

    /// GICD_SETSPI_NSR and GICD_CLRSPI_NSR: they set and clear the pending state of an edge-triggered SPI and
    /// drive the line of a level-sensitive one (IHI 0069 12.9 GICD_SETSPI_NSR).
    fn message(&mut self, value: u64, level: bool) {
        let intid = u32::try_from(value & 0x1FFF).unwrap_or(0);
        if intid < FIRST_SHARED {
            return;
        }
        self.update(VcpuId::BOOT, intid, |it| match (it.trigger, level) {
            (Trigger::Edge, true) => it.step(Move::SetPending),
            (Trigger::Edge, false) => it.clear_pending(),
            (Trigger::Level, true) => it.step(Move::Raise),
            (Trigger::Level, false) => it.step(Move::Lower),
        });
    }

    fn read_route(&self, intid: u32) -> u64 {
        if intid < FIRST_SHARED { 0 } else { self.interrupt(VcpuId::BOOT, intid).map_or(0, |it| it.route) }
    }

    fn write_route(&mut self, access: Access, value: u64) {
        let intid = access.position / 8;
        if intid >= FIRST_SHARED {
            let route = access.merge(self.read_route(intid), value) & ROUTE_WRITABLE;
            self.update(VcpuId::BOOT, intid, |it| it.route = route);
        }
    }
}

/// The identification registers from PIDR4 on (IHI 0069 12.1.4, IHI 0048 4.3.18): Arm's peripheral ID scheme,
/// with the architecture version in PIDR2.
pub(super) fn identification(version: Version, position: u32) -> u64 {
    let (part, architecture) = match version {
        Version::V2 => (0x90, 0x2B),
        Version::V3 => (0x92, 0x3B),
    };
    let registers = [0x04, 0, 0, 0, part, 0xB4, architecture, 0, 0x0D, 0xF0, 0x05, 0xB1];
    registers.get((position / 4) as usize).copied().unwrap_or(0)
}
