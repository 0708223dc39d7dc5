//! GICv3 and later (IHI 0069), with the system-register CPU interface.

use super::mmio::{Frame, configure_trigger, gicd, quieten, set_bit};
use super::{Acknowledged, ENABLE, EOI_MODE, KICK, MAIL, MAIL_PRIORITY, PRIORITY, SPECIAL, controls, take_controls};
use crate::mmu::{self, Kind};
use crate::{cpu, sysreg};
use bulkhead_vmm::address::{PAGE_SIZE, Pa, Range};
use bulkhead_vmm::platform::CoreId;
use bulkhead_vmm::vgic::{CpuInterface, ListRegister, ListRegisterState, ListRegisters, Maintenance};
use core::sync::atomic::{AtomicU64, Ordering};

/// GICD_CTLR: both groups (in either security view) and affinity routing.
const CTLR_ENABLE: u32 = 1 | 1 << 1 | 1 << 4;
const CTLR_ARE: u32 = 1 << 4;
/// GICD_CTLR.RWP: a write has not taken effect everywhere yet.
const CTLR_RWP: u32 = 1 << 31;
/// Redistributor registers (IHI 0069 12.10).
mod gicr {
    pub const TYPER: u64 = 0x008;
    pub const WAKER: u64 = 0x014;
    pub const SGI_FRAME: u64 = 0x1_0000;
    pub const FRAME_SIZE: u64 = 0x1_0000;
    /// GICR_TYPER.VLPIS: two more frames follow.
    pub const VLPIS: u64 = 1 << 1;
    pub const LAST: u64 = 1 << 4;
    pub const PROCESSOR_SLEEP: u32 = 1 << 1;
    pub const CHILDREN_ASLEEP: u32 = 1 << 2;
    pub const IGRPMODR: u64 = 0xd00;
}
/// ICH_HCR_EL2 bits.
const HCR_EOI_COUNT: u32 = 27;
/// ICH_VMCR_EL2.VFIQEn: one with system registers.
const VMCR_FIQ_ENABLED: u32 = 1 << 3;

/// What ICC_SGI1R_EL1 must hold, beside the INTID, to name each core that came up, by core index; 0, which names none, for
/// the others.
static TARGETS: [AtomicU64; crate::CORES] = [const { AtomicU64::new(0) }; crate::CORES];

/// One core's view.
pub struct Gic {
    distributor: Frame,
    private: Frame,
    list_registers: usize,
    priority_bits: u8,
    /// Bits of preemption: they decide how many active priority registers there are.
    preemption_bits: u8,
    /// ICH_HCR_EL2 as last written.
    control: u64,
}

/// Maps all frames; all shared interrupts off and in Group 1.
pub fn init_distributor(distributor: &Range<Pa>, redistributors: &[Range<Pa>], stride: Option<u64>) {
    // One frame (IHI 0069 12.8), however large a region a damaged tree gives to it: tables are few.
    let size = distributor.size().min(gicr::FRAME_SIZE);
    if let Some(frame) = Range::<Pa>::new(distributor.start(), size) {
        Frame::map(&frame);
    }
    redistributors.iter().for_each(|range| map_used(range, stride));
    let frame = Frame::at(distributor);
    frame.write(gicd::CTLR, 0);
    wait_for_write(&frame);
    frame.write(gicd::CTLR, CTLR_ARE);
    let lines = (frame.read(gicd::TYPER) & 0x1f) + 1;
    for first in (1..lines).map(|line| line * 32).filter(|first| *first < *SPECIAL.start()) {
        frame.write(gicd::IGROUPR + u64::from(first / 32) * 4, u32::MAX);
        quieten(&frame, first, PRIORITY);
    }
    wait_for_write(&frame);
    frame.write(gicd::CTLR, CTLR_ENABLE);
    wait_for_write(&frame);
}

/// A region may be as large as the most cores that the board could have (QEMU's `virt`: 123): only the frames
/// up to the last redistributor are mapped.
fn map_used(range: &Range<Pa>, stride: Option<u64>) {
    let mut offset = 0;
    while offset + 2 * gicr::FRAME_SIZE <= range.size() {
        let start = range.start().get() + offset;
        // The two pages of a redistributor that hold registers which we use.
        Range::<Pa>::new(Pa::new(start), PAGE_SIZE).iter().for_each(Frame::map);
        mmu::map(start + gicr::SGI_FRAME, PAGE_SIZE, Kind::Device);
        let kind = Frame::at(range).part(offset, PAGE_SIZE).read64(gicr::TYPER);
        if kind & gicr::LAST != 0 {
            return;
        }
        offset += step(kind, stride);
    }
}

