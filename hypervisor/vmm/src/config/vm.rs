//! What the owner wants of one VM.

use super::machine::MachineLayout;
use crate::address::{Pa, Range};
use crate::fault::ConfigError;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

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
    /// Its kernel's command line.
    pub bootargs: String,
    /// Whether it has a PL011.
    pub console: bool,
    /// The version of the GIC that it sees, if the owner asked for one.
    pub gic: Option<GuestGic>,
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
        core::iter::once(&self.kernel).chain(&self.ramdisk).chain(&self.device_tree)
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

/// A VM that does not start, and why. The others do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedVm {
    /// The VM's name, or that of its node if it has no good one.
    pub name: String,
    /// Every mistake that was found; at least one.
    pub errors: Vec<ConfigError>,
}

impl fmt::Display for RefusedVm {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} does not start", self.name)?;
        self.errors.iter().try_for_each(|error| write!(formatter, "\n  {error}"))
    }
}
