//! Software-generated interrupts: GICD_SGIR of GICv2 (IHI 0048 4.3.15), and the system registers of GICv3
//! (IHI 0069 12.2 ICC_SGI1R_EL1, ICC_ASGI1R_EL1, ICC_SGI0R_EL1).

use super::interrupt::{Group, Move};
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
        let [_, _, aff1, intid, aff2, routing, aff3, _] = value.to_le_bytes();
        let intid = u32::from(intid & 0xF);
        let mut targets = VcpuSet::EMPTY;
        if routing & 1 != 0 {
            targets = VcpuSet::first(self.layout.vcpus);
            targets.remove(vcpu);
        } else {
            let cluster = u64::from(aff3) << 32 | u64::from(aff2) << 16 | u64::from(aff1) << 8;
            let listed = (0..16_u64).filter(|aff0| value & 1 << aff0 != 0);
            listed.filter_map(|aff0| VcpuId::from_affinity(cluster | aff0)).for_each(|id| targets.insert(id));
        }
        if self.layout.version == Version::V3 {
            for target in targets.intersection(VcpuSet::first(self.layout.vcpus)).iter() {
                self.update(target, intid, |it| {
                    if group_1 || it.group == Group::Zero {
                        it.step(Move::SetPending);
                    }
                });
            }
        }
        self.take_kicks()
    }

    /// `vcpu` writes GICD_SGIR: TargetListFilter, CPUTargetList, SGIINTID. The fourth filter is reserved.
    pub(super) fn write_sgir(&mut self, vcpu: VcpuId, value: u64) {
        let [intid, _, list, filter, ..] = value.to_le_bytes();
        let itself = 1_u64 << vcpu.index();
        let targets = match filter & 3 {
            0 => u64::from(list) & self.layout.all_targets(),
            1 => self.layout.all_targets() & !itself,
            2 => itself,
            _ => 0,
        };
        let [source, ..] = itself.to_le_bytes();
        for target in (0..8).filter(|index| targets & 1 << index != 0).filter_map(VcpuId::new) {
            self.update(target, u32::from(intid & 0xF), |it| it.sources.pending |= source);
        }
    }
}
