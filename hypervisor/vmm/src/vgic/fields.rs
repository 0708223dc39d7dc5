//! Registers with a field for each interrupt. The distributor shows the shared ones, and on GICv2 the private
//! ones of the accessing vCPU; a redistributor shows the private ones of its vCPU in the same way.

use super::bank::Bank;
use super::lookup::Access;
use super::registers::Field;
use super::{FIRST_SHARED, SGIS, Version, Vgic};
use crate::bits::bits;
use crate::vcpu::VcpuId;

impl Vgic {
    /// Reads a register with a field for each interrupt.
    #[inline(always)]
    pub(super) fn read_each(&self, access: Access) -> u64 {
        let (index, first) = self.locate(access.vcpu(), access.first());
        let Some(bank) = self.banks.get(index) else { return 0 };
        u64::from(match access.field() {
            Field::Group => bank.group,
            Field::SetEnable | Field::ClearEnable => bank.enabled,
            Field::SetPending | Field::ClearPending => bank.lives.shown_pending(),
            Field::SetActive | Field::ClearActive => bank.lives.active(),
            Field::Configuration => spread(bank.lives.edge >> first & 0xFFFF) << 1,
            Field::Priority | Field::Targets | Field::SetSources | Field::ClearSources => {
                return self.read_bytes(access, bank, first);
            }
        })
    }

    /// Reads as many bytes as `access` wants of a register with one for each interrupt, from the one on that stands at
    /// `first` in `bank`.
    #[inline(never)]
    fn read_bytes(&self, access: Access, bank: &Bank, first: u32) -> u64 {
        let mut bytes = [0; 4];
        for (byte, position) in bytes.iter_mut().zip(first..).take(access.size().into()) {
            *byte = self.read_byte(access.vcpu(), bank, position, access.field());
        }
        u32::from_le_bytes(bytes).into()
    }

    fn read_byte(&self, vcpu: VcpuId, bank: &Bank, position: u32, field: Field) -> u8 {
        match field {
            Field::Priority => bank.detail(position).priority,
            Field::Targets => self.read_targets(vcpu, bank, position),
            _ => bank.sources(position),
        }
    }

    /// GICD_ITARGETSR (IHI 0048 4.3.12): private interrupts target the reader; with a single vCPU all read as 0.
    fn read_targets(&self, vcpu: VcpuId, bank: &Bank, position: u32) -> u8 {
        match self.vcpus.len() {
            1 => 0,
            _ if bank.first < FIRST_SHARED => 1 << (vcpu.index() % 8),
            _ => bank.detail(position).route.to_le_bytes()[0],
        }
    }

    /// Writes `given` to a register with a field for each interrupt.
    #[inline(always)]
    pub(super) fn write_each(&mut self, access: Access, given: u32) {
        let (index, first) = self.locate(access.vcpu(), access.first());
        let Some(bank) = self.banks.get_mut(index) else { return };
        let private = bank.first < FIRST_SHARED;
        // On GICv2 SGIs are always enabled, and pending by source only (IHI 0048 4.3.5 to 4.3.8).
        let free = if private && self.layout.version == Version::V2 { given & !SGIS } else { given };
        let (word, bits, value) = match access.field() {
            Field::SetEnable => (&mut bank.enabled, free, u32::MAX),
            Field::ClearEnable => (&mut bank.enabled, free, 0),
            Field::Group => (&mut bank.group, u32::MAX, given),
            // SGIs are always edge-triggered; PPIs are what is wired to them, which is level-sensitive (IHI 0048 4.3.13,
            // IHI 0069 12.11 GICR_ICFGR0 and GICR_ICFGR1: whether software may say otherwise is the implementation's choice).
            Field::Configuration if private => return,
            Field::Configuration => (&mut bank.lives.edge, 0xFFFF << first, gather(given >> 1) << first),
            _ => return self.write_other(access, index, first, (given, free)),
        };
        let changed = (*word ^ value) & bits;
        if changed != 0 {
            *word ^= changed;
            self.touched(index, changed);
        }
    }

    /// The same of a register that is more than a word of a bank: `given` to the bank `index`, from `first` there on, with
    /// those that are `free` to be written.
    #[inline(never)]
    fn write_other(&mut self, access: Access, index: usize, first: u32, (given, free): (u32, u32)) {
        match access.field() {
            Field::SetPending => self.set_latch(index, free, true),
            Field::ClearPending => self.set_latch(index, free, false),
            Field::SetActive => self.write_active(access.vcpu(), index, given, true),
            Field::ClearActive => self.write_active(access.vcpu(), index, given, false),
            _ => self.write_bytes(access, index, first, given),
        }
    }

    /// Writes to GICD_ISPENDR (`true`) and GICD_ICPENDR.
    #[inline(never)]
    pub(super) fn set_latch(&mut self, index: usize, bits: u32, pending: bool) {
        if !pending {
            self.collect_mail(index, bits);
        }
        let Some(bank) = self.banks.get_mut(index) else { return };
        let changed = if pending { bank.lives.pend(bits) } else { bank.lives.clear_pending(bits) };
        self.touched(index, changed);
    }

