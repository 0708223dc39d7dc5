//! Gives cores to VMs.

use super::VmPlan;
use crate::config::board::Board;
use crate::config::mistake::Mistakes;
use crate::config::vm::Cores;
use crate::fault::ConfigError;
use crate::vcpu::VcpuId;
use alloc::vec::Vec;
use bulkhead_abi::property;

/// The core that the owner wants for housekeeping, unless it cannot be started.
pub(super) fn checked_wish(board: &Board, wish: Option<usize>, errors: &mut Mistakes) -> Option<usize> {
    let wish = wish?;
    if board.can_start(wish) {
        return Some(wish);
    }
    let (value, expected) = (format_args!("<{wish}>"), format_args!("a core of the board that can be started"));
    errors.push(ConfigError::new(property::HYPERVISOR_PATH, property::HOUSEKEEPING_CORE, value, expected));
    None
}

/// Cores that no VM has.
pub(super) struct Left {
    /// In ascending order.
    free: Vec<usize>,
    housekeeping: Option<usize>,
}

impl Left {
    /// All cores of `board` that can be started; `housekeeping` is the last to be counted off.
    pub fn new(board: &Board, housekeeping: Option<usize>) -> Self {
        let mut free = Vec::new();
        for core in 0..board.cpus.len() {
            if board.can_start(core) {
                free.push(core);
            }
        }
        Self { free, housekeeping }
    }

    /// Finds the cores for `plan`, that of vCPU 0 first, or says why there are none.
    pub fn find(&self, plan: &mut VmPlan) {
        let free = self.free.len();
        let count = match &plan.vm.cores {
            Cores::Exact(list) => {
                plan.cores.clone_from(list);
                if let Some(core) = list.iter().find(|core| !self.free.contains(core)) {
                    let (value, expected) =
                        (format_args!("core {core} among others"), format_args!("cores that no other VM has"));
                    plan.errors.push(ConfigError::new(&plan.vm.node, property::CORES, value, expected));
                }
                return;
            }
            Cores::Count(count) => *count,
            Cores::All => free.clamp(1, VcpuId::MAXIMUM.into()),
        };
        match free.checked_sub(count) {
            Some(spare) => self.pick(spare, &mut plan.cores),
            None => {
                let expected =
                    format_args!("at most {free}, the cores that are still free: each vCPU has a core of its own");
                let value = format_args!("<{count}>");
                plan.errors.push(ConfigError::new(&plan.vm.node, property::CPUS, value, expected));
            }
        }
    }

    /// Gives `plan` its cores.
    pub fn take(&mut self, plan: &VmPlan) {
        self.free.retain(|core| !plan.cores.contains(core));
    }

    /// Picks all free cores but `spare` of them: the housekeeping core, then the lowest.
    fn pick(&self, mut spare: usize, picked: &mut Vec<usize>) {
        let keeps_house = self.housekeeping.filter(|core| spare > 0 && self.free.contains(core));
        spare -= usize::from(keeps_house.is_some());
        for core in &self.free {
            if keeps_house == Some(*core) {
                continue;
            }
            if spare == 0 {
                picked.push(*core);
            } else {
                spare -= 1;
            }
        }
    }
}

/// The core for housekeeping if the owner names none: the lowest without a vCPU, or else the last core of the VM
/// with most vCPUs, so that a VM with a single core, such as a real-time one, is taken only if all are such.
pub(super) fn housekeeping(vms: &[VmPlan], board: &Board) -> usize {
    for core in 0..board.cpus.len() {
        if board.can_start(core) && !vms.iter().any(|vm| vm.cores.contains(&core)) {
            return core;
        }
    }
    let mut largest: &[usize] = &[];
    for vm in vms {
        if vm.cores.len() > largest.len() {
            largest = &vm.cores;
        }
    }
    largest.last().copied().unwrap_or_default()
}
