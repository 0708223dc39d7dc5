//! GICv2 with the virtualization extensions (IHI 0048).

use super::mmio::{Frame, configure_trigger, gicd, quieten, set_bit};
use super::{Acknowledged, ENABLE, EOI_MODE, KICK, MAIL, MAIL_PRIORITY, PRIORITY, SPECIAL, controls, take_controls};
use bulkhead_vmm::address::{Pa, Range};
use bulkhead_vmm::platform::CoreId;
use bulkhead_vmm::vgic::{CpuInterface, ListRegister, ListRegisterState, ListRegisters, Maintenance};
use core::sync::atomic::{AtomicU8, Ordering};

/// CPU interface registers (IHI 0048 4.1.3).
mod gicc {
    pub const CTLR: u64 = 0x000;
    pub const PMR: u64 = 0x004;
    pub const BPR: u64 = 0x008;
    pub const IAR: u64 = 0x00c;
    pub const EOIR: u64 = 0x010;
    pub const DIR: u64 = 0x1000;
    /// Where the two pages are 64 KiB apart, each half of the region repeats its page.
    pub const SPACED_SIZE: u64 = 0x2_0000;
    pub const SPACED_DIR: u64 = 0x1_0000;
    pub const APR: u64 = 0x0d0;
    /// Enable, in the only or the non-secure view; EOImode in the same views.
    pub const ENABLE: u32 = 1 | 1 << 9;
}

/// Virtual interface control registers (IHI 0048 5.3.1).
mod gich {
    pub const HCR: u64 = 0x00;
    pub const VTR: u64 = 0x04;
    pub const VMCR: u64 = 0x08;
    pub const APR: u64 = 0xf0;
    pub const LR: u64 = 0x100;
    pub const EOI_COUNT: u32 = 27;
    /// The bits of GICH_HCR that ask for maintenance interrupts.
    pub const HCR_MAINTENANCE: u32 = 0xfc;
    /// Where ICH_VMCR_EL2 has more bits of the priority mask.
    pub const VMCR_RESERVED: u32 = 0b111 << 24;
}

/// The CPU interface number of each core, as a mask for GICD_SGIR, by core index.
static INTERFACES: [AtomicU8; crate::CORES] = [const { AtomicU8::new(0) }; crate::CORES];

/// One core's view.
pub struct Gic {
    distributor: Frame,
    /// The CPU interface from GICC_IAR on: a load-acquire, as all loads of devices are, takes no offset.
    from_iar: Frame,
    hypervisor: Frame,
    /// Where GICC_DIR is behind GICC_IAR.
    deactivate: u64,
    /// What GICH_HCR holds, as far as it is known.
    control: u32,
}

/// Maps all frames; all interrupts off, all shared ones to nobody.
pub fn init_distributor(distributor: &Range<Pa>, cpu: &Range<Pa>, hypervisor: &Range<Pa>) {
    [distributor, cpu, hypervisor].into_iter().for_each(Frame::map);
    let frame = Frame::at(distributor);
    frame.write(gicd::CTLR, 0);
    let lines = (frame.read(gicd::TYPER) & 0x1f) + 1;
    for first in (1..lines).map(|line| line * 32) {
        quieten(&frame, first, PRIORITY);
        (0..8).for_each(|index| frame.write(gicd::ITARGETSR + u64::from(first) + index * 4, 0));
    }
    frame.write(gicd::CTLR, 1);
}

