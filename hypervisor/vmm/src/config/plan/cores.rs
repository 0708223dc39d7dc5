//! Gives cores to VMs.

use super::VmPlan;
use crate::config::board::{Board, Enable};
use crate::config::mistake::mistake_at;
use crate::config::vm::{Cores, RefusedVm, VmConfig};
use crate::fault::ConfigError;
use crate::vcpu::VcpuId;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use bulkhead_abi::property;

/// The core that the owner wants for housekeeping, unless it cannot be started.
pub(super) fn checked_wish(board: &Board, wish: Option<usize>, errors: &mut Vec<ConfigError>) -> Option<usize> {
    let wish = wish?;
    if board.cpus.get(wish).is_some_and(|cpu| cpu.enable != Enable::Disabled) {
        return Some(wish);
    }
    let (node, name) = (property::HYPERVISOR_PATH, property::HOUSEKEEPING_CORE);
    errors.push(mistake_at(node, name, &format!("<{wish}>"), "a core of the board that can be started"));
    None
}

/// Cores that no VM has, and who has the others.
pub(super) struct Left {
    /// In ascending order.
    free: Vec<usize>,
    owners: Vec<(usize, String)>,
    housekeeping: Option<usize>,
}

impl Left {
    /// All cores of `board` that can be started; `housekeeping` is the last to be counted off.
    pub fn new(board: &Board, housekeeping: Option<usize>) -> Self {
        Self { free: usable(board).collect(), owners: Vec::new(), housekeeping }
    }

    /// The cores for `vm`, that of vCPU 0 first.
    pub fn find(&self, vm: &VmConfig) -> Result<Vec<usize>, ConfigError> {
        match &vm.cores {
            Cores::Exact(list) => match self.owners.iter().find(|(core, _)| list.contains(core)) {
                Some((core, owner)) => Err(taken(vm, *core, owner)),
                None => Ok(list.clone()),
            },
            Cores::Count(count) => self.pick(*count).ok_or_else(|| self.too_many(vm, *count)),
            Cores::All => {
                let count = self.free.len().min(VcpuId::MAXIMUM.into());
                let all = self.free.get(..count).filter(|cores| !cores.is_empty());
                all.map(<[usize]>::to_vec).ok_or_else(|| self.too_many(vm, 1))
            }
        }
    }

    /// Gives `cores` to `vm`.
    pub fn take(&mut self, vm: &VmConfig, cores: &[usize]) {
        self.free.retain(|core| !cores.contains(core));
        self.owners.extend(cores.iter().map(|core| (*core, vm.name.clone())));
    }

    /// `count` free cores, the highest first and the housekeeping core last, in ascending order.
    fn pick(&self, count: usize) -> Option<Vec<usize>> {
        let keeps_house = |core: &&usize| Some(**core) == self.housekeeping;
        let others = self.free.iter().rev().filter(|core| !keeps_house(core));
        let order: Vec<usize> = others.chain(self.free.iter().filter(keeps_house)).copied().collect();
        let picked = order.get(..count)?;
        Some(self.free.iter().filter(|core| picked.contains(core)).copied().collect())
    }

    fn too_many(&self, vm: &VmConfig, count: usize) -> ConfigError {
        let free = self.free.len();
        let expected = format!("at most {free}, the cores that are still free: each vCPU has a core of its own");
        mistake_at(&vm.node, property::CPUS, &format!("<{count}>"), &expected)
    }
}

/// The cores that can be started.
fn usable(board: &Board) -> impl Iterator<Item = usize> {
    board.cpus.iter().enumerate().filter(|(_, cpu)| cpu.enable != Enable::Disabled).map(|(core, _)| core)
}

fn taken(vm: &VmConfig, core: usize, owner: &str) -> ConfigError {
    let value = format!("core {core} among others");
    let expected = format!("cores that no other VM has: {owner} has core {core}");
    mistake_at(&vm.node, property::CORES, &value, &expected)
}

/// The core for housekeeping if the owner names none: the lowest without a vCPU, or else the last core of the VM
/// with most vCPUs, so that a VM with a single core, such as a real-time one, is taken only if all are such.
pub(super) fn housekeeping(vms: &[Result<VmPlan, RefusedVm>], board: &Board) -> usize {
    let running = || vms.iter().flatten();
    let idle = usable(board).find(|core| !running().any(|vm| vm.cores.contains(core)));
    let largest = || running().rev().max_by_key(|vm| vm.cores.len()).and_then(|vm| vm.cores.last().copied());
    idle.or_else(largest).unwrap_or_default()
}
