//! Gives cores to VMs.

use super::{Candidate, well};
use crate::config::board::{Board, Enable};
use crate::config::mistake::mistake_at;
use crate::config::vm::{Cores, RefusedVm};
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
    errors.push(mistake_at(node, name, format!("<{wish}>"), "a core of the board that can be started"));
    None
}

/// Gives every VM its cores, or a mistake.
pub(super) fn assign(vms: &mut [Result<Candidate, RefusedVm>], board: &Board, housekeeping: Option<usize>) {
    let mut free: Vec<usize> = usable(board).collect();
    // Names of the VMs that have taken cores by number.
    let mut owners: Vec<(usize, String)> = Vec::new();
    for vm in well(vms) {
        if let Cores::Exact(list) = vm.vm.cores.clone() {
            match owners.iter().find(|(core, _)| list.contains(core)) {
                Some((core, owner)) => vm.errors.push(taken(vm, *core, owner)),
                None => take(vm, list, &mut free, &mut owners),
            }
        }
    }
    for vm in well(vms) {
        let count = match vm.vm.cores {
            Cores::Count(count) => count,
            Cores::Exact(_) | Cores::All => continue,
        };
        match pick(&free, count, housekeeping) {
            Some(cores) => take(vm, cores, &mut free, &mut owners),
            None => vm.errors.push(too_many(vm, count, free.len())),
        }
    }
    for vm in well(vms).filter(|vm| vm.vm.cores == Cores::All) {
        match free.get(..free.len().min(VcpuId::MAXIMUM.into())).filter(|cores| !cores.is_empty()) {
            Some(cores) => take(vm, cores.to_vec(), &mut free, &mut owners),
            None => vm.errors.push(too_many(vm, 1, 0)),
        }
    }
}

/// The cores that can be started.
fn usable(board: &Board) -> impl Iterator<Item = usize> {
    board.cpus.iter().enumerate().filter(|(_, cpu)| cpu.enable != Enable::Disabled).map(|(core, _)| core)
}

fn take(vm: &mut Candidate, cores: Vec<usize>, free: &mut Vec<usize>, owners: &mut Vec<(usize, String)>) {
    free.retain(|core| !cores.contains(core));
    owners.extend(cores.iter().map(|core| (*core, vm.vm.name.clone())));
    vm.cores = cores;
}

/// `count` of the cores `free`, the highest first and the housekeeping core last, in ascending order.
fn pick(free: &[usize], count: usize, housekeeping: Option<usize>) -> Option<Vec<usize>> {
    let mut order: Vec<usize> = free.iter().rev().copied().filter(|core| Some(*core) != housekeeping).collect();
    order.extend(free.iter().filter(|core| Some(**core) == housekeeping));
    let mut cores = order.get(..count)?.to_vec();
    cores.sort_unstable();
    Some(cores)
}

fn taken(vm: &Candidate, core: usize, owner: &str) -> ConfigError {
    let value = format!("core {core} among others");
    mistake_at(
        vm.vm.node.clone(),
        property::CORES,
        value,
        format!("cores that no other VM has: {owner} has core {core}"),
    )
}

fn too_many(vm: &Candidate, count: usize, free: usize) -> ConfigError {
    let expected = format!("at most {free}, the cores that are still free: each vCPU has a core of its own");
    mistake_at(vm.vm.node.clone(), property::CPUS, format!("<{count}>"), expected)
}

/// The core for housekeeping if the owner names none: the lowest without a vCPU, or else the last core of the VM
/// with most vCPUs, so that a VM with a single core, such as a real-time one, is taken only if all are such.
pub(super) fn housekeeping(vms: &[Result<Candidate, RefusedVm>], board: &Board) -> usize {
    let running = || vms.iter().flatten().filter(|vm| vm.is_well());
    let idle = usable(board).find(|core| !running().any(|vm| vm.cores.contains(core)));
    let largest = || running().rev().max_by_key(|vm| vm.cores.len()).and_then(|vm| vm.cores.last().copied());
    idle.or_else(largest).unwrap_or_default()
}