/// Bytes to the next redistributor: as the tree says, else two frames, or four with virtual LPIs.
fn step(kind: u64, stride: Option<u64>) -> u64 {
    let frames = if kind & gicr::VLPIS != 0 { 4 } else { 2 };
    stride.unwrap_or(frames * gicr::FRAME_SIZE)
}

fn wait_for_write(frame: &Frame) {
    while frame.read(gicd::CTLR) & CTLR_RWP != 0 {
        core::hint::spin_loop();
    }
}

/// The redistributor of this core: the one whose GICR_TYPER holds its affinity.
fn find_redistributor(redistributors: &[Range<Pa>], stride: Option<u64>) -> Option<Frame> {
    let affinity = cpu::affinity();
    let packed = (affinity >> 32 & 0xff) << 24 | affinity & 0xff_ffff;
    for range in redistributors {
        let (region, mut offset) = (Frame::at(range), 0);
        while offset + 2 * gicr::FRAME_SIZE <= range.size() {
            let frame = region.part(offset, 2 * gicr::FRAME_SIZE);
            let kind = frame.read64(gicr::TYPER);
            if kind >> 32 == packed {
                return Some(frame);
            }
            if kind & gicr::LAST != 0 {
                break;
            }
            offset += step(kind, stride);
        }
    }
    None
}

/// Wakes the redistributor (IHI 0069 12.11.42, GICR_WAKER).
fn wake(redistributor: &Frame) {
    let waker = redistributor.read(gicr::WAKER);
    redistributor.write(gicr::WAKER, waker & !gicr::PROCESSOR_SLEEP);
    while redistributor.read(gicr::WAKER) & gicr::CHILDREN_ASLEEP != 0 {
        core::hint::spin_loop();
    }
}

impl Gic {
    /// Sets up this core's redistributor and CPU interface.
    pub fn init(distributor: &Range<Pa>, redistributors: &[Range<Pa>], stride: Option<u64>) -> Option<Self> {
        let redistributor = find_redistributor(redistributors, stride)?;
        wake(&redistributor);
        let private = redistributor.part(gicr::SGI_FRAME, gicr::FRAME_SIZE);
        private.write(gicd::IGROUPR, u32::MAX);
        private.write(gicr::IGRPMODR, 0);
        quieten(&private, 0, PRIORITY);
        private.write8(gicd::IPRIORITYR + u64::from(MAIL), MAIL_PRIORITY);
        [KICK, MAIL].iter().for_each(|sgi| set_bit(&private, gicd::ISENABLER, *sgi));
        init_cpu_interface();
        let kind = sysreg::read!("ich_vtr_el2");
        let (list_registers, priority_bits) = ((kind & 0x1f) as usize + 1, (kind >> 29 & 7) as u8 + 1);
        let preemption_bits = (kind >> 26 & 7) as u8 + 1;
        let distributor = Frame::at(distributor);
        let mut gic = Self { distributor, private, list_registers, priority_bits, preemption_bits, control: 0 };
        gic.clear_list_registers();
        Some(gic)
    }

    /// Notes how others can kick this core as `core` (ICC_SGI1R_EL1, IHI 0069 12.2.18).
    pub fn announce(&self, core: CoreId) {
        let [aff0, aff1, aff2, _, aff3, ..] = cpu::affinity().to_le_bytes().map(u64::from);
        let target = aff3 << 48 | (aff0 >> 4) << 44 | aff2 << 32 | aff1 << 16 | 1 << (aff0 & 15);
        TARGETS[core.0].store(target, Ordering::Release);
    }

    pub fn list_register_count(&self) -> usize {
        self.list_registers
    }

    pub fn priority_bits(&self) -> u8 {
        self.priority_bits
    }

    pub fn enable_private(&mut self, intid: u32) {
        set_bit(&self.private, gicd::ISENABLER, intid);
    }

    pub fn enable_shared_here(&mut self, intid: u32, edge: bool) {
        configure_trigger(&self.distributor, intid, edge);
        self.distributor.write64(gicd::IROUTER + u64::from(intid) * 8, cpu::affinity());
        set_bit(&self.distributor, gicd::ISENABLER, intid);
    }

    pub fn acknowledge(&mut self) -> Option<Acknowledged> {
        let intid = sysreg::read!("icc_iar1_el1") as u32 & 0xff_ffff;
        aarch64_cpu::asm::barrier::dsb(aarch64_cpu::asm::barrier::SY);
        if SPECIAL.contains(&intid) {
            return None;
        }
        sysreg::write!("icc_eoir1_el1", u64::from(intid));
        aarch64_cpu::asm::barrier::isb(aarch64_cpu::asm::barrier::SY);
        Some(Acknowledged { intid, whole: intid })
    }

    pub fn deactivate(&mut self, acknowledged: u32) {
        sysreg::write!("icc_dir_el1", u64::from(acknowledged));
    }

