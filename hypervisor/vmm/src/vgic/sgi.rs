//! Software-generated interrupts: GICD_SGIR of GICv2 (IHI 0048 4.3.15), and the system registers of GICv3
//! (IHI 0069 12.2 ICC_SGI1R_EL1, ICC_ASGI1R_EL1, ICC_SGI0R_EL1).

use super::list_register::Maintenance;
use super::{Version, Vgic};
use crate::vcpu::{VcpuId, VcpuSet};

impl Vgic {
    /// `vcpu` writes ICC_SGI1R_EL1. With a single Security state it generates SGIs of either group, as each
    /// target has them configured (IHI 0069 8.1.10). Returns the other vCPUs that must be kicked.
    pub fn write_sgi1r(&mut self, vcpu: VcpuId, value: u64) -> VcpuSet {
        self.write_sgi_register(vcpu, value, true)
    }

    /// `vcpu` writes ICC_SGI0R_EL1, which generates SGIs of Group 0 only. Returns whom to kick.
    pub fn write_sgi0r(&mut self, vcpu: VcpuId, value: u64) -> VcpuSet {
        self.write_sgi_register(vcpu, value, false)
    }

    /// `vcpu` writes ICC_ASGI1R_EL1: with a single Security state the same as ICC_SGI0R_EL1. Returns whom to
    /// kick.
    pub fn write_asgi1r(&mut self, vcpu: VcpuId, value: u64) -> VcpuSet {
        self.write_sgi_register(vcpu, value, false)
    }

    fn write_sgi_register(&mut self, vcpu: VcpuId, value: u64, group_1: bool) -> VcpuSet {
        const ALL_OTHERS: u64 = 1 << 40;
        if self.layout.version == Version::V2 {
            return VcpuSet::EMPTY;
        }
        let all = VcpuSet::first(self.vcpus.len());
        let targets = if value & ALL_OTHERS == 0 {
            VcpuSet::of_sgi(value).intersection(all)
        } else {
            all.without(VcpuSet::only(vcpu))
        };
        let position = (value >> 24 & 0xF) as u32;
        for target in targets.iter() {
            let group = self.banks.get(target.index()).map_or(0, |bank| bank.is.group);
            if group_1 || group & 1 << position == 0 {
                self.receive(target, position, 0);
            }
        }
        self.take_kicks()
    }

    /// The SGI `position` arrives at `vcpu`, on GICv2 from the vCPU with the bit `source`, on GICv3 from 0. Where it is lent
    /// to a list register that is out, it is only to be made pending there.
    fn receive(&mut self, vcpu: VcpuId, position: u32, source: u8) {
        let (Some(bank), Some(per)) = (self.banks.get_mut(vcpu.index()), self.vcpus.get(vcpu.index())) else { return };
        // A list register without maintenance: see `ListRegisters::lent`.
        let lent = bank.lends(position, source) && per.list_registers.maintenance == Maintenance::NONE;
        if lent && self.out.contains(vcpu) {
            bank.again |= 1 << position;
            self.kicks.insert(vcpu);
        } else if source == 0 {
            self.set_latch(vcpu.index(), 1 << position, true);
        } else {
            let changed = bank.change_sources(position, source, 0);
            self.touched(vcpu.index(), u32::from(changed) << position);
        }
    }

    /// `vcpu` writes GICD_SGIR: TargetListFilter, CPUTargetList, SGIINTID. The fourth filter is reserved.
    #[inline(never)]
    pub(super) fn write_sgir(&mut self, vcpu: VcpuId, value: u64) {
        let [intid, _, list, filter, ..] = value.to_le_bytes();
        let [source, ..] = VcpuSet::only(vcpu).to_bits().to_le_bytes();
        let position = u32::from(intid & 0xF);
        let targets = match filter & 3 {
            0 => list,
            1 => !source,
            2 => source,
            _ => 0,
        };
        for target in VcpuSet::from_bits((targets & self.layout.all_targets()).into()).iter() {
            self.receive(target, position, source);
        }
    }
}
