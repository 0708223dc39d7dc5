//! RAM and what of it is reserved.

use super::children;
use crate::address::{PAGE_SIZE, Pa, Range};
use crate::config::mistake::{Mistakes, missing, mistake, text};
use crate::fdt::{Node, Tree};
use alloc::vec::Vec;

/// RAM in ascending order, from the memory nodes below `root` (Devicetree Specification 0.4 3.4).
pub(super) fn ranges(root: &Node<'_>, mistakes: &mut Mistakes) -> Option<Vec<Range<Pa>>> {
    let mut memory = Vec::new();
    for node in root.children() {
        if text(&node, "device_type") != Some("memory") || !node.is_enabled() {
            continue;
        }
        let entries = node.reg();
        let good = entries.is_some_and(|entries| entries.iter().all(|entry| add(&mut memory, *entry).is_some()));
        if !good {
            let expected = "address and size of memory that no other node has, within 64 bits";
            mistake(mistakes, &node, "reg", format_args!("{expected}"));
            return None;
        }
    }
    if memory.is_empty() {
        let expected = "a node with device_type = \"memory\" and a reg that is not empty";
        missing(mistakes, "/memory", "absent", expected);
        return None;
    }
    Some(memory)
}

/// Adds the whole pages of an entry to `memory`; `None` if it wraps or overlaps. Entries of size 0 are placeholders for
/// the firmware.
fn add(memory: &mut Vec<Range<Pa>>, (address, size): (u64, u64)) -> Option<()> {
    let end = address.checked_add(size)? & !(PAGE_SIZE - 1);
    let start = address.checked_next_multiple_of(PAGE_SIZE)?;
    let pages = end.checked_sub(start).and_then(|size| Range::<Pa>::new(Pa::new(start), size));
    let Some(pages) = pages else { return Some(()) };
    let mut place = 0;
    for other in &*memory {
        if other.overlaps(&pages) {
            return None;
        }
        place += usize::from(other.start() < pages.start());
    }
    memory.insert(place, pages);
    Some(())
}

/// Ranges that are not to be touched: the reservation block and the children of `/reserved-memory` that have a
/// fixed place (Devicetree Specification 0.4 3.5).
pub(super) fn reserved(tree: &Tree) -> Vec<Range<Pa>> {
    let mut reserved = tree.reservations();
    for node in &children(tree.view(), "/reserved-memory") {
        if !node.is_enabled() {
            continue;
        }
        for (address, size) in &node.reg().unwrap_or_default() {
            reserved.extend(Range::<Pa>::new(Pa::new(*address), *size));
        }
    }
    reserved
}
