//! Reads where a kernel of raw bytes and a guest's tree go.

use super::mistake::{Mistakes, mistake, number};
use super::vm::{RawPlace, TreePlace, VmConfig, VmPlan};
use crate::address::Ipa;
use crate::fdt::Node;
use bulkhead_abi::property;

/// Trees lie at multiples of this (Devicetree Specification 5.2).
const TREE_ALIGNMENT: u64 = 8;
/// A64 instructions lie at multiples of this.
const INSTRUCTION_SIZE: u64 = 4;

/// Where the kernel of the node `node` goes: one with an address to load it at is raw bytes.
pub(super) fn kernel(vm: &mut VmConfig, errors: &mut Mistakes, node: &Node<'_>) {
    let load = number(errors, node, property::LOAD_ADDRESS, 1, "a guest's address in two cells");
    let expected = "a multiple of 4 in two cells";
    let entry = number(errors, node, property::ENTRY, INSTRUCTION_SIZE, expected);
    if entry.is_some() && !node.has(property::LOAD_ADDRESS) {
        let expected = format_args!("{} beside it: only raw bytes need an entry", property::LOAD_ADDRESS);
        mistake(errors, node, property::ENTRY, expected);
    }
    vm.raw = load.map(|load| RawPlace { load: Ipa::new(load), entry: Ipa::new(entry.unwrap_or(load)) });
}

/// Where the tree of the VM at `node` goes.
pub(super) fn tree(vm: &mut VmPlan, node: &Node<'_>) {
    let expected = "a multiple of 8 in two cells";
    let place = number(&mut vm.errors, node, property::TREE_ADDRESS, TREE_ALIGNMENT, expected);
    let is_none = node.has(property::NO_TREE);
    if is_none && (place.is_some() || vm.vm.device_tree.is_some()) {
        let expected = format_args!("neither a place for a tree nor a tree beside it");
        mistake(&mut vm.errors, node, property::NO_TREE, expected);
    }
    vm.vm.tree_place = match place {
        _ if is_none => TreePlace::Nowhere,
        Some(place) => TreePlace::At(Ipa::new(place)),
        None => TreePlace::Anywhere,
    };
}
