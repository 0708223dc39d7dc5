//! Makes a VM out of its plan.

use super::{Counters, Device, Lifecycle, Memory, Slot, Vm};
use crate::address::{Ipa, PAGE_SIZE, Pa, Range};
use crate::config::board::GicVersion;
use crate::config::{GuestGic, VmConfig, VmPlan};
use crate::device::bus::Bus;
use crate::device::pl011::Pl011;
use crate::fault::ConfigError;
use crate::identity::{self, Identity};
use crate::kernel_image::{HEADER_SIZE, LoadPlan};
use crate::platform::{CoreId, Platform, TableMemory, Vmid};
use crate::stage2::{Attributes, Geometry, MapError, Stage2};
use crate::vgic::{Layout, LayoutError, Version, Vgic};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// The two pages of a GICv2 guest's CPU interface: where it sees each, and GICV's page behind it.
pub(super) type InterfacePages = [(Range<Ipa>, Pa); 2];

/// SPIs that a guest's interrupt controller has: as many as QEMU's `virt`.
const SPIS: usize = 256;

/// What of the machine a VM's shape depends on.
#[derive(Clone, Debug)]
pub struct Hardware {
    /// The identification registers of its cores.
    pub identity: [u64; identity::COUNT],
    /// Bits of a physical address.
    pub physical_bits: u8,
    /// The interrupt controller, for the virtual CPU interface that a GICv2 guest is given.
    pub gic: GicVersion,
    /// List registers to use, 1 to 16.
    pub list_registers: usize,
    /// Bits of priority of the virtual CPU interface, 5 to 7.
    pub priority_bits: u8,
    /// The physical INTID of the virtual timer.
    pub virtual_timer: u32,
}

/// Why a VM could not be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BuildError {
    /// Its configuration does not fit what its modules hold.
    Configuration(ConfigError),
    /// There is not so much memory in whole pages.
    Memory(u64),
    /// Its memory could not be mapped.
    Map(MapError),
    /// Its interrupt controller cannot exist on this board.
    InterruptController(LayoutError),
    /// A GICv2 guest on a board without GICv2, or the other way round.
    ForeignGic,
    /// A state that no such VM can have, or that does not come out as it was put in.
    State,
    /// A device overlaps another.
    Devices(String),
    /// The board's addresses are too short for stage 2.
    Geometry,
}

impl fmt::Display for BuildError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Configuration(error) => write!(formatter, "{error}"),
            Self::Memory(size) => write!(formatter, "no {} KiB of memory are left", size / 1024),
            Self::Map(error) => write!(formatter, "its memory cannot be mapped: {error:?}"),
            Self::InterruptController(error) => write!(formatter, "no interrupt controller can be made so: {error:?}"),
            Self::ForeignGic => write!(formatter, "this board cannot give its gic-version"),
            Self::State => write!(formatter, "its state does not fit its machine"),
            Self::Devices(overlap) => write!(formatter, "{overlap}"),
            Self::Geometry => write!(formatter, "the board's physical addresses have less than 31 bits"),
        }
    }
}

impl Vm {
    /// Makes the VM that `plan` describes, with memory of its own and everything mapped. It is not loaded yet.
    ///
    /// # Errors
    /// [`BuildError`]; whatever had been taken is given back.
    pub fn build<P: Platform>(
        platform: &mut P,
        plan: VmPlan,
        vmid: Vmid,
        hardware: Hardware,
    ) -> Result<Self, BuildError> {
        let mut head = [0; HEADER_SIZE];
        let available = plan.vm.kernel.range.size().min(HEADER_SIZE as u64);
        if let Some(part) = usize::try_from(available).ok().and_then(|length| head.get_mut(..length)) {
            platform.read_memory(plan.vm.kernel.range.start(), part);
        }
        let (pieces, own) = match plan.memory {
            Some(fixed) => (alloc::vec![fixed], false),
            None => (platform.allocate_memory(plan.memory_size).ok_or(BuildError::Memory(plan.memory_size))?, true),
        };
        let result = Self::assemble(platform, plan, vmid, hardware, &head, pieces.clone());
        if result.is_err() && own {
            platform.free_memory(&pieces);
        }
        result
    }

    fn assemble<P: Platform>(
        platform: &mut P,
        plan: VmPlan,
        vmid: Vmid,
        hardware: Hardware,
        head: &[u8],
        pieces: Vec<Range<Pa>>,
    ) -> Result<Self, BuildError> {
        let memory = Memory::new(plan.vm.layout.ram_base, pieces).ok_or(BuildError::Memory(0))?;
        let load = LoadPlan::new(&plan.vm, memory.guest(), head).map_err(BuildError::Configuration)?;
        let vgic = vgic(&plan, &hardware)?;
        let bus = bus(&plan).map_err(BuildError::Devices)?;
        let geometry = Geometry::for_machine(hardware.physical_bits).ok_or(BuildError::Geometry)?;
        let interface = interface_pages(&plan.vm, vgic.layout().version, &hardware)?;
        let stage2 = platform.with_tables(|tables| stage2(geometry, &memory, interface, tables))?;
        let identity = Identity::for_guest(hardware.identity, plan.gic == GuestGic::V3);
        Ok(Self {
            slots: plan.cores.iter().map(|core| Slot::new(CoreId(*core))).collect(),
            config: plan.vm,
            vmid,
            vgic,
            bus,
            uart: Pl011::new(),
            memory,
            stage2,
            identity,
            hardware,
            counter_offset: 0,
            load,
            lifecycle: Lifecycle::first(),
            counters: Counters::default(),
            reason: None,
        })
    }
}

