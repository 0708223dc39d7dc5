//! What the run loop tells the monitor: copies of numbers, taken under each VM's lock.

use alloc::string::String;
use alloc::vec::Vec;

/// A guest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VmView {
    /// Its name.
    pub name: String,
    /// Its state in one word, such as `running`.
    pub state: &'static str,
    /// Its vCPUs by index.
    pub vcpus: Vec<VcpuView>,
    /// Its RAM, in bytes.
    pub memory: u64,
    /// Accesses that its stage 2 refused and no device answered.
    pub stage2_faults: u64,
    /// Starts after the first.
    pub restarts: u64,
    /// Expiries of its timers that took an exit.
    pub timer_expiries: u64,
    /// Software-generated interrupts that took an exit to send.
    pub sgis: u64,
}

/// A vCPU.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VcpuView {
    /// The core that it runs on, if it has one now.
    pub core: Option<u32>,
    /// Its state in one word, such as `running`, `asleep` or `off`.
    pub state: &'static str,
    /// Exits by cause, always in the same order.
    pub exits: Vec<(&'static str, u64)>,
    /// Time asleep, waiting for an interrupt, in ticks.
    pub asleep_ticks: u64,
    /// Time since the VM started, in ticks.
    pub total_ticks: u64,
}

/// A core of the machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CoreView {
    /// Its number.
    pub index: u32,
    /// The guest whose vCPU it runs, if any.
    pub vm: Option<String>,
    /// Times that it was woken from sleep.
    pub wake_ups: u64,
    /// Time asleep, in ticks.
    pub asleep_ticks: u64,
    /// Time since it came up, in ticks.
    pub total_ticks: u64,
}

impl VmView {
    /// Exits of all vCPUs and causes.
    pub fn exits(&self) -> u64 {
        self.vcpus.iter().map(VcpuView::exit_count).sum()
    }
}

impl VcpuView {
    /// Exits of all causes.
    pub fn exit_count(&self) -> u64 {
        self.exits.iter().map(|(_, count)| count).sum()
    }
}
