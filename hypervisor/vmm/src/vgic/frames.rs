//! GICD, the distributor (GICv2 IHI 0048 4.3; GICv3 IHI 0069 12.9), and GICR, one vCPU's redistributor, two frames of
//! 64 KiB (IHI 0069 12.10 and 12.11). A guest sees one Security state (GICD_CTLR.DS = 1), on GICv3 affinity routing
//! that cannot be switched off, and no LPIs.

use super::bank::all_if;
use super::lookup::{Access, find};
use super::registers::{Frame, Register};
use super::{Layout, Version, Vgic};
use crate::fault::GuestFault;
use crate::vcpu::{VcpuId, VcpuSet};

/// Bytes of one vCPU's redistributor: RD_base, then SGI_base.
pub const REDISTRIBUTOR_SIZE: u64 = 0x2_0000;

/// Product `B`, implementer Arm (JEP106 0x43B), revision 0.
const IMPLEMENTER: u64 = 0x4200_043B;
/// GICD_CTLR of GICv3: ARE and DS read as one; both group enables can be written (IHI 0069 12.9 GICD_CTLR).
const CONTROL_ARE_DS: u64 = 1 << 4 | 1 << 6;
const CONTROL_RWP: u64 = 1 << 31;
/// IROUTER: Aff3, Aff2, Aff1, Aff0. Interrupt_Routing_Mode reads as zero: see [`distributor_type`].
pub(super) const ROUTE_WRITABLE: u64 = 0xFF_00FF_FFFF;
/// GICR_WAKER.
const PROCESSOR_SLEEP: u64 = 1 << 1;
const CHILDREN_ASLEEP: u64 = 1 << 2;
/// GICR_CTLR.
const REDISTRIBUTOR_RWP: u64 = 1 << 3;
/// GICR_TYPER.
const LAST: u64 = 1 << 4;

/// Whose registers are accessed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// GICD: the shared interrupts', and on GICv2 the accessing vCPU's own.
    Distributor,
    /// The redistributor of a vCPU, on GICv3.
    Redistributor(VcpuId),
}

impl Vgic {
    /// Finds the register for an access of `size` bytes (1, 2, 4 or 8) by `vcpu` at `offset` of `part`, or that it is to
    /// what is reserved.
    ///
    /// # Errors
    /// An external abort where there is no such redistributor.
    #[inline(always)]
    pub fn find(&self, vcpu: VcpuId, part: Part, offset: u64, size: u8) -> Result<Access, GuestFault> {
        let (seen_by, frame, offset) = match (part, self.layout.version) {
            (Part::Distributor, Version::V2) => (vcpu, Frame::DistributorV2, offset),
            (Part::Distributor, Version::V3) => (vcpu, Frame::DistributorV3, offset),
            (Part::Redistributor(owner), Version::V3) if owner.index() < self.vcpus.len() => {
                match offset.checked_sub(Frame::Redistributor.size()) {
                    None => (owner, Frame::Redistributor, offset),
                    Some(within) => (owner, Frame::SgiAndPpi, within),
                }
            }
            _ => return Err(GuestFault::ExternalAbort),
        };
        Ok(find(seen_by, frame, offset, size))
    }

    /// Whether `access` rests on list registers that are out in the hardware: then [`Self::recall_others`] comes first.
    #[inline(always)]
    pub fn rests(&self, access: Access, store: bool) -> bool {
        access.rests(store) && !self.out.is_empty()
    }

    /// Before an access of `vcpu`, whose list registers are not out, that [rests](Self::rests) on those of others: has
    /// these come back, or the access would not see what their guests have done before it. Returns whose they are;
    /// [`Self::take_kicks`] then says who must hear of it.
    pub fn recall_others(&mut self, vcpu: VcpuId) -> VcpuSet {
        let mut others = VcpuSet::EMPTY;
        for other in self.out.without(VcpuSet::only(vcpu)).iter() {
            if let Some(per) = self.vcpus.get_mut(other.index()).filter(|per| per.list_registers.used != 0) {
                per.recall |= per.list_registers.used;
                others.insert(other);
            }
        }
        self.kicks = self.kicks.union(others);
        others
    }

