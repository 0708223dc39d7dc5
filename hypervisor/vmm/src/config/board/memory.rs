//! RAM and what of it is reserved.

use crate::address::{PAGE_SIZE, Pa, Range};
use crate::config::mistake::{mistake, mistake_at};
use crate::fault::ConfigError;
use crate::fdt::{Node, Tree, View};
use alloc::format;
use alloc::vec::Vec;

/// RAM in ascending order, from the memory nodes below `root` (Devicetree Specification 0.4 3.4).
pub(super) fn ranges(root: &Node<'_>) -> Result<Vec<Range<Pa>>, ConfigError> {
    let mut memory: Vec<Range<Pa>> = Vec::new();
    for node in root.children().filter(is_memory) {
        for range in node_ranges(&node)? {
            if let Some(other) = memory.iter().find(|other| other.overlaps(&range)) {
                let value = format!("{range}, which overlaps {other}");
                return Err(mistake_at(&node.path(), "reg", &value, "memory that no other memory node has"));
            }
            memory.insert(memory.partition_point(|other| *other < range), range);
        }
    }
    if memory.is_empty() {
        return Err(mistake_at(
            "/memory",
            "",
            "absent",
            "a node with device_type = \"memory\" and a reg that is not empty",
        ));
    }
    Ok(memory)
}

fn is_memory(node: &Node<'_>) -> bool {
    let kind = node.property("device_type").and_then(|kind| kind.string());
    kind == Some("memory") && node.is_enabled()
}

/// The whole pages in each entry of a memory node. Entries of size 0 are placeholders for the firmware.
fn node_ranges(node: &Node<'_>) -> Result<Vec<Range<Pa>>, ConfigError> {
    let entries = node.reg().ok_or_else(|| mistake(node, "reg", "pairs of address and size, at most 64 bits each"))?;
    let mut ranges = Vec::new();
    for (address, size) in entries.into_iter().filter(|(_, size)| *size != 0) {
        let wraps = || mistake(node, "reg", "memory that ends within the 64-bit address space");
        let end = address.checked_add(size).ok_or_else(wraps)? & !(PAGE_SIZE - 1);
        let start = address.checked_next_multiple_of(PAGE_SIZE).ok_or_else(wraps)?;
        ranges.extend(end.checked_sub(start).and_then(|size| Range::<Pa>::new(Pa::new(start), size)));
    }
    Ok(ranges)
}

/// Ranges that are not to be touched: the reservation block and the children of `/reserved-memory` that have a
/// fixed place (Devicetree Specification 0.4 3.5).
pub(super) fn reserved(tree: &Tree, view: &View<'_>) -> Vec<Range<Pa>> {
    let mut reserved = tree.reservations();
    for node in view.find("/reserved-memory").iter().flat_map(Node::children).filter(Node::is_enabled) {
        let entries = node.reg().unwrap_or_default();
        reserved.extend(entries.into_iter().filter_map(|(address, size)| Range::<Pa>::new(Pa::new(address), size)));
    }
    reserved
}