    /// The interrupts `bits` of a bank are about to lose their pending state: what was sent again until now goes with it.
    fn collect_mail(&mut self, index: usize, bits: u32) {
        let lent = self.banks.get(index).is_some_and(|bank| bank.lives.lent() & bits != 0 && bank.first < FIRST_SHARED);
        if lent && let Some(vcpu) = VcpuId::new(index.to_le_bytes()[0]) {
            self.close_mailbox(vcpu);
        }
    }

    /// The line of an interrupt goes, or stays, high or low.
    pub(super) fn set_line(&mut self, index: usize, position: u32, level: bool) {
        let Some(bank) = self.banks.get_mut(index) else { return };
        let changed = bank.lives.drive(1 << position, level);
        if changed != 0 {
            self.touched(index, changed);
        }
    }

    /// The same of a register with a byte for each interrupt.
    #[inline(never)]
    fn write_bytes(&mut self, access: Access, index: usize, first: u32, given: u32) {
        for (byte, position) in given.to_le_bytes().into_iter().zip(first..).take(access.size().into()) {
            self.write_byte(index, position, access.field(), byte);
        }
    }

    fn write_byte(&mut self, index: usize, position: u32, field: Field, byte: u8) {
        let priority = byte & self.layout.priority_mask();
        let targets = byte & self.layout.all_targets();
        let several = self.vcpus.len() > 1;
        let Some(bank) = self.banks.get_mut(index) else { return };
        let changed = match field {
            Field::SetSources => bank.change_sources(position, targets, 0),
            Field::ClearSources => bank.change_sources(position, 0, targets),
            Field::Targets if bank.first >= FIRST_SHARED && several => {
                return self.set_route(index, position, targets.into());
            }
            Field::Priority => match bank.details.get_mut(position as usize) {
                Some(detail) => core::mem::replace(&mut detail.priority, priority) != priority,
                None => false,
            },
            _ => false,
        };
        self.touched(index, u32::from(changed) << position);
    }

    /// Writes GICD_ITARGETSR or GICD_IROUTER.
    pub(super) fn set_route(&mut self, index: usize, position: u32, route: u64) {
        let Some(bank) = self.banks.get_mut(index) else { return };
        let Some(detail) = bank.details.get_mut(position as usize) else { return };
        let changed = core::mem::replace(&mut detail.route, route) != route;
        self.touched(index, u32::from(changed) << position);
    }

    /// GICD_ISACTIVER and GICD_ICACTIVER. A shared interrupt becomes active where it is routed, or else where it
    /// was written. While it is out in a list register it is not known whether it is active: what was written
    /// then holds as soon as it is taken back.
    #[inline(never)]
    pub(super) fn write_active(&mut self, vcpu: VcpuId, index: usize, word: u32, active: bool) {
        let Some(bank) = self.banks.get(index) else { return };
        let newly = if active { word & !bank.lives.active() } else { 0 };
        for position in bits(newly) {
            self.activate(vcpu, index, position);
        }
        let Some(bank) = self.banks.get_mut(index) else { return };
        let changed = bank.lives.set_active(word, active);
        self.touched(index, changed);
    }

    /// What there is to know of an interrupt that GICD_ISACTIVER makes active. The owner of one that a list register
    /// holds stays.
    fn activate(&mut self, vcpu: VcpuId, index: usize, position: u32) {
        let Some(bank) = self.banks.get(index) else { return };
        let route = if bank.first < FIRST_SHARED { None } else { self.route(bank.detail(position).route) };
        let Some(bank) = self.banks.get_mut(index) else { return };
        let listed = bank.lives.listed() & 1 << position != 0;
        let Some(detail) = bank.details.get_mut(position as usize) else { return };
        detail.active_priority = detail.priority;
        detail.active_by_register = true;
        if !listed {
            detail.owner = route.unwrap_or(vcpu).number();
        }
    }
}

/// Bits 15:0 of `word`, each in the lower of two bits.
const fn spread(word: u32) -> u32 {
    let word = (word | word << 8) & 0x00FF_00FF;
    let word = (word | word << 4) & 0x0F0F_0F0F;
    let word = (word | word << 2) & 0x3333_3333;
    (word | word << 1) & 0x5555_5555
}

/// What [`spread`] made of 16 bits, undone; the upper of each two bits are ignored.
const fn gather(word: u32) -> u32 {
    let word = word & 0x5555_5555;
    let word = (word | word >> 1) & 0x3333_3333;
    let word = (word | word >> 2) & 0x0F0F_0F0F;
    let word = (word | word >> 4) & 0x00FF_00FF;
    (word | word >> 8) & 0xFFFF
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gathering_undoes_spreading() {
        assert_eq!((spread(0x8001), spread(0xFFFF)), (0x4000_0001, 0x5555_5555));
        for bit in 0..16 {
            assert_eq!(gather(spread(1 << bit) | 0xAAAA_AAAA), 1 << bit);
        }
    }
}
