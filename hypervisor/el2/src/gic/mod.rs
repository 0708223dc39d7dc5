//! The physical interrupt controller: GICv2 (IHI 0048) or GICv3 (IHI 0069).
//!
//! EL2 takes every physical interrupt with its own exceptions masked: it acknowledges them when a guest exits
//! or a sleeping core wakes. Priority drop and deactivation are split (EOImode 1), so that the guest's own end
//! of interrupt deactivates a physical one that a list register is linked to.

mod mmio;
mod v2;
mod v3;

use bulkhead_vmm::config::board::GicVersion;
use bulkhead_vmm::platform::CoreId;
use bulkhead_vmm::vgic::{CpuInterface, ListRegister, ListRegisters};
use core::ops::RangeInclusive;

/// SGI that wakes a core (the lowest of those that TF-A leaves to the non-secure world).
pub const KICK: u32 = 0;
/// SGI that has a core look into a mailbox (the next of those).
pub const MAIL: u32 = 1;
/// INTIDs that are no interrupts. Extended and message-signalled ones are above.
const SPECIAL: RangeInclusive<u32> = 1020..=1023;
/// The priority that EL2 gives to all physical interrupts: the middle of the non-secure half.
const PRIORITY: u8 = 0xa0;
/// That of [`MAIL`], which guests send each other by the thousand: nothing waits for it. Four bits of priority, of which
/// the non-secure view has three, tell the two apart.
const MAIL_PRIORITY: u8 = 0xc0;

/// The guest's EOImode, in the same place of GICH_VMCR (VEM) and ICH_VMCR_EL2 (VEOIM).
const EOI_MODE: u32 = 9;

/// GICH_VMCR and ICH_VMCR_EL2, which agree, for what a guest has set in its CPU interface (IHI 0048 5.3.7, IHI 0069
/// 12.4.8).
fn controls(interface: &CpuInterface) -> u32 {
    let bit = |set: bool, position: u32| u32::from(set) << position;
    bit(interface.group_0_enabled, 0)
        | bit(interface.group_1_enabled, 1)
        | bit(interface.acknowledge_control, 2)
        | bit(interface.fiq_enabled, 3)
        | bit(interface.common_binary_point, 4)
        | bit(interface.split_end_of_interrupt, EOI_MODE)
        | u32::from(interface.binary_point_1) << 18
        | u32::from(interface.binary_point_0) << 21
        | u32::from(interface.priority_mask) << 24
}

/// Takes `interface` out of GICH_VMCR or ICH_VMCR_EL2, without active priorities.
fn take_controls(controls: u32, interface: &mut CpuInterface) {
    let bit = |position: u32| controls & 1 << position != 0;
    *interface = CpuInterface {
        priority_mask: (controls >> 24) as u8,
        binary_point_0: (controls >> 21 & 7) as u8,
        binary_point_1: (controls >> 18 & 7) as u8,
        group_0_enabled: bit(0),
        group_1_enabled: bit(1),
        split_end_of_interrupt: bit(EOI_MODE),
        common_binary_point: bit(4),
        acknowledge_control: bit(2),
        fiq_enabled: bit(3),
        active_priorities_0: [0; 4],
        active_priorities_1: [0; 4],
    };
}

/// GICH_HCR.En, ICH_HCR_EL2.En.
const ENABLE: u32 = 1;

/// An interrupt that was acknowledged.
pub struct Acknowledged {
    /// Its INTID.
    pub intid: u32,
    /// The same as it was read: above the INTID of an SGI GICv2 puts who sent it.
    pub whole: u32,
}

/// One core's part of the interrupt controller, and the way to the shared part.
pub enum Gic {
    /// GICv2.
    V2(v2::Gic),
    /// GICv3 or later.
    V3(v3::Gic),
}

macro_rules! each {
    ($self:ident, $gic:ident => $call:expr) => {
        match $self {
            Self::V2($gic) => $call,
            Self::V3($gic) => $call,
        }
    };
}

impl Gic {
    /// Maps the interrupt controller and sets its distributor up. Once, on the first core.
    pub fn init_distributor(version: &GicVersion) {
        match version {
            GicVersion::V2 { distributor, cpu_interface, hypervisor_interface, .. } => {
                v2::init_distributor(distributor, cpu_interface, hypervisor_interface);
            }
            GicVersion::V3 { distributor, redistributors, redistributor_stride } => {
                v3::init_distributor(distributor, redistributors, *redistributor_stride);
            }
        }
    }

