//! Who gets which cores and which memory. A VM that does not fit is refused; the others are planned without it.
//!
//! - Cores asked for by number are given first. Then each count is filled, in the configuration's order, from the
//!   highest-numbered free cores down, passing over the housekeeping core while others are free; vCPU 0 runs on
//!   the lowest of the VM's cores. A VM without a count gets all that is left in the end.
//! - RAM with a fixed address is taken first, then sizes in the configuration's order.

mod cores;
mod memory;

use super::board::{Board, GicVersion};
use super::vm::{GuestGic, RefusedVm, VmConfig};
use super::{Configuration, ranges};
use crate::address::{Pa, Range};
use crate::fault::ConfigError;
use alloc::vec::Vec;

/// Bytes that are never given to guests: for the hypervisor's tables, consoles and vCPUs.
pub const HYPERVISOR_RESERVE: u64 = 4 << 20;
/// Bytes that a VM which asks for all memory leaves.
pub const DEFAULT_VM_LEAVES: u64 = 16 << 20;

/// A range of memory that holds something already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Occupied {
    /// What it holds, such as `the hypervisor`.
    pub by: &'static str,
    /// Where.
    pub range: Range<Pa>,
}

/// Who gets what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The VMs in the configuration's order.
    pub vms: Vec<Result<VmPlan, RefusedVm>>,
    /// The core, by its index in `/cpus`, that does the hypervisor's own work.
    pub housekeeping_core: usize,
    /// RAM for guests without a fixed address and for the hypervisor: ascending, whole pages. Nothing reserved, no
    /// module, no guest RAM with a fixed address and nothing that was occupied is in it.
    pub free: Vec<Range<Pa>>,
    /// Mistakes that refuse no VM.
    pub errors: Vec<ConfigError>,
}

/// What one VM gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VmPlan {
    /// What the owner wants of it.
    pub vm: VmConfig,
    /// Its cores by their index in `/cpus`: vCPU 0 runs on the first.
    pub cores: Vec<usize>,
    /// Size of its RAM in bytes, a multiple of 4096.
    pub memory_size: u64,
    /// Where its RAM lies, if that is fixed.
    pub memory: Option<Range<Pa>>,
    /// The version of the GIC that it sees.
    pub gic: GuestGic,
}

/// A VM on its way: what it wants, and what it got so far or why it got nothing.
struct Candidate {
    vm: VmConfig,
    cores: Vec<usize>,
    memory_size: u64,
    memory: Option<Range<Pa>>,
    errors: Vec<ConfigError>,
}

impl Candidate {
    fn new(vm: VmConfig) -> Self {
        Self { vm, cores: Vec::new(), memory_size: 0, memory: None, errors: Vec::new() }
    }

    fn is_well(&self) -> bool {
        self.errors.is_empty()
    }

    fn finish(self, gic: GuestGic) -> Result<VmPlan, RefusedVm> {
        if !self.is_well() {
            return Err(RefusedVm { name: self.vm.name, errors: self.errors });
        }
        let gic = self.vm.gic.unwrap_or(gic);
        Ok(VmPlan { vm: self.vm, cores: self.cores, memory_size: self.memory_size, memory: self.memory, gic })
    }
}

/// Plans `configuration` on `board`, whose memory is already `occupied` in places: by the hypervisor's image at
/// least. VMs that `configuration` has refused stay refused.
pub fn plan(board: &Board, configuration: Configuration, occupied: &[Occupied]) -> Plan {
    let mut errors = Vec::new();
    let wish = configuration.housekeeping_core;
    let mut vms: Vec<Result<Candidate, RefusedVm>> =
        configuration.vms.into_iter().map(|vm| vm.map(Candidate::new)).collect();
    memory::check_modules(&mut vms, board, occupied);
    let wish = cores::checked_wish(board, wish, &mut errors);
    cores::assign(&mut vms, board, wish);
    let free = memory::assign(&mut vms, board, occupied);
    let housekeeping_core = wish.unwrap_or_else(|| cores::housekeeping(&vms, board));
    let gic = match board.gic.version {
        GicVersion::V2 { .. } => GuestGic::V2,
        GicVersion::V3 { .. } => GuestGic::V3,
    };
    let vms = vms.into_iter().map(|vm| vm.and_then(|vm| vm.finish(gic))).collect();
    Plan { vms, housekeeping_core, free, errors }
}

/// The VMs that have no mistake so far.
fn well(vms: &mut [Result<Candidate, RefusedVm>]) -> impl Iterator<Item = &mut Candidate> {
    vms.iter_mut().flatten().filter(|vm| vm.is_well())
}