    pub fn set_private_active(&mut self, intid: u32, active: bool) {
        set_bit(&self.private, if active { gicd::ISACTIVER } else { gicd::ICACTIVER }, intid);
    }

    pub fn kick(&mut self, core: CoreId) {
        self.ring(sgi(core, KICK));
    }

    #[inline(always)]
    pub fn ring(&mut self, doorbell: u64) {
        aarch64_cpu::asm::barrier::dsb(aarch64_cpu::asm::barrier::ISHST);
        sysreg::write!("icc_sgi1r_el1", doorbell);
        aarch64_cpu::asm::barrier::isb(aarch64_cpu::asm::barrier::SY);
    }

    pub fn write_list_registers(&mut self, list_registers: &mut ListRegisters) {
        let mut changed = list_registers.changed;
        while changed != 0 {
            let index = changed.trailing_zeros();
            let register = &list_registers.registers[index as usize];
            let used = list_registers.used & 1 << index != 0;
            write_list_register(index.into(), if used { register.bits() } else { 0 });
            changed &= changed - 1;
        }
        list_registers.changed = 0;
        self.set_control(u64::from(ENABLE | list_registers.maintenance.bits()));
    }

    pub fn make_pending(&mut self, index: u8, register: ListRegister) {
        if register.hardware().is_some() {
            return write_list_register(index.into(), register.bits());
        }
        add_to_list_register(index.into(), register.bits());
    }

