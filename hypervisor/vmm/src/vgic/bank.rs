//! Registers with a field for each interrupt. The distributor shows the shared ones, and on GICv2 the private
//! ones of the accessing vCPU; a redistributor shows the private ones of its vCPU in the same way.

use super::interrupt::{Group, Interrupt, Move, Trigger};
use super::registers::{Access, Field};
use super::{FIRST_PPI, FIRST_SHARED, Version, Vgic};
use crate::vcpu::VcpuId;

/// Whose private interrupts an access sees, and which INTIDs at all.
#[derive(Clone, Copy, Debug)]
pub struct Bank {
    /// The private interrupts are this vCPU's.
    pub vcpu: VcpuId,
    /// The least INTID that is visible.
    pub first: u32,
    /// The first INTID that is not visible any more.
    pub end: u32,
}

impl Vgic {
    /// Reads a register with a field for each interrupt.
    pub(super) fn read_each(&self, bank: Bank, access: Access, field: Field) -> u64 {
        let (first, count) = access.interrupts(field);
        let mut value = 0;
        for index in 0..count {
            let intid = first + index;
            if let Some(interrupt) = self.visible(bank, intid) {
                value |= u64::from(self.read_one(bank.vcpu, intid, interrupt, field)) << (index * field.bits());
            }
        }
        value
    }

    /// Writes a register with a field for each interrupt.
    pub(super) fn write_each(&mut self, bank: Bank, access: Access, field: Field, value: u64) {
        let (first, count) = access.interrupts(field);
        for index in 0..count {
            let intid = first + index;
            if self.visible(bank, intid).is_some() {
                let bits = (value >> (index * field.bits())).to_le_bytes()[0];
                self.write_one(bank.vcpu, intid, field, bits & u8::MAX >> (8 - field.bits()));
            }
        }
    }

    fn visible(&self, bank: Bank, intid: u32) -> Option<&Interrupt> {
        if (bank.first..bank.end).contains(&intid) { self.interrupt(bank.vcpu, intid) } else { None }
    }

    fn read_one(&self, vcpu: VcpuId, intid: u32, interrupt: &Interrupt, field: Field) -> u8 {
        match field {
            Field::Group => u8::from(interrupt.group.bit()),
            Field::SetEnable | Field::ClearEnable => u8::from(interrupt.enabled),
            Field::SetPending | Field::ClearPending => u8::from(interrupt.pending()),
            Field::SetActive | Field::ClearActive => u8::from(interrupt.life.active),
            Field::Priority => interrupt.priority,
            Field::Targets => self.read_targets(vcpu, intid, interrupt),
            Field::Configuration => u8::from(interrupt.trigger == Trigger::Edge) << 1,
            Field::SetSources | Field::ClearSources => interrupt.sources.pending | interrupt.sources.lent,
        }
    }

    /// GICD_ITARGETSR (IHI 0048 4.3.12): private interrupts target the reader; with a single vCPU all read as 0.
    fn read_targets(&self, vcpu: VcpuId, intid: u32, interrupt: &Interrupt) -> u8 {
        match self.layout.vcpus {
            1 => 0,
            _ if intid < FIRST_SHARED => 1 << (vcpu.index() % 8),
            _ => interrupt.route.to_le_bytes()[0],
        }
    }

    fn write_one(&mut self, vcpu: VcpuId, intid: u32, field: Field, bits: u8) {
        let sgi_v2 = self.layout.version == Version::V2 && intid < FIRST_PPI;
        match field {
            Field::Group => self.update(vcpu, intid, |it| it.group = Group::from_bit(bits != 0)),
            Field::Priority => {
                let priority = bits & self.layout.priority_mask();
                self.update(vcpu, intid, |it| it.priority = priority);
            }
            // SGIs are always edge-triggered (IHI 0048 4.3.13, IHI 0069 GICR_ICFGR0).
            Field::Configuration if intid >= FIRST_PPI => {
                let trigger = if bits & 2 != 0 { Trigger::Edge } else { Trigger::Level };
                self.update(vcpu, intid, |it| it.trigger = trigger);
            }
            Field::Targets if intid >= FIRST_SHARED && self.layout.vcpus > 1 => {
                let targets = u64::from(bits) & self.layout.all_targets();
                self.update(vcpu, intid, |it| it.route = targets);
            }
            Field::SetSources | Field::ClearSources => self.write_sources(vcpu, intid, field, bits),
            _ if bits == 0 => {}
            // On GICv2 SGIs are always enabled, and pending by source only (IHI 0048 4.3.5 to 4.3.8).
            _ if sgi_v2 && !matches!(field, Field::SetActive | Field::ClearActive) => {}
            Field::SetEnable => self.update(vcpu, intid, |it| it.enabled = true),
            Field::ClearEnable => self.update(vcpu, intid, |it| it.enabled = false),
            Field::SetPending => self.update(vcpu, intid, |it| it.step(Move::SetPending)),
            Field::ClearPending => self.update(vcpu, intid, Interrupt::clear_pending),
            Field::SetActive => self.write_active(vcpu, intid, true),
            Field::ClearActive => self.write_active(vcpu, intid, false),
            Field::Configuration | Field::Targets => {}
        }
    }

    /// GICD_SPENDSGIR and GICD_CPENDSGIR (IHI 0048 4.3.16 and 4.3.17): one bit per vCPU that an SGI came from.
    fn write_sources(&mut self, vcpu: VcpuId, intid: u32, field: Field, bits: u8) {
        let [sources, ..] = (u64::from(bits) & self.layout.all_targets()).to_le_bytes();
        self.update(vcpu, intid, |it| match field {
            Field::SetSources => it.sources.pending |= sources,
            _ => {
                it.sources.pending &= !sources;
                it.sources.lent &= !sources;
            }
        });
    }

    /// GICD_ISACTIVER and GICD_ICACTIVER. A shared interrupt becomes active where it is routed, or else where it
    /// was written. While it is out in a list register it is not known whether it is active: what was written
    /// then holds as soon as it is taken back.
    pub(super) fn write_active(&mut self, vcpu: VcpuId, intid: u32, active: bool) {
        let Some(interrupt) = self.interrupt(vcpu, intid) else { return };
        let active_on = match intid {
            0..FIRST_SHARED => vcpu,
            _ if interrupt.life.active => interrupt.active_on,
            _ => self.route(interrupt).unwrap_or(vcpu),
        };
        self.update(vcpu, intid, |it| {
            it.step(if active { Move::Activate } else { Move::Deactivate });
            it.active_on = active_on;
            it.active_priority = it.priority;
            it.active_wish = it.slot.map(|_| active);
        });
    }
}
