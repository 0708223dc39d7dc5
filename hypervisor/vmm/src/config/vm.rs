//! What the owner wants of one VM.

use super::machine::MachineLayout;
use crate::address::{Ipa, Pa, Range};
use crate::fault::ConfigError;
use alloc::string::String;
use alloc::vec::Vec;
use bulkhead_abi::property;

/// Where the kernel of a VM lies that has none, and is refused.
#[allow(clippy::panic, reason = "evaluated at compile time")]
const NOWHERE: Range<Pa> = match Range::<Pa>::new(Pa::new(0), 1) {
    Some(range) => range,
    None => panic!("a range that wraps or is empty"),
};

/// What the owner wants of one VM. It is sound in itself; whether it fits the board and beside the other VMs is
/// for [`plan`](super::plan) to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VmConfig {
    /// The VM's name, of 1 to 31 letters, digits, `.`, `_` and `-`.
    pub name: String,
    /// Path of its node.
    pub node: String,
    /// The cores that it runs on.
    pub cores: Cores,
    /// Its RAM.
    pub memory: Memory,
    /// Its kernel.
    pub kernel: Module,
    /// Its initial RAM disk.
    pub ramdisk: Option<Module>,
    /// The tree that it gets instead of a generated one.
    pub device_tree: Option<Module>,
    /// Where its tree goes.
    pub tree_place: TreePlace,
    /// Where its kernel goes, if that is raw bytes.
    pub raw: Option<RawPlace>,
    /// Its kernel's command line.
    pub bootargs: String,
    /// Whether it has a PL011.
    pub console: bool,
    /// What happens when it switches itself off.
    pub on_power_off: Policy,
    /// What happens when it resets itself.
    pub on_reset: Policy,
    /// What happens when it does what no architecture answers.
    pub on_fault: Policy,
    /// Where it sees its RAM and devices.
    pub layout: MachineLayout,
}

impl VmConfig {
    /// Its modules: kernel, RAM disk, tree.
    pub fn modules(&self) -> impl Iterator<Item = &Module> {
        [Some(&self.kernel), self.ramdisk.as_ref(), self.device_tree.as_ref()].into_iter().flatten()
    }
}

/// What one VM gets, or why it does not start. The others do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VmPlan {
    /// What the owner wants of it.
    pub vm: VmConfig,
    /// Every mistake that was found. If there is any, the VM is refused, and what cannot be read of it is as by default.
    pub errors: Vec<ConfigError>,
    /// Its cores by their index in `/cpus`: vCPU 0 runs on the first. None before it is planned.
    pub cores: Vec<usize>,
    /// Size of its RAM in bytes, a multiple of 4096; 0 before it is planned.
    pub memory_size: u64,
    /// Where its RAM lies, if that is fixed.
    pub memory: Option<Range<Pa>>,
    /// The version of the GIC that it sees.
    pub gic: GuestGic,
}

impl VmPlan {
    /// Nothing yet for a VM called `name` with the node at `node`, that wants everything as by default.
    pub(super) fn new(name: &str, node: String, gic: GuestGic) -> Self {
        let vm = VmConfig {
            name: name.into(),
            node,
            cores: Cores::All,
            memory: Memory { size: None, address: None },
            kernel: Module { node: String::new(), range: NOWHERE },
            ramdisk: None,
            device_tree: None,
            tree_place: TreePlace::Anywhere,
            raw: None,
            bootargs: String::new(),
            console: true,
            on_power_off: Policy::Halt,
            on_reset: Policy::Restart,
            on_fault: Policy::Halt,
            layout: MachineLayout::VIRT,
        };
        Self { vm, errors: Vec::new(), cores: Vec::new(), memory_size: 0, memory: None, gic }
    }

    /// Whether nothing is wrong with it.
    pub fn is_good(&self) -> bool {
        self.errors.is_empty()
    }
}

/// The cores that a VM runs on, one vCPU on each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cores {
    /// As many as this, wherever they are free.
    Count(usize),
    /// These, by their index in `/cpus`: vCPU 0 on the first.
    Exact(Vec<usize>),
    /// All that no other VM has.
    All,
}

/// A VM's RAM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// Its size in bytes, a multiple of 4096; `None`: all that is left but 16 MiB.
    pub size: Option<u64>,
    /// Where it lies in the machine, a multiple of 4096; `None`: anywhere.
    pub address: Option<Pa>,
}

/// Bytes that lie in memory for a VM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Module {
    /// Path of its node.
    pub node: String,
    /// Where it lies.
    pub range: Range<Pa>,
}

/// Where a guest finds its tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TreePlace {
    /// Where there is room: its x0 says where.
    Anywhere,
    /// Here.
    #[cfg(feature = "formats")]
    At(Ipa),
    /// It has none.
    #[cfg(feature = "formats")]
    Nowhere,
}

/// Where a kernel goes that is raw bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawPlace {
    /// Its first byte.
    pub load: Ipa,
    /// Its first instruction.
    pub entry: Ipa,
}

/// The version of the GIC that a guest sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GuestGic {
    /// GICv2.
    V2,
    /// GICv3.
    V3,
}

/// What happens to a VM whose guest stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// It stays off, and its memory is scrubbed; it stays the VM's own.
    Halt,
    /// Its modules are loaded anew, and it starts.
    Restart,
    /// It stays off with its memory and registers as they are, for the monitor to look at.
    Report,
}

impl Policy {
    /// Every policy.
    pub(super) const ALL: [Self; 3] = [Self::Halt, Self::Restart, Self::Report];

    /// Its word in the configuration.
    pub fn word(self) -> &'static str {
        match self {
            Self::Halt => property::HALT,
            Self::Restart => property::RESTART,
            Self::Report => property::REPORT,
        }
    }
}