impl Gic {
    /// Sets up the banked registers of this core.
    pub fn init(distributor: &Range<Pa>, cpu: &Range<Pa>, hypervisor: &Range<Pa>) -> Self {
        let interface = Frame::at(cpu);
        let gic = Self {
            distributor: Frame::at(distributor),
            from_iar: interface.part(gicc::IAR, cpu.size() - gicc::IAR),
            hypervisor: Frame::at(hypervisor),
            control: 0,
            deactivate: if cpu.size() >= gicc::SPACED_SIZE { gicc::SPACED_DIR } else { gicc::DIR } - gicc::IAR,
        };
        quieten(&gic.distributor, 0, PRIORITY);
        gic.distributor.write8(gicd::IPRIORITYR + u64::from(MAIL), MAIL_PRIORITY);
        [KICK, MAIL].iter().for_each(|sgi| set_bit(&gic.distributor, gicd::ISENABLER, *sgi));
        // What firmware left in service would mask everything.
        (0..4).for_each(|index| interface.write(gicc::APR + index * 4, 0));
        interface.write(gicc::PMR, 0xff);
        interface.write(gicc::BPR, 0);
        interface.write(gicc::CTLR, gicc::ENABLE);
        gic.hypervisor.write(gich::HCR, 0);
        (0..gic.list_register_count() as u64).for_each(|index| gic.hypervisor.write(gich::LR + index * 4, 0));
        gic
    }

    /// Notes this core's CPU interface number, so that others can kick it as `core`.
    pub fn announce(&self, core: CoreId) {
        INTERFACES[core.0].store(self.own_target(), Ordering::Release);
    }

    /// The mask of this core's CPU interface: what the target field of a banked interrupt reads as. Where there is
    /// but one interface the register is RAZ/WI (IHI 0048 4.3.12).
    fn own_target(&self) -> u8 {
        match self.distributor.read8(gicd::ITARGETSR) {
            0 => 1,
            mask => mask,
        }
    }

    pub fn list_register_count(&self) -> usize {
        (self.hypervisor.read(gich::VTR) & 0x3f) as usize + 1
    }

    pub fn priority_bits(&self) -> u8 {
        (self.hypervisor.read(gich::VTR) >> 29) as u8 + 1
    }

    pub fn enable_private(&mut self, intid: u32) {
        set_bit(&self.distributor, gicd::ISENABLER, intid);
    }

    pub fn enable_shared_here(&mut self, intid: u32, edge: bool) {
        configure_trigger(&self.distributor, intid, edge);
        let here = self.own_target();
        self.distributor.write8(gicd::ITARGETSR + u64::from(intid), here);
        set_bit(&self.distributor, gicd::ISENABLER, intid);
    }

    pub fn acknowledge(&mut self) -> Option<Acknowledged> {
        let whole = self.from_iar.read(0);
        // What whoever sent it wrote before is seen by what is read after.
        aarch64_cpu::asm::barrier::dsb(aarch64_cpu::asm::barrier::SY);
        let intid = whole & 0x3ff;
        if SPECIAL.contains(&intid) {
            return None;
        }
        self.from_iar.write(gicc::EOIR - gicc::IAR, whole);
        Some(Acknowledged { intid, whole })
    }

    pub fn deactivate(&mut self, acknowledged: u32) {
        self.from_iar.write(self.deactivate, acknowledged);
    }

    pub fn set_private_active(&mut self, intid: u32, active: bool) {
        set_bit(&self.distributor, if active { gicd::ISACTIVER } else { gicd::ICACTIVER }, intid);
    }

    pub fn kick(&mut self, core: CoreId) {
        self.ring(sgi(core, KICK).into());
    }

    #[inline(always)]
    pub fn ring(&mut self, doorbell: u64) {
        aarch64_cpu::asm::barrier::dsb(aarch64_cpu::asm::barrier::ISHST);
        self.distributor.write(gicd::SGIR, doorbell as u32);
    }

    pub fn write_list_registers(&mut self, list_registers: &mut ListRegisters) {
        let mut changed = list_registers.changed;
        while changed != 0 {
            let index = changed.trailing_zeros();
            let register = &list_registers.registers[index as usize];
            let used = list_registers.used & 1 << index != 0;
            let bits = if used { encode(register) } else { 0 };
            self.hypervisor.write(gich::LR + u64::from(index) * 4, bits);
            changed &= changed - 1;
        }
        list_registers.changed = 0;
        self.set_control(ENABLE | list_registers.maintenance.bits() & gich::HCR_MAINTENANCE);
    }

