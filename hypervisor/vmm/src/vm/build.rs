//! Makes a VM out of its plan.

use super::{Counters, Device, Lifecycle, Memory, Shared, Slot, Vm};
use crate::address::{Ipa, PAGE_SIZE, Pa, Range};
use crate::config::{GuestGic, VmConfig, VmPlan};
use crate::console::Serial;
use crate::device::bus::Bus;
use crate::device::pl011::Pl011;
use crate::fault::ConfigError;
use crate::identity::{self, Identity};
use crate::kernel_image::{KernelFile, LoadPlan, unreadable};
use crate::platform::{CoreId, Platform, TableMemory, Vmid};
use crate::seed::Seed;
use crate::stage2::{Attributes, Geometry, MapError, Stage2};
use crate::vcpu::VcpuSet;
use crate::vgic::{Frame, Layout, Version, Vgic};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
#[cfg(feature = "gzip")]
use core::sync::atomic::AtomicBool;
use spin::Mutex;

/// The first page of a GICv2 guest's CPU interface: where it sees it, and GICV's page behind it.
type InterfacePage = (Ipa, Pa);

/// SPIs that a guest's interrupt controller has: as many as QEMU's `virt`.
const SPIS: usize = 256;

/// What of the machine a VM's shape depends on.
#[derive(Clone, Debug)]
pub struct Hardware {
    /// The identification registers of its cores.
    pub identity: [u64; identity::COUNT],
    /// Bits of a physical address.
    pub physical_bits: u8,
    /// GICV, which a GICv2 guest is given as its CPU interface; `None` on a board with GICv3.
    pub virtual_cpu_interface: Option<Range<Pa>>,
    /// List registers to use, 1 to 16.
    pub list_registers: usize,
    /// Bits of priority of the virtual CPU interface, 5 to 7.
    pub priority_bits: u8,
    /// The physical INTID of the virtual timer.
    pub virtual_timer: u32,
    /// For the guests' random numbers.
    pub seed: Seed,
    /// Whether a VM is unpacking its kernel: one at a time does, for what it takes of the heap.
    #[cfg(feature = "gzip")]
    pub is_unpacking: Arc<AtomicBool>,
}

/// Why a VM could not be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BuildError {
    /// Its configuration does not fit what its modules hold.
    Configuration(ConfigError),
    /// There is not so much memory in whole pages.
    Memory(u64),
    /// This board cannot give what it needs, or its state does not fit.
    Board(&'static str),
}

impl BuildError {
    /// A state that no such VM can have, or that does not come out as it was put in.
    pub(super) const STATE: Self = Self::Board("its state does not fit its machine");
    /// A GICv2 guest on a board without GICv2, or the other way round.
    const FOREIGN_GIC: Self = Self::Board("this board cannot give its gic-version");
}

impl fmt::Display for BuildError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Configuration(error) => error.fmt(formatter),
            Self::Memory(size) => write!(formatter, "no {} KiB of memory are left", size / 1024),
            Self::Board(lack) => formatter.write_str(lack),
        }
    }
}

/// What a VM is made to. It never changes, so a VM that is made anew is made to the same.
#[derive(Debug)]
pub(super) struct Blueprint {
    /// What the owner wants of it, and what it gets.
    pub plan: VmPlan,
    /// The tag of its translations.
    pub vmid: Vmid,
    /// The machine under it.
    pub hardware: Arc<Hardware>,
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
        hardware: &Arc<Hardware>,
    ) -> Result<Self, BuildError> {
        let blueprint = Arc::new(Blueprint { plan, vmid, hardware: hardware.clone() });
        let plan = &blueprint.plan;
        let pieces = match plan.memory {
            Some(fixed) => alloc::vec![fixed],
            None => platform.allocate_memory(plan.memory_size).ok_or(BuildError::Memory(plan.memory_size))?,
        };
        let memory = Memory::new(plan.vm.layout.ram_base, pieces).ok_or(BuildError::Memory(plan.memory_size))?;
        let slots = plan.cores.iter().map(|core| Slot::new(CoreId(*core))).collect();
        let vm = Self::around(platform, &blueprint, slots, &memory);
        if vm.is_err() && plan.memory.is_none() {
            platform.free_memory(memory.pieces());
        }
        vm
    }

    /// Makes a VM around RAM that is there: everything else of it is new.
    ///
    /// # Errors
    /// [`BuildError`]; nothing is taken then.
    pub(super) fn around<P: Platform>(
        platform: &mut P,
        blueprint: &Arc<Blueprint>,
        slots: Vec<Slot>,
        memory: &Memory,
    ) -> Result<Self, BuildError> {
        let Blueprint { plan: VmPlan { vm: config, gic, .. }, hardware, .. } = &**blueprint;
        let load = load_plan(platform, config, memory).map_err(BuildError::Configuration)?;
        let layout = layout(*gic, slots.len(), hardware)?;
        let geometry = Geometry::for_machine(hardware.physical_bits)
            .ok_or(BuildError::Board("the board's physical addresses have less than 31 bits"))?;
        let interface = interface_page(config, *gic, hardware.virtual_cpu_interface)?;
        let bus = bus(config, *gic, slots.len())?;
        let mut vm = Self {
            stage2: platform.with_tables(|tables| stage2(geometry, memory, interface.as_ref(), tables))?,
            slots,
            vgic: Vgic::new(layout),
            shared: Arc::new(Shared {
                identity: Identity::for_guest(hardware.identity, *gic == GuestGic::V3),
                bus,
                serial: Mutex::new(Serial::new(Pl011::new())),
            }),
            memory: memory.clone(),
            blueprint: blueprint.clone(),
            counter_offset: 0,
            load,
            #[cfg(feature = "gzip")]
            unpacking: None,
            lifecycle: Lifecycle::first(),
            counters: Counters::default(),
            sgi_kicks: VcpuSet::EMPTY,
            reason: None,
        };
        vm.link_timers();
        Ok(vm)
    }
}