    /// Those of `others` whose list registers have not yet come back since they were recalled.
    pub fn still_recalled(&self, others: VcpuSet) -> VcpuSet {
        let left = others.iter().filter(|vcpu| self.recalling_from(*vcpu));
        left.fold(VcpuSet::EMPTY, |left, vcpu| left.union(VcpuSet::only(vcpu)))
    }

    /// What a load reads: no more than as many bytes as it asks for.
    #[inline(never)]
    pub fn read(&self, access: Access) -> u64 {
        if access.is_each() {
            return self.read_each(access);
        }
        let vcpu = access.vcpu();
        match access.register() {
            Register::Control => self.read_control(),
            Register::Type => self.distributor_type,
            Register::Implementer => IMPLEMENTER,
            Register::Route => self.read_route(access),
            Register::RedistributorControl if self.recalling_from(vcpu) => REDISTRIBUTOR_RWP,
            Register::RedistributorType => self.redistributor_type(access),
            Register::Waker if self.asleep.contains(vcpu) => PROCESSOR_SLEEP | CHILDREN_ASLEEP,
            Register::Identification => identification(self.layout.version, access.position()),
            _ => 0,
        }
    }

    /// Carries out a store of `value`; [`Self::take_kicks`] then says who must look again.
    #[inline(never)]
    pub fn write(&mut self, access: Access, value: u64) {
        if access.is_each() {
            return self.write_each(access, (value & 0xFFFF_FFFF) as u32);
        }
        match access.register() {
            Register::Control => self.set_group_enables(value),
            Register::Route => self.write_route(access, value),
            Register::Waker if value & PROCESSOR_SLEEP != 0 => self.asleep.insert(access.vcpu()),
            Register::Waker => self.asleep.remove(access.vcpu()),
            _ => {}
        }
    }

    #[inline(never)]
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
    #[inline(never)]
    fn set_group_enables(&mut self, value: u64) {
        let enables = [all_if(value & 1 != 0), all_if(value & 2 != 0)];
        if self.group_enables != enables {
            self.group_enables = enables;
            self.reconsider((1 << self.banks.len()) - 1);
        }
    }

    /// GICR_TYPER: affinity, processor number, Last.
    #[inline(never)]
    fn redistributor_type(&self, access: Access) -> u64 {
        let owner = access.vcpu();
        let last = if owner.index() + 1 == self.vcpus.len() { LAST } else { 0 };
        access.part(owner.affinity() << 32 | (owner.index() as u64) << 8 | last)
    }

    /// The route of a shared interrupt: its bank, its position there, and what the bank has.
    fn route_of(&self, intid: u32) -> (usize, u32, u64) {
        let (index, position) = self.locate(VcpuId::BOOT, intid);
        (index, position, self.banks.get(index).map_or(0, |bank| bank.detail(position).route))
    }

    #[inline(never)]
    fn read_route(&self, access: Access) -> u64 {
        let (_, _, route) = self.route_of(access.route());
        access.part(route)
    }

    #[inline(never)]
    fn write_route(&mut self, access: Access, value: u64) {
        let (index, position, route) = self.route_of(access.route());
        self.set_route(index, position, access.merge(route, value) & ROUTE_WRITABLE);
    }
}

/// GICD_TYPER. GICv3: Aff3 valid, 10 INTID bits; no message-based SPIs, no LPIs, no extended ranges, and no SPI
/// that any of several vCPUs may take (No1N), since none would be chosen more wisely than its guest does.
pub(super) const fn distributor_type(layout: &Layout) -> u64 {
    let lines = (layout.spis / 32) as u64;
    match layout.version {
        Version::V2 => lines | (layout.vcpus as u64 - 1) << 5,
        Version::V3 => lines | 9 << 19 | 1 << 24 | 1 << 25,
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