    pub fn make_pending(&mut self, index: u8, register: ListRegister) {
        let offset = gich::LR + u64::from(index) * 4;
        let active = if register.hardware().is_none() { self.hypervisor.read(offset) } else { 0 };
        self.hypervisor.write(offset, encode(&register) | active);
    }

    pub fn read_list_registers(&mut self, list_registers: &mut ListRegisters) {
        let mut used = list_registers.used;
        while used != 0 {
            let index = used.trailing_zeros();
            let offset = gich::LR + u64::from(index) * 4;
            let bits = self.hypervisor.read(offset);
            let register = &mut list_registers.registers[index as usize];
            register.set_state(ListRegisterState::from_bits(u64::from(bits >> 28)));
            if register.eoi_maintenance() && register.state() == ListRegisterState::Empty {
                // It has been heard: its level-triggered interrupt must be low before the next sleep.
                self.hypervisor.write(offset, 0);
            }
            used &= used - 1;
        }
        if list_registers.maintenance != Maintenance::NONE {
            self.read_maintenance(list_registers);
        }
    }

    /// The rest of it, for a guest that has more interrupts than list registers.
    #[inline(never)]
    fn read_maintenance(&mut self, list_registers: &mut ListRegisters) {
        let interface = self.hypervisor.read(gich::VMCR);
        if list_registers.maintenance.has(Maintenance::ENTRY_NOT_PRESENT) {
            // With EOImode = 1 only GICC_DIR ends an interrupt, which traps: what may be counted all the same are drops of
            // the priority (IHI 0048 5.3.2 EOICount).
            let counted = if interface & 1 << EOI_MODE != 0 { 0 } else { self.hypervisor.read(gich::HCR) };
            list_registers.eoi_count = (counted >> gich::EOI_COUNT) as u8;
            self.control = !0;
        }
        if list_registers.maintenance.wants_groups() {
            list_registers.groups = [interface & 1 != 0, interface & 2 != 0];
        }
        // What was asked for has been heard: a level-triggered interrupt must be low before the next sleep.
        self.set_control(ENABLE);
    }

    fn set_control(&mut self, control: u32) {
        if self.control != control {
            self.hypervisor.write(gich::HCR, control);
            self.control = control;
        }
    }

    /// GICH_VMCR (IHI 0048 5.3.8) and the active priorities. List registers are empty while nothing is loaded.
    pub fn load_interface(&mut self, interface: &CpuInterface) {
        self.hypervisor.write(gich::VMCR, controls(interface) & !gich::VMCR_RESERVED);
        self.hypervisor.write(gich::APR, interface.active_priorities_0[0]);
        self.set_control(ENABLE);
    }

    pub fn park_interface(&mut self, interface: &mut CpuInterface) {
        take_controls(self.hypervisor.read(gich::VMCR) & !gich::VMCR_RESERVED, interface);
        interface.active_priorities_0[0] = self.hypervisor.read(gich::APR);
        self.clear_list_registers();
    }

    /// Empties all, and switches the virtual interface off.
    pub fn clear_list_registers(&mut self) {
        self.set_control(0);
        (0..self.list_register_count() as u64).for_each(|index| self.hypervisor.write(gich::LR + index * 4, 0));
    }
}

/// What GICD_SGIR must be written with to send `core` the SGI `intid` (IHI 0048 4.3.15).
pub fn sgi(core: CoreId, intid: u32) -> u32 {
    let target = INTERFACES.get(core.0).map_or(0, |place| u32::from(place.load(Ordering::Acquire)));
    target << 16 | intid
}

/// GICH_LR (IHI 0048 5.3.11).
// In place: an SGI to oneself needs it each time.
#[inline(always)]
fn encode(register: &ListRegister) -> u32 {
    let bits = register.bits();
    // From ICH_LR_EL2: state, HW, group, priority without its low bits, physical INTID or EOI and source, INTID.
    let upper = (bits >> 62 & 3) << 28 | (bits >> 61 & 1) << 31 | (bits >> 60 & 1) << 30 | (bits >> 51 & 0x1f) << 23;
    (upper | (bits >> 32 & 0x3ff) << 10 | bits & 0x3ff) as u32
}
