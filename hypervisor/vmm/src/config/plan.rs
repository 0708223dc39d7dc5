//! Who gets which cores and which memory. A VM that does not fit is refused, and takes nothing from the others.
//!
//! VMs are served one after the other: those that name their cores first, then those that name their RAM's address,
//! then the rest, each group in the configuration's order; last comes a VM that wants all that is left. A count of
//! cores is filled from the highest-numbered free core down, passing over the housekeeping core while others are free;
//! vCPU 0 runs on the lowest.

mod cores;
mod memory;

use super::board::{Board, GicVersion};
use super::vm::{Cores, GuestGic, RefusedVm, VmConfig};
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

/// Plans `configuration` on `board`, whose memory is already `occupied` in places: by the hypervisor's image at
/// least. VMs that `configuration` has refused stay refused.
pub fn plan(board: &Board, configuration: Configuration, occupied: &[Occupied]) -> Plan {
    let mut errors = Vec::new();
    let wish = cores::checked_wish(board, configuration.housekeeping_core, &mut errors);
    let vms = configuration.vms;
    let misplaced = memory::misplaced_modules(&vms, board, occupied);
    let mut left = Left {
        cores: cores::Left::new(board, wish),
        memory: memory::Left::new(board, occupied, vms.iter().flatten().zip(&misplaced)),
        gic: match board.gic.version {
            GicVersion::V2 { .. } => GuestGic::V2,
            GicVersion::V3 { .. } => GuestGic::V3,
        },
    };
    let mut shares: Vec<Result<Share, Vec<ConfigError>>> = misplaced.into_iter().map(Err).collect();
    for now in 0..TURNS {
        for (vm, share) in vms.iter().flatten().zip(&mut shares) {
            if let Err(errors) = share
                && turn(vm) == now
            {
                *share = left.serve(vm, core::mem::take(errors));
            }
        }
    }
    let vms: Vec<_> = given(vms, shares).collect();
    let housekeeping_core = wish.unwrap_or_else(|| cores::housekeeping(&vms, board));
    Plan { vms, housekeeping_core, free: left.memory.free, errors }
}

/// How many groups there are.
const TURNS: u8 = 4;

/// In which group `vm` is served.
fn turn(vm: &VmConfig) -> u8 {
    match (&vm.cores, vm.memory.address) {
        (Cores::Exact(_), _) => 0,
        (Cores::Count(_), Some(_)) => 1,
        (Cores::Count(_), None) => 2,
        (Cores::All, _) => 3,
    }
}

/// What no VM has yet.
struct Left {
    cores: cores::Left,
    memory: memory::Left,
    /// The version of the GIC that guests see who do not ask for one.
    gic: GuestGic,
}

/// What a VM gets of it.
struct Share {
    cores: Vec<usize>,
    memory: memory::Found,
    gic: GuestGic,
}

impl Left {
    /// Gives `vm` what it wants if there is all of it and no error so far.
    fn serve(&mut self, vm: &VmConfig, mut errors: Vec<ConfigError>) -> Result<Share, Vec<ConfigError>> {
        let cores = self.cores.find(vm).map_err(|error| errors.push(error)).ok();
        let memory = self.memory.find(vm).map_err(|error| errors.push(error)).ok();
        match (cores, memory) {
            (Some(cores), Some(memory)) if errors.is_empty() => {
                self.cores.take(vm, &cores);
                self.memory.take(&memory);
                Ok(Share { cores, memory, gic: vm.gic.unwrap_or(self.gic) })
            }
            _ => Err(errors),
        }
    }
}

/// `vms` with their `shares`, of which each that is not refused has one.
fn given(
    vms: Vec<Result<VmConfig, RefusedVm>>,
    shares: Vec<Result<Share, Vec<ConfigError>>>,
) -> impl Iterator<Item = Result<VmPlan, RefusedVm>> {
    let mut shares = shares.into_iter();
    vms.into_iter().map(move |vm| {
        let vm = vm?;
        match shares.next().unwrap_or_else(|| Err(Vec::new())) {
            Ok(Share { cores, memory, gic }) => {
                Ok(VmPlan { vm, cores, memory_size: memory.size, memory: memory.fixed, gic })
            }
            Err(errors) => Err(RefusedVm { name: vm.name, errors }),
        }
    })
}
