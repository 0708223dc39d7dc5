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
        let [list_low, list_high, aff1, intid, aff2, routing, aff3, _] = value.to_le_bytes();
        let cluster = u64::from_le_bytes([0, aff1, aff2, 0, aff3, 0, 0, 0]);
        let targets = match routing & 1 {
            0 => VcpuSet::in_cluster(cluster, u16::from_le_bytes([list_low, list_high])),
            _ => VcpuSet::first(self.vcpus.len()).without(VcpuSet::only(vcpu)),
        };
        for target in targets.iter() {
            let Some(bank) = self.banks.get(target.index()).filter(|_| target.index() < self.vcpus.len()) else {
                break;
            };
            let bit = 1 << (intid & 0xF);
            if self.layout.version == Version::V3 && (group_1 || bank.is.group & bit == 0) {
                self.receive(target, bit);
            }
        }
        self.take_kicks()
    }

    /// An SGI of GICv3 arrives, `bit` of the private ones of `vcpu`. Where it is lent to a list register that is out, it is
    /// only to be made pending there.
    fn receive(&mut self, vcpu: VcpuId, bit: u32) {
        let (Some(bank), Some(per)) = (self.banks.get_mut(vcpu.index()), self.vcpus.get(vcpu.index())) else { return };
        // It was written as pending alone: a level or a physical interrupt, for which there is more to know, is no SGI.
        let lent = bank.lent & !bank.is.active & bit != 0 && per.list_registers.maintenance == Maintenance::NONE;
        if lent && self.out.contains(vcpu) {
            bank.again |= bit;
            self.kicks.insert(vcpu);
        } else {
            self.set_latch(vcpu.index(), bit, true);
        }
    }

    /// `vcpu` writes GICD_SGIR: TargetListFilter, CPUTargetList, SGIINTID. The fourth filter is reserved.
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
            let Some(bank) = self.banks.get_mut(target.index()) else { return };
            let changed = bank.change_sources(position, source, 0);
            self.touched(target.index(), u32::from(changed) << position);
        }
    }
}
