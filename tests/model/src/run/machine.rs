//! What a simulated machine is like, and the plan of a VM on it.

use super::memory::{MODULE_SPACE, MODULES};
use super::program::{ENTRY_OFFSET, Program};
use crate::gzip;
use bulkhead_vmm::address::{Ipa, Pa, Range};
use bulkhead_vmm::config::machine::MachineLayout;
use bulkhead_vmm::config::{Cores, GuestGic, Memory, Module, Policy, TreePlace, VmConfig, VmPlan, WhenAllOff};
use bulkhead_vmm::seed::Seed;
use bulkhead_vmm::vm::Hardware;
use std::sync::Arc;

/// The physical INTID of the virtual timer.
pub const VIRTUAL_TIMER: u32 = 27;
/// GICV, on a board with GICv2.
pub const VIRTUAL_INTERFACE: u64 = 0x0804_0000;
/// RAM of each VM: a block and 32 pages.
pub const GUEST_RAM: u64 = 0x22_0000;
/// The first address of a guest's RAM. The 2 MiB below the kernel are its data.
pub const DATA: u64 = 0x4000_0000;
/// Where a guest's kernel lies.
pub const KERNEL: u64 = DATA + 0x20_0000;

/// A machine.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// GICv3, or else GICv2.
    pub v3: bool,
    /// List registers.
    pub list_registers: usize,
    /// Cores.
    pub cores: usize,
    /// The core that does the hypervisor's own work.
    pub housekeeping: usize,
    /// What happens when no VM runs any more.
    pub when_all_off: WhenAllOff,
    /// Tables for stage 2.
    pub tables: usize,
    /// Names of VMs that were refused.
    pub refused: &'static [&'static str],
    /// The page of guests' addresses that their stage 1 lets nobody read.
    pub closed: Option<u64>,
    /// Cores may tell of a load there as of one that stage 2 refuses, anywhere (Cortex-A57's erratum 834220).
    pub misreports_loads: bool,
}

impl Shape {
    /// A machine with `cores` cores that stays on: GICv3, or else GICv2.
    pub const fn new(v3: bool, list_registers: usize, cores: usize) -> Self {
        let when_all_off = WhenAllOff::Stay;
        let (closed, misreports_loads) = (None, false);
        let (housekeeping, tables, refused) = (0, 64, &[] as _);
        Self { v3, list_registers, cores, housekeeping, when_all_off, tables, refused, closed, misreports_loads }
    }

    /// MIDR_EL1 of each core.
    pub(super) const fn main_id(&self) -> u64 {
        const CORTEX_A57_R1P2: u64 = 0x411f_d072;
        const CORTEX_A57_R1P3: u64 = 0x411f_d073;
        if self.misreports_loads { CORTEX_A57_R1P2 } else { CORTEX_A57_R1P3 }
    }

    /// Both GICs with few and with the usual number of list registers.
    pub fn all(cores: usize) -> impl Iterator<Item = Self> {
        [(false, 4), (true, 4), (false, 1), (true, 1)].into_iter().map(move |(v3, count)| Self::new(v3, count, cores))
    }

    /// What the VMs are told of it.
    pub fn hardware(&self) -> Arc<Hardware> {
        let interface = Range::<Pa>::new(Pa::new(VIRTUAL_INTERFACE), 0x2000).expect("GICV has a size");
        Arc::new(Hardware {
            identity: [0x1111_1111_1111_1111; bulkhead_vmm::identity::COUNT],
            physical_bits: 40,
            virtual_cpu_interface: if self.v3 { None } else { Some(interface) },
            list_registers: self.list_registers,
            priority_bits: 5,
            virtual_timer: VIRTUAL_TIMER,
            seed: Seed::default(),
            is_unpacking: Arc::default(),
        })
    }
}

/// A VM.
#[derive(Debug)]
pub struct Guest {
    /// Its name.
    pub name: &'static str,
    /// What it runs.
    pub program: Program,
    /// Its cores.
    pub cores: Vec<usize>,
    /// What happens on power-off, reset and fault.
    pub policies: [Policy; 3],
    /// Whether its kernel is packed by gzip.
    pub is_packed: bool,
}

impl Guest {
    /// A VM called `name` that runs `program` on `cores`, and stays off however it ends.
    pub fn new(name: &'static str, program: Program, cores: &[usize]) -> Self {
        Self { name, program, cores: cores.to_vec(), policies: [Policy::Halt; 3], is_packed: false }
    }

    /// The same with other policies: on power-off, reset and fault.
    #[must_use]
    pub fn with_policies(self, on_power_off: Policy, on_reset: Policy, on_fault: Policy) -> Self {
        Self { policies: [on_power_off, on_reset, on_fault], ..self }
    }

    /// The same with its kernel packed.
    #[must_use]
    pub fn packed(self) -> Self {
        Self { is_packed: true, ..self }
    }

    /// The file of its kernel, as the VM `index`.
    pub fn file(&self, index: usize) -> Vec<u8> {
        let image = self.program.image(index);
        if self.is_packed { gzip::pack(&image, b"") } else { image }
    }

    /// Where the kernel of the VM `index` lies in the machine.
    pub fn module(index: usize) -> Pa {
        Pa::new(MODULES + index as u64 * MODULE_SPACE)
    }

    /// Its plan as the VM `index` of a machine of this shape.
    pub fn plan(&self, index: usize, shape: &Shape) -> VmPlan {
        let range = Range::<Pa>::new(Self::module(index), self.file(index).len() as u64).expect("an image has a size");
        let [on_power_off, on_reset, on_fault] = self.policies;
        let gic = if shape.v3 { GuestGic::V3 } else { GuestGic::V2 };
        let vm = VmConfig {
            name: self.name.into(),
            node: format!("/chosen/hypervisor/{}", self.name),
            cores: Cores::Exact(self.cores.clone()),
            memory: Memory { size: Some(GUEST_RAM), address: None },
            kernel: Module { node: format!("/chosen/hypervisor/{}/kernel", self.name), range },
            ramdisk: None,
            device_tree: None,
            tree_place: TreePlace::Anywhere,
            raw: None,
            bootargs: String::new(),
            console: true,
            on_power_off,
            on_reset,
            on_fault,
            layout: MachineLayout::VIRT,
        };
        VmPlan { vm, errors: Vec::new(), cores: self.cores.clone(), memory_size: GUEST_RAM, memory: None, gic }
    }
}

/// The address of instruction `index` of a program, where a vCPU can begin.
pub const fn instruction_address(index: usize) -> Ipa {
    Ipa::new(KERNEL + ENTRY_OFFSET + 4 * index as u64)
}