    pub fn read_list_registers(&mut self, list_registers: &mut ListRegisters) {
        let mut used = list_registers.used;
        while used != 0 {
            let index = used.trailing_zeros();
            let bits = read_list_register(index.into());
            let register = &mut list_registers.registers[index as usize];
            register.set_state(ListRegisterState::from_bits(bits >> 62));
            if register.eoi_maintenance() && register.state() == ListRegisterState::Empty {
                // It has been heard: its level-triggered interrupt must be low before the next sleep.
                write_list_register(index.into(), 0);
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
        let interface = sysreg::read!("ich_vmcr_el2");
        if list_registers.maintenance.has(Maintenance::ENTRY_NOT_PRESENT) {
            // With EOImode = 1 only ICC_DIR_EL1 ends an interrupt, which is trapped then, so that there is nothing to count
            // (IHI 0069 12.4 ICH_HCR_EL2.EOIcount). What QEMU counts all the same are drops of the priority.
            let counted = if interface & 1 << EOI_MODE != 0 { 0 } else { sysreg::read!("ich_hcr_el2") };
            list_registers.eoi_count = (counted >> HCR_EOI_COUNT & 0x1f) as u8;
            self.control = u64::MAX;
        }
        if list_registers.maintenance.wants_groups() {
            list_registers.groups = [interface & 1 != 0, interface & 2 != 0];
        }
        // What was asked for has been heard: a level-triggered interrupt must be low before the next sleep.
        self.set_control(u64::from(ENABLE));
    }

    fn set_control(&mut self, control: u64) {
        if self.control != control {
            sysreg::write!("ich_hcr_el2", control);
            self.control = control;
        }
    }

    /// ICH_VMCR_EL2 (IHI 0069 12.4.8) and the active priorities. List registers are empty while nothing is loaded.
    pub fn load_interface(&mut self, interface: &CpuInterface) {
        // The guest has system registers only: SRE, and no bypass, in its own view. ICH_VMCR_EL2 depends on it.
        sysreg::write!("icc_sre_el1", 0b111);
        aarch64_cpu::asm::barrier::isb(aarch64_cpu::asm::barrier::SY);
        sysreg::write!("ich_vmcr_el2", u64::from(controls(interface) | VMCR_FIQ_ENABLED));
        self.write_active_priorities(interface);
        self.set_control(u64::from(ENABLE));
    }

    pub fn park_interface(&mut self, interface: &mut CpuInterface) {
        let fiq_enabled = interface.fiq_enabled;
        take_controls(sysreg::read!("ich_vmcr_el2") as u32, interface);
        interface.fiq_enabled = fiq_enabled;
        self.read_active_priorities(interface);
        self.clear_list_registers();
    }

    /// ICH_AP0Rn_EL2 and ICH_AP1Rn_EL2: one register of each per 5 bits of priority, two for 6, four for 7.
    fn write_active_priorities(&self, interface: &CpuInterface) {
        let (zero, one) = (&interface.active_priorities_0, &interface.active_priorities_1);
        sysreg::write!("ich_ap0r0_el2", u64::from(zero[0]));
        sysreg::write!("ich_ap1r0_el2", u64::from(one[0]));
        if self.preemption_bits >= 6 {
            sysreg::write!("ich_ap0r1_el2", u64::from(zero[1]));
            sysreg::write!("ich_ap1r1_el2", u64::from(one[1]));
        }
        if self.preemption_bits >= 7 {
            sysreg::write!("ich_ap0r2_el2", u64::from(zero[2]));
            sysreg::write!("ich_ap1r2_el2", u64::from(one[2]));
            sysreg::write!("ich_ap0r3_el2", u64::from(zero[3]));
            sysreg::write!("ich_ap1r3_el2", u64::from(one[3]));
        }
    }

    fn read_active_priorities(&self, interface: &mut CpuInterface) {
        interface.active_priorities_0[0] = sysreg::read!("ich_ap0r0_el2") as u32;
        interface.active_priorities_1[0] = sysreg::read!("ich_ap1r0_el2") as u32;
        if self.preemption_bits >= 6 {
            interface.active_priorities_0[1] = sysreg::read!("ich_ap0r1_el2") as u32;
            interface.active_priorities_1[1] = sysreg::read!("ich_ap1r1_el2") as u32;
        }
        if self.preemption_bits >= 7 {
            interface.active_priorities_0[2] = sysreg::read!("ich_ap0r2_el2") as u32;
            interface.active_priorities_1[2] = sysreg::read!("ich_ap1r2_el2") as u32;
            interface.active_priorities_0[3] = sysreg::read!("ich_ap0r3_el2") as u32;
            interface.active_priorities_1[3] = sysreg::read!("ich_ap1r3_el2") as u32;
        }
    }

    /// Empties all, and switches the virtual interface off.
    pub fn clear_list_registers(&mut self) {
        sysreg::write!("ich_hcr_el2", 0);
        self.control = 0;
        (0..self.list_registers as u64).for_each(|index| write_list_register(index, 0));
    }
}

/// What ICC_SGI1R_EL1 must be written with to send `core` the SGI `intid` (IHI 0069 12.2.18).
pub fn sgi(core: CoreId, intid: u32) -> u64 {
    let target = TARGETS.get(core.0).map_or(0, |place| place.load(Ordering::Acquire));
    target | u64::from(intid) << 24
}

/// This core's own interrupts: all priorities, priority drop apart from deactivation (EOImode 1), Group 1.
fn init_cpu_interface() {
    sysreg::write!("icc_sre_el2", 0xf);
    aarch64_cpu::asm::barrier::isb(aarch64_cpu::asm::barrier::SY);
    // What firmware left in service would mask everything.
    sysreg::write!("icc_ap0r0_el1", 0);
    sysreg::write!("icc_ap1r0_el1", 0);
    sysreg::write!("icc_pmr_el1", 0xff);
    sysreg::write!("icc_bpr1_el1", 0);
    sysreg::write!("icc_ctlr_el1", 1 << 1);
    sysreg::write!("icc_igrpen1_el1", 1);
    aarch64_cpu::asm::barrier::isb(aarch64_cpu::asm::barrier::SY);
}

/// Sets `bits` of list register `index`, and leaves the others: it may be active.
#[inline(never)]
fn add_to_list_register(index: u64, bits: u64) {
    write_list_register(index, read_list_register(index) | bits);
}

/// A function of 16 parts of two instructions, one for each list register; X0 says which is carried out. The registers
/// are named in the instructions, so that a table of addresses would be the alternative.
macro_rules! by_list_register {
    ($before:literal, $after:literal) => {
        core::arch::naked_asm!(
            "adr x2, 2f",
            "and x0, x0, #15",
            "add x2, x2, x0, lsl #3",
            "br x2",
            "2:",
            concat!($before, "0", $after),
            concat!($before, "1", $after),
            concat!($before, "2", $after),
            concat!($before, "3", $after),
            concat!($before, "4", $after),
            concat!($before, "5", $after),
            concat!($before, "6", $after),
            concat!($before, "7", $after),
            concat!($before, "8", $after),
            concat!($before, "9", $after),
            concat!($before, "10", $after),
            concat!($before, "11", $after),
            concat!($before, "12", $after),
            concat!($before, "13", $after),
            concat!($before, "14", $after),
            concat!($before, "15", $after),
        )
    };
}

/// Writes `ICH_LR<index>_EL2`.
// SAFETY: keeps to the procedure call standard: only X0 and X2 change, which a callee may use.
#[unsafe(naked)]
extern "C" fn write_list_register(index: u64, bits: u64) {
    by_list_register!("msr ich_lr", "_el2, x1\nret")
}

/// Reads `ICH_LR<index>_EL2`.
// SAFETY: likewise, and the value is returned in X0.
#[unsafe(naked)]
extern "C" fn read_list_register(index: u64) -> u64 {
    by_list_register!("mrs x0, ich_lr", "_el2\nret")
}
