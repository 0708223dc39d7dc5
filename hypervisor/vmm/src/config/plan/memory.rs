//! Gives memory to VMs.

use super::{DEFAULT_VM_LEAVES, HYPERVISOR_RESERVE, Occupied, ranges};
use crate::address::{Pa, Range};
use crate::config::board::Board;
use crate::config::machine::{ADDRESS_LIMIT, MachineLayout, RAM_ALIGNMENT};
use crate::config::mistake::mistake_at;
use crate::config::vm::{Module, RefusedVm, VmConfig};
use crate::fault::ConfigError;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use bulkhead_abi::property;

/// For each VM that is not refused, a mistake for each of its modules that lies where there is no RAM, where something
/// else lies, or over another module. The very same bytes may be several modules.
pub(super) fn misplaced_modules(
    vms: &[Result<VmConfig, RefusedVm>],
    board: &Board,
    occupied: &[Occupied],
) -> Vec<Vec<ConfigError>> {
    let mut earlier: Vec<&Module> = Vec::new();
    let mut all = Vec::new();
    for vm in vms.iter().flatten() {
        let mut own: Vec<&Module> = Vec::new();
        let mut errors = Vec::new();
        for module in vm.modules() {
            let others = earlier.iter().chain(&own).copied();
            match misplaced(module, board, occupied).or_else(|| overlap(module, others)) {
                Some(error) => errors.push(error),
                None => own.push(module),
            }
        }
        if errors.is_empty() {
            earlier.extend(own);
        }
        all.push(errors);
    }
    all
}

fn misplaced(module: &Module, board: &Board, occupied: &[Occupied]) -> Option<ConfigError> {
    let error = |expected: String| Some(misplaced_module(module, &expected));
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
    let other = others.find(|other| other.range != module.range && other.range.overlaps(&module.range))?;
    let expected = format!("a module that does not overlap {} at {}", other.node, other.range);
    Some(misplaced_module(module, &expected))
}

fn misplaced_module(module: &Module, expected: &str) -> ConfigError {
    mistake_at(&module.node, property::REG, &format!("{}", module.range), expected)
}

/// Memory that no VM has.
pub(super) struct Left {
    /// What holds nothing and has not been given away by its address; ascending, whole pages.
    pub free: Vec<Range<Pa>>,
    /// Bytes of it that have been given away without an address.
    floating: u64,
}

/// A VM's memory.
pub(super) struct Found {
    /// Its size in bytes.
    pub size: u64,
    /// Where it lies, if that is fixed.
    pub fixed: Option<Range<Pa>>,
}

impl Left {
    /// The memory of `board` without what it reserves, what is `occupied`, and the modules of those of `vms` that have
    /// no error.
    pub fn new<'v>(
        board: &Board,
        occupied: &[Occupied],
        vms: impl Iterator<Item = (&'v VmConfig, &'v Vec<ConfigError>)>,
    ) -> Self {
        let taken = board.reserved.iter().chain(occupied.iter().map(|occupied| &occupied.range));
        let free = taken.fold(board.memory.clone(), |free, range| ranges::subtract(&free, range));
        let modules = vms.filter(|(_, errors)| errors.is_empty()).flat_map(|(vm, _)| vm.modules());
        Self { free: modules.fold(free, |free, module| ranges::subtract(&free, &module.range)), floating: 0 }
    }

    /// The memory for `vm`.
    pub fn find(&self, vm: &VmConfig) -> Result<Found, ConfigError> {
        let left = ranges::total(&self.free).saturating_sub(HYPERVISOR_RESERVE).saturating_sub(self.floating);
        let size = vm.memory.size.unwrap_or_else(|| all_but(left, &vm.layout));
        if size == 0 || size > left {
            return Err(too_much(vm, left));
        }
        let Some(address) = vm.memory.address else { return Ok(Found { size, fixed: None }) };
        let fixed =
            Range::<Pa>::new(address, size).filter(|range| self.free.iter().any(|free| free.contains_range(range)));
        match fixed {
            Some(_) => Ok(Found { size, fixed }),
            None => Err(not_free(vm, address, size, &self.free)),
        }
    }

    /// Gives `memory` away.
    pub fn take(&mut self, memory: &Found) {
        match &memory.fixed {
            Some(range) => self.free = ranges::subtract(&self.free, range),
            None => self.floating = self.floating.saturating_add(memory.size),
        }
    }
}

/// What a VM with the layout `layout` that asks for all memory gets if `left` bytes are left.
fn all_but(left: u64, layout: &MachineLayout) -> u64 {
    let left = left.saturating_add(HYPERVISOR_RESERVE).saturating_sub(DEFAULT_VM_LEAVES);
    left.min(ADDRESS_LIMIT.saturating_sub(layout.ram_base.get())) & !(RAM_ALIGNMENT - 1)
}

fn not_free(vm: &VmConfig, address: Pa, size: u64, free: &[Range<Pa>]) -> ConfigError {
    let expected = format!("RAM of {} KiB that is free: {}", size / 1024, list(free));
    mistake_at(&vm.node, property::MEMORY_ADDRESS, &format!("{address}"), &expected)
}

fn too_much(vm: &VmConfig, left: u64) -> ConfigError {
    let value = format!("{} KiB", vm.memory.size.unwrap_or(DEFAULT_VM_LEAVES) / 1024);
    mistake_at(&vm.node, property::MEMORY, &value, &format!("at most {} KiB, all that is left", left / 1024))
}

/// `ranges`, with commas between them.
fn list(ranges: &[Range<Pa>]) -> String {
    let ranges: Vec<_> = ranges.iter().map(|range| format!("{range}")).collect();
    if ranges.is_empty() { "none".into() } else { ranges.join(", ") }
}
