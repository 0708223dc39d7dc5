//! Who gets which cores and which memory. A VM that does not fit is refused, and takes nothing from the others.
//!
//! VMs are served one after the other: those that name their cores first, then those that name their RAM's address,
//! then the rest, each group in the configuration's order; last comes a VM that wants all that is left. A count of
//! cores is filled from the highest-numbered free core down, passing over the housekeeping core while others are free;
//! vCPU 0 runs on the lowest.

mod cores;
mod memory;

use super::Configuration;
use super::board::Board;
use super::vm::Cores;
use crate::address::{Pa, Range};
use crate::fault::ConfigError;
use alloc::vec::Vec;

pub use super::vm::VmPlan;

/// Bytes that are never given to guests: for the hypervisor's tables, consoles and vCPUs.
pub const HYPERVISOR_RESERVE: u64 = 4 << 20;
/// Bytes that a VM which asks for all memory leaves.
pub const DEFAULT_VM_LEAVES: u64 = 16 << 20;

/// A range of memory that holds something already: no module can lie there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Occupied {
    /// What it holds, such as `the hypervisor`.
    pub by: &'static str,
    /// Where.
    pub range: Range<Pa>,
    /// Whether guests may have it nevertheless: what it holds is needed no more.
    pub released: bool,
}

/// Who gets what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The VMs in the configuration's order.
    pub vms: Vec<VmPlan>,
    /// The core, by its index in `/cpus`, that does the hypervisor's own work.
    pub housekeeping_core: usize,
    /// RAM for guests without a fixed address and for the hypervisor: ascending, whole pages. Nothing reserved, no
    /// module, no guest RAM with a fixed address and nothing that is occupied and not released is in it.
    pub free: Vec<Range<Pa>>,
    /// Mistakes that refuse no VM.
    pub errors: Vec<ConfigError>,
}

impl Plan {
    /// The VMs that start.
    pub fn starting(&self) -> impl Iterator<Item = &VmPlan> {
        self.vms.iter().filter(|vm| vm.is_good())
    }
}

/// Plans `configuration` on `board`, whose memory is already `occupied` in places: by the hypervisor's image at
/// least. VMs that `configuration` has refused stay refused.
pub fn plan(board: &Board, configuration: Configuration, occupied: &[Occupied]) -> Plan {
    let mut errors = Vec::new();
    let wish = cores::checked_wish(board, configuration.housekeeping_core, &mut errors);
    let mut vms = configuration.vms;
    // Before modules are looked at: for a VM with misplaced ones it is still said what else is wrong.
    let turns: Vec<u8> = vms.iter().map(turn).collect();
    memory::check_modules(&mut vms, board, occupied);
    let mut cores = cores::Left::new(board, wish);
    let mut memory = memory::Left::new(board, occupied, &vms);
    for now in 0..TURNS {
        for (vm, turn) in vms.iter_mut().zip(&turns) {
            if *turn == now {
                cores.find(vm);
                memory.find(vm);
                if vm.is_good() {
                    cores.take(vm);
                    memory.take(vm);
                } else {
                    vm.cores.clear();
                }
            }
        }
    }
    let housekeeping_core = wish.unwrap_or_else(|| cores::housekeeping(&vms, board));
    Plan { vms, housekeeping_core, free: memory.free, errors }
}

/// How many groups there are.
const TURNS: u8 = 4;

/// In which group `vm` is served: in none if it is refused.
fn turn(plan: &VmPlan) -> u8 {
    match (&plan.vm.cores, plan.vm.memory.address) {
        _ if !plan.is_good() => TURNS,
        (Cores::Exact(_), _) => 0,
        (Cores::Count(_), Some(_)) => 1,
        (Cores::Count(_), None) => 2,
        (Cores::All, _) => 3,
    }
}