// Apart: what it has on the stack is gone when the rest is made.
#[cfg_attr(feature = "formats", inline(never))]
fn load_plan<P: Platform>(platform: &mut P, config: &VmConfig, memory: &Memory) -> Result<LoadPlan, ConfigError> {
    let kernel = config.kernel.range;
    let file = KernelFile::open(kernel.size(), &mut |offset, bytes| read(platform, kernel, offset, bytes));
    LoadPlan::new(config, memory.guest(), &file.map_err(|unknown| unreadable(config, &unknown))?)
}

/// Reads `module` from `offset` on.
pub(super) fn read<P: Platform>(platform: &mut P, module: Range<Pa>, offset: u64, bytes: &mut [u8]) {
    if let Some(source) = module.start().checked_add(offset) {
        platform.read_memory(source, bytes);
    }
}

fn layout(gic: GuestGic, vcpus: usize, hardware: &Hardware) -> Result<Layout, BuildError> {
    let layout = Layout {
        version: if gic == GuestGic::V3 { Version::V3 } else { Version::V2 },
        vcpus,
        spis: SPIS,
        priority_bits: hardware.priority_bits,
        list_registers: hardware.list_registers,
    };
    layout.check().map_err(|error| BuildError::Board(error.text()))?;
    Ok(layout)
}

fn bus(config: &VmConfig, gic: GuestGic, vcpus: usize) -> Result<Bus<Device>, BuildError> {
    let layout = &config.layout;
    let redistributors = layout.redistributor_range(vcpus);
    // GICv2's has 4 KiB, whatever a tree gives to it.
    let frame = if gic == GuestGic::V3 { Frame::DistributorV3 } else { Frame::DistributorV2 };
    let distributor = layout.distributor;
    let cpu_interface = Range::<Ipa>::new(layout.cpu_interface.start(), 2 * PAGE_SIZE);
    let devices = [
        (Range::<Ipa>::new(distributor.start(), distributor.size().min(frame.size())), Device::Distributor),
        (Some(layout.uart).filter(|_| config.console), Device::Uart),
        (redistributors.filter(|_| gic == GuestGic::V3), Device::Redistributors),
        (cpu_interface.filter(|_| gic == GuestGic::V2), Device::CpuInterface),
    ];
    let mut bus = Bus::default();
    for (range, device) in devices {
        if let Some(range) = range
            && bus.insert(range, device).is_err()
        {
            return Err(BuildError::Board("two of its devices overlap"));
        }
    }
    Ok(bus)
}

/// Where a GICv2 guest's CPU interface is, and the page of GICV behind it; `None` for a GICv3 guest.
///
/// # Errors
/// The board has another version than the guest.
fn interface_page(
    config: &VmConfig,
    guest: GuestGic,
    interface: Option<Range<Pa>>,
) -> Result<Option<InterfacePage>, BuildError> {
    match (interface, guest) {
        (None, GuestGic::V3) => Ok(None),
        (Some(interface), GuestGic::V2) => Ok(Some((config.layout.cpu_interface.start(), interface.start()))),
        _ => Err(BuildError::FOREIGN_GIC),
    }
}

/// The guest's address space: its RAM, and for a GICv2 guest the virtual CPU interface, but for GICV_DIR.
fn stage2(
    geometry: Geometry,
    memory: &Memory,
    interface: Option<&InterfacePage>,
    tables: &mut impl TableMemory,
) -> Result<Stage2, BuildError> {
    let mut stage2 = Stage2::new(geometry, tables).ok_or(BuildError::Board(MapError::OutOfTables.text()))?;
    match map_all(&mut stage2, memory, interface, tables) {
        Ok(()) => Ok(stage2),
        Err(error) => {
            stage2.free(tables);
            Err(BuildError::Board(error.text()))
        }
    }
}

fn map_all(
    stage2: &mut Stage2,
    memory: &Memory,
    interface: Option<&InterfacePage>,
    tables: &mut impl TableMemory,
) -> Result<(), MapError> {
    let mut map = |guest, physical, size, attributes| {
        let guest = Range::<Ipa>::new(guest, size).ok_or(MapError::OutOfRange)?;
        stage2.map(guest, physical, attributes, tables)
    };
    for (guest, piece) in memory.mapped() {
        map(guest, piece.start(), piece.size(), Attributes::Memory)?;
    }
    if let Some((guest, page)) = interface {
        map(*guest, *page, PAGE_SIZE, Attributes::Device)?;
    }
    Ok(())
}
