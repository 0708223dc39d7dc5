//! A validated tree, and the door to its nodes.

use super::header::{HEADER_SIZE, extent};
use super::{FdtError, Node, validate};
use crate::address::{Pa, Range};
use alloc::vec::Vec;
use fdt::Fdt;

/// A device tree that keeps to every precondition in the module's documentation. Owns its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tree {
    bytes: Vec<u8>,
}

impl Tree {
    /// Validates the tree at the start of `bytes`, which hold at least [`Extent::used`](super::Extent::used)
    /// bytes of it, and keeps a canonical copy.
    ///
    /// # Errors
    /// The first thing that is wrong with the tree.
    pub fn new(bytes: &[u8]) -> Result<Self, FdtError> {
        let truncated = FdtError::Truncated { needed: HEADER_SIZE, found: bytes.len() };
        let header = bytes.first_chunk::<HEADER_SIZE>().ok_or(truncated)?;
        Ok(Self { bytes: validate::canonical(bytes, &extent(header)?)? })
    }

    /// The canonical bytes: `totalsize` of them.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The door to the nodes. They borrow from it.
    pub fn view(&self) -> View<'_> {
        View(Fdt::new(&self.bytes).ok())
    }

    /// Ranges of the memory reservation block (Devicetree Specification 0.4 5.3). Empty ones and those that
    /// wrap are left out.
    pub fn reservations(&self) -> Vec<Range<Pa>> {
        let Some(fdt) = self.view().0 else { return Vec::new() };
        let range = |address: u64, size: u64| Range::<Pa>::new(Pa::new(address), size);
        fdt.memory_reservations()
            .filter_map(|entry| range(entry.address().addr() as u64, entry.size() as u64))
            .collect()
    }
}

/// The crate's view of a [`Tree`]. It is there for every tree that was validated.
pub struct View<'t>(Option<Fdt<'t>>);

impl<'t> View<'t> {
    /// The root.
    pub fn root(&self) -> Option<Node<'_>> {
        Some(Node::root(self.0.as_ref()?.find_node("/")?))
    }

    /// The node at `path`, such as `/chosen`. A name without unit address finds the first node that has it with
    /// one (Devicetree Specification 0.4 2.2.3).
    pub fn find(&self, path: &str) -> Option<Node<'_>> {
        let names = path.strip_prefix('/')?.split('/').filter(|name| !name.is_empty());
        names.fold(self.root(), |node, name| node?.child(name))
    }

    /// All nodes, each before its children.
    pub fn nodes(&self) -> impl Iterator<Item = Node<'_>> {
        let mut waiting: Vec<Node<'_>> = self.root().into_iter().collect();
        core::iter::from_fn(move || {
            let node = waiting.pop()?;
            let first = waiting.len();
            waiting.extend(node.children());
            waiting.get_mut(first..).unwrap_or_default().reverse();
            Some(node)
        })
    }

    /// The node with the phandle `phandle`.
    pub fn phandle(&self, phandle: u32) -> Option<Node<'_>> {
        self.nodes().find(|node| node.phandle() == Some(phandle))
    }
}