    /// This core's part, set up. `None` if the core has no redistributor.
    pub fn init_core(version: &GicVersion) -> Option<Self> {
        match version {
            GicVersion::V2 { distributor, cpu_interface, hypervisor_interface, .. } => {
                Some(Self::V2(v2::Gic::init(distributor, cpu_interface, hypervisor_interface)))
            }
            GicVersion::V3 { distributor, redistributors, redistributor_stride } => {
                v3::Gic::init(distributor, redistributors, *redistributor_stride).map(Self::V3)
            }
        }
    }

    /// Notes that this core is `core`, so that others can kick it.
    pub fn announce(&self, core: CoreId) {
        each!(self, gic => gic.announce(core));
    }

    /// How many list registers the core has, 1 to 16.
    pub fn list_register_count(&self) -> usize {
        each!(self, gic => gic.list_register_count())
    }

    /// Bits of priority in the virtual CPU interface, 5 to 7.
    pub fn priority_bits(&self) -> u8 {
        each!(self, gic => gic.priority_bits())
    }

    /// Enables a private interrupt of this core.
    pub fn enable_private(&mut self, intid: u32) {
        each!(self, gic => gic.enable_private(intid));
    }

    /// Enables a shared interrupt and sends it to this core.
    pub fn enable_shared_here(&mut self, intid: u32, edge: bool) {
        each!(self, gic => gic.enable_shared_here(intid, edge));
    }

    /// Acknowledges the most urgent pending interrupt, and drops the running priority again. `None` if there is none.
    pub fn acknowledge(&mut self) -> Option<Acknowledged> {
        each!(self, gic => gic.acknowledge())
    }

    /// Deactivates the interrupt that was [acknowledged](Acknowledged::whole).
    pub fn deactivate(&mut self, acknowledged: u32) {
        each!(self, gic => gic.deactivate(acknowledged));
    }

    /// Sets or clears the active bit of a private interrupt.
    pub fn set_private_active(&mut self, intid: u32, active: bool) {
        each!(self, gic => gic.set_private_active(intid, active));
    }

    /// Wakes another core.
    pub fn kick(&mut self, core: CoreId) {
        each!(self, gic => gic.kick(core));
    }

    /// What sends [`MAIL`] to `core`, one that announced itself, by [`Self::ring`].
    pub fn doorbell(&self, core: CoreId) -> u64 {
        match self {
            Self::V2(_) => v2::sgi(core, MAIL).into(),
            Self::V3(_) => v3::sgi(core, MAIL),
        }
    }

    /// Sends what [`Self::doorbell`] gave.
    #[inline(always)]
    pub fn ring(&mut self, doorbell: u64) {
        each!(self, gic => gic.ring(doorbell));
    }

    /// Writes the list registers that changed, before a guest is entered.
    pub fn write_list_registers(&mut self, list_registers: &mut ListRegisters) {
        each!(self, gic => gic.write_list_registers(list_registers));
    }

    /// Makes the interrupt in list register `index` pending, where `register` was written before.
    pub fn make_pending(&mut self, index: u8, register: ListRegister) {
        each!(self, gic => gic.make_pending(index, register));
    }

    /// Reads back the state of those in use, after the guest's exit.
    pub fn read_list_registers(&mut self, list_registers: &mut ListRegisters) {
        each!(self, gic => gic.read_list_registers(list_registers));
    }

    /// Puts a vCPU's CPU interface into the hardware, with no list register in use.
    pub fn load_interface(&mut self, interface: &CpuInterface) {
        each!(self, gic => gic.load_interface(interface));
    }

    /// The same while a vCPU is loaded: empties its list registers.
    pub fn reset_interface(&mut self, interface: &CpuInterface) {
        each!(self, gic => gic.clear_list_registers());
        self.load_interface(interface);
    }

    /// Takes the vCPU's CPU interface out of the hardware, and switches the virtual interface off.
    pub fn park_interface(&mut self, interface: &mut CpuInterface) {
        each!(self, gic => gic.park_interface(interface));
    }
}
