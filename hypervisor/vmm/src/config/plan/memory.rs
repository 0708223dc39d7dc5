//! Gives memory to VMs.

use super::{Candidate, DEFAULT_VM_LEAVES, HYPERVISOR_RESERVE, Occupied, ranges, well};
use crate::address::{Pa, Range};
use crate::config::board::Board;
use crate::config::machine::{ADDRESS_LIMIT, MachineLayout, RAM_ALIGNMENT};
use crate::config::mistake::mistake_at;
use crate::config::vm::{Module, RefusedVm};
use crate::fault::ConfigError;
use alloc::format;
use alloc::vec::Vec;
use bulkhead_abi::property;

/// Gives a mistake to every VM that has a module where there is no RAM, where something else lies, or over another
/// module. The very same bytes may be several modules.
pub(super) fn check_modules(vms: &mut [Result<Candidate, RefusedVm>], board: &Board, occupied: &[Occupied]) {
    let mut earlier: Vec<Module> = Vec::new();
    for vm in well(vms) {
        let mut own: Vec<Module> = Vec::new();
        for module in vm.vm.modules() {
            let others = earlier.iter().chain(&own).filter(|other| other.range != module.range);
            match misplaced(module, board, occupied).or_else(|| overlap(module, others)) {
                Some(error) => vm.errors.push(error),
                None => own.push(module.clone()),
            }
        }
        if vm.is_well() {
            earlier.extend(own);
        }
    }
}

fn misplaced(module: &Module, board: &Board, occupied: &[Occupied]) -> Option<ConfigError> {
    let error = |expected| Some(mistake_at(module.node.clone(), property::REG, format!("{}", module.range), expected));
    if !board.is_ram(&module.range) {
        return error(format!("a module that lies in RAM: {}", list(&board.memory)));
    }
    if let Some(reserved) = board.reserved.iter().find(|reserved| reserved.overlaps(&module.range)) {
        return error(format!("a module outside the memory that the board reserves: {reserved}"));
    }
    let occupied = occupied.iter().find(|occupied| occupied.range.overlaps(&module.range))?;
    error(format!("a module that does not overlap {} at {}", occupied.by, occupied.range))
}

fn overlap<'m>(module: &Module, mut others: impl Iterator<Item = &'m Module>) -> Option<ConfigError> {
    let other = others.find(|other| other.range.overlaps(&module.range))?;
    let expected = format!("a module that does not overlap {} at {}", other.node, other.range);
    Some(mistake_at(module.node.clone(), property::REG, format!("{}", module.range), expected))
}

/// Gives every VM its memory, or a mistake. Returns what is free without the RAM that has a fixed address.
pub(super) fn assign(vms: &mut [Result<Candidate, RefusedVm>], board: &Board, occupied: &[Occupied]) -> Vec<Range<Pa>> {
    let taken = board.reserved.iter().chain(occupied.iter().map(|occupied| &occupied.range));
    let mut free = taken.fold(board.memory.clone(), |free, range| ranges::subtract(&free, range));
    for vm in well(vms) {
        free = vm.vm.modules().fold(free, |free, module| ranges::subtract(&free, &module.range));
    }
    for vm in well(vms) {
        if let (Some(size), Some(address)) = (vm.vm.memory.size, vm.vm.memory.address) {
            vm.memory_size = size;
            vm.memory =
                Range::<Pa>::new(address, size).filter(|range| free.iter().any(|free| free.contains_range(range)));
            match &vm.memory {
                Some(range) => free = ranges::subtract(&free, range),
                None => vm.errors.push(not_free(vm, address, size, &free)),
            }
        }
    }
    let mut left = ranges::total(&free).saturating_sub(HYPERVISOR_RESERVE);
    for vm in well(vms).filter(|vm| vm.memory.is_none()) {
        vm.memory_size = vm.vm.memory.size.unwrap_or_else(|| all_but(left, &vm.vm.layout));
        match left.checked_sub(vm.memory_size).filter(|_| vm.memory_size > 0) {
            Some(rest) => left = rest,
            None => vm.errors.push(too_much(vm, left)),
        }
    }
    free
}

/// What a VM with the layout `layout` that asks for all memory gets if `left` bytes are left.
fn all_but(left: u64, layout: &MachineLayout) -> u64 {
    let left = left.saturating_add(HYPERVISOR_RESERVE).saturating_sub(DEFAULT_VM_LEAVES);
    left.min(ADDRESS_LIMIT.saturating_sub(layout.ram_base.get())) & !(RAM_ALIGNMENT - 1)
}

fn not_free(vm: &Candidate, address: Pa, size: u64, free: &[Range<Pa>]) -> ConfigError {
    let expected = format!("RAM of {} KiB that is free: {}", size / 1024, list(free));
    mistake_at(vm.vm.node.clone(), property::MEMORY_ADDRESS, format!("{address}"), expected)
}

fn too_much(vm: &Candidate, left: u64) -> ConfigError {
    let value = format!("{} KiB", vm.vm.memory.size.unwrap_or(DEFAULT_VM_LEAVES) / 1024);
    mistake_at(vm.vm.node.clone(), property::MEMORY, value, format!("at most {} KiB, all that is left", left / 1024))
}

/// `ranges`, with commas between them.
fn list(ranges: &[Range<Pa>]) -> alloc::string::String {
    let ranges: Vec<_> = ranges.iter().map(|range| format!("{range}")).collect();
    if ranges.is_empty() { "none".into() } else { ranges.join(", ") }
}
