//! Gives memory to VMs.

use super::{DEFAULT_VM_LEAVES, HYPERVISOR_RESERVE, Occupied, VmPlan};
use crate::address::{Pa, Range};
use crate::config::board::Board;
use crate::config::machine::{ADDRESS_LIMIT, MachineLayout, RAM_ALIGNMENT};
use crate::config::mistake::Mistakes;
use crate::config::ranges::{self, List};
use crate::config::vm::{Module, VmConfig};
use crate::fault::ConfigError;
use alloc::vec::Vec;
use bulkhead_abi::property;
use core::fmt;

/// Notes for each VM that is not refused the mistake that a module of it lies where there is no RAM, where something
/// else lies, or over another module.
pub(super) fn check_modules(vms: &mut [VmPlan], board: &Board, occupied: &[Occupied]) {
    for index in 0..vms.len() {
        let (earlier, rest) = vms.split_at_mut(index);
        let Some(VmPlan { vm, errors, .. }) = rest.first_mut() else { return };
        if !errors.is_empty() {
            continue;
        }
        for module in vm.modules() {
            if !is_misplaced(errors, module, board, occupied) {
                for other in earlier.iter().filter(|other| other.is_good()) {
                    overlap(errors, module, &other.vm);
                }
                overlap(errors, module, vm);
            }
        }
    }
}

fn is_misplaced(errors: &mut Mistakes, module: &Module, board: &Board, occupied: &[Occupied]) -> bool {
    let range = &module.range;
    if !board.is_ram(range) {
        bad_module(errors, module, format_args!("a module that lies in RAM: {}", List(&board.memory)));
    } else if let Some(reserved) = board.reserved.iter().find(|reserved| reserved.overlaps(range)) {
        bad_module(errors, module, format_args!("a module outside the memory that the board reserves: {reserved}"));
    } else if let Some(Occupied { by, range, .. }) = occupied.iter().find(|occupied| occupied.range.overlaps(range)) {
        bad_module(errors, module, format_args!("a module that does not overlap {by} at {range}"));
    } else {
        return false;
    }
    true
}

/// Notes each module of `vm` that `module` overlaps. The very same bytes may be several modules.
fn overlap(errors: &mut Mistakes, module: &Module, vm: &VmConfig) {
    for Module { node, range } in vm.modules() {
        if *range != module.range && range.overlaps(&module.range) {
            bad_module(errors, module, format_args!("a module that does not overlap {node} at {range}"));
        }
    }
}

fn bad_module(errors: &mut Mistakes, module: &Module, expected: fmt::Arguments<'_>) {
    errors.push(ConfigError::new(&module.node, property::REG, format_args!("{}", module.range), expected));
}

/// Memory that no VM has.
pub(super) struct Left {
    /// What holds nothing and has not been given away by its address; ascending, whole pages.
    pub free: Vec<Range<Pa>>,
    /// Bytes of it that have been given away without an address.
    floating: u64,
}

impl Left {
    /// The memory of `board` without what it reserves, what is `occupied` and not released, and the modules of those of
    /// `vms` that have no error.
    pub fn new(board: &Board, occupied: &[Occupied], vms: &[VmPlan]) -> Self {
        let mut free = board.memory.clone();
        let mut take = |range: &Range<Pa>| ranges::subtract(&mut free, range);
        board.reserved.iter().for_each(&mut take);
        occupied.iter().filter(|occupied| !occupied.released).for_each(|occupied| take(&occupied.range));
        for vm in vms.iter().filter(|vm| vm.is_good()) {
            vm.vm.modules().for_each(|module| take(&module.range));
        }
        Self { free, floating: 0 }
    }

    /// Finds the memory for `plan`, or says why there is none.
    pub fn find(&self, plan: &mut VmPlan) {
        let VmPlan { vm, errors, .. } = plan;
        let left = ranges::total(&self.free).saturating_sub(HYPERVISOR_RESERVE).saturating_sub(self.floating);
        let size = vm.memory.size.unwrap_or_else(|| all_but(left, &vm.layout));
        plan.memory_size = size;
        if size == 0 || size > left {
            let wanted = vm.memory.size.unwrap_or(DEFAULT_VM_LEAVES) / 1024;
            let (value, left) = (format_args!("{wanted} KiB"), left / 1024);
            let expected = format_args!("at most {left} KiB, all that is left");
            return errors.push(ConfigError::new(&vm.node, property::MEMORY, value, expected));
        }
        let Some(address) = vm.memory.address else { return };
        plan.memory =
            Range::<Pa>::new(address, size).filter(|range| self.free.iter().any(|free| free.contains_range(range)));
        if plan.memory.is_none() {
            let expected = format_args!("RAM of {} KiB that is free: {}", size / 1024, List(&self.free));
            let value = format_args!("{address}");
            errors.push(ConfigError::new(&vm.node, property::MEMORY_ADDRESS, value, expected));
        }
    }

    /// Gives `plan` its memory.
    pub fn take(&mut self, plan: &VmPlan) {
        match &plan.memory {
            Some(range) => ranges::subtract(&mut self.free, range),
            None => self.floating = self.floating.saturating_add(plan.memory_size),
        }
    }
}

/// What a VM with the layout `layout` that asks for all memory gets if `left` bytes are left.
fn all_but(left: u64, layout: &MachineLayout) -> u64 {
    let left = left.saturating_add(HYPERVISOR_RESERVE).saturating_sub(DEFAULT_VM_LEAVES);
    left.min(ADDRESS_LIMIT.saturating_sub(layout.ram_base.get())) & !(RAM_ALIGNMENT - 1)
}