/// An interrupt controller out of reset, with each vCPU's virtual timer linked to the hardware's.
pub(super) fn linked_vgic(layout: Layout, guest: u32, physical: u32) -> Vgic {
    let mut vgic = Vgic::new(layout);
    link_timers(&mut vgic, guest, physical);
    vgic
}

/// Links each vCPU's virtual timer to the hardware's.
pub(super) fn link_timers(vgic: &mut Vgic, guest: u32, physical: u32) {
    for vcpu in crate::vcpu::VcpuSet::first(vgic.layout().vcpus).iter() {
        vgic.link_hardware(vcpu, guest, physical);
    }
}

fn vgic(plan: &VmPlan, hardware: &Hardware) -> Result<Vgic, BuildError> {
    let layout = Layout {
        version: if plan.gic == GuestGic::V3 { Version::V3 } else { Version::V2 },
        vcpus: plan.cores.len(),
        spis: SPIS,
        priority_bits: hardware.priority_bits,
        list_registers: hardware.list_registers,
    };
    layout.check().map_err(BuildError::InterruptController)?;
    Ok(linked_vgic(layout, plan.vm.layout.virtual_timer_intid, hardware.virtual_timer))
}

fn bus(plan: &VmPlan) -> Result<Bus<Device>, String> {
    let mut bus = Bus::default();
    let layout = &plan.vm.layout;
    let mut insert = |range, device| bus.insert(range, device).map_err(|overlap| format!("{overlap}"));
    insert(layout.distributor, Device::Distributor)?;
    if plan.gic == GuestGic::V3
        && let Some(range) = layout.redistributor_range(plan.cores.len())
    {
        insert(range, Device::Redistributors)?;
    }
    if plan.vm.console {
        insert(layout.uart, Device::Uart)?;
    }
    Ok(bus)
}

/// Where a GICv2 guest's CPU interface is, and the two pages of GICV behind it; `None` for a GICv3 guest.
///
/// # Errors
/// The board has another version than the guest.
pub(super) fn interface_pages(
    config: &VmConfig,
    version: Version,
    hardware: &Hardware,
) -> Result<Option<InterfacePages>, BuildError> {
    match (&hardware.gic, version) {
        (GicVersion::V3 { .. }, Version::V3) => Ok(None),
        (GicVersion::V2 { virtual_cpu_interface, .. }, Version::V2) => {
            pages(config.layout.cpu_interface.start(), virtual_cpu_interface).map(Some).ok_or(BuildError::ForeignGic)
        }
        _ => Err(BuildError::ForeignGic),
    }
}

/// GICV's two pages. Where they are 64 KiB apart (a region of 128 KiB, aliased within each half), the second,
/// with GICV_DIR, is the first of the upper half (Arm SBSA, GICv2 on 64 KiB pages).
fn pages(guest: Ipa, hardware: &Range<Pa>) -> Option<InterfacePages> {
    const SPACED: u64 = 0x2_0000;
    let second = if hardware.size() >= SPACED { SPACED / 2 } else { PAGE_SIZE };
    let page = |offset| Range::<Ipa>::new(guest.checked_add(offset)?, PAGE_SIZE);
    if hardware.size() < 2 * PAGE_SIZE {
        return None;
    }
    Some([(page(0)?, hardware.start()), (page(PAGE_SIZE)?, hardware.start().checked_add(second)?)])
}

/// The guest's address space: its RAM, and for a GICv2 guest the virtual CPU interface.
pub(super) fn stage2(
    geometry: Geometry,
    memory: &Memory,
    interface: Option<InterfacePages>,
    tables: &mut impl TableMemory,
) -> Result<Stage2, BuildError> {
    let mut stage2 = Stage2::new(geometry, tables).ok_or(BuildError::Map(MapError::OutOfTables))?;
    let mapped = map_all(&mut stage2, memory, interface, tables);
    match mapped {
        Ok(()) => Ok(stage2),
        Err(error) => {
            stage2.free(tables);
            Err(BuildError::Map(error))
        }
    }
}

fn map_all(
    stage2: &mut Stage2,
    memory: &Memory,
    interface: Option<InterfacePages>,
    tables: &mut impl TableMemory,
) -> Result<(), MapError> {
    for (guest, piece) in memory.mapped() {
        let guest = Range::<Ipa>::new(guest, piece.size()).ok_or(MapError::OutOfRange)?;
        stage2.map(guest, piece.start(), Attributes::Memory, tables)?;
    }
    for (guest, page) in interface.into_iter().flatten() {
        stage2.map(guest, page, Attributes::Device, tables)?;
    }
    Ok(())
}
