//! The place of one vCPU in its VM: whether it runs, where, and its registers while it does not.

use crate::exit::Counters;
use crate::platform::CoreId;
use crate::psci::{Entry, Power};
use crate::vcpu::Vcpu;
use alloc::boxed::Box;
use alloc::sync::Arc;

/// What a vCPU does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Run {
    /// It is off (PSCI).
    Off,
    /// It was switched on and begins at this entry.
    Starting(Entry),
    /// It runs, or would if its VM did.
    On,
    /// It waits for an interrupt, and then goes on, or from an entry if its state was not to be kept.
    Suspended(Option<Entry>),
}

/// One vCPU of a VM.
#[derive(Debug)]
pub struct Slot {
    /// The core that runs it.
    pub core: CoreId,
    /// What it does.
    pub run: Run,
    /// Its registers, while no core has it loaded and it has any.
    pub parked: Option<Box<Vcpu>>,
    /// Whether a core has it loaded.
    pub loaded: bool,
    /// Its exits since the machine booted, which the core that has it loaded counts: like its VM's counters, they go on
    /// when it is started again.
    pub exits: Arc<Counters>,
}

impl Slot {
    /// A vCPU that is off, to be run on `core`.
    pub fn new(core: CoreId) -> Self {
        Self { core, run: Run::Off, parked: None, loaded: false, exits: Arc::default() }
    }

    /// What AFFINITY_INFO says of it.
    pub fn power(&self) -> Power {
        match self.run {
            Run::Off => Power::Off,
            Run::Starting(_) => Power::OnPending,
            Run::On | Run::Suspended(_) => Power::On,
        }
    }
}
