//! A validated tree, and the door to its nodes.

use super::header::{HEADER_SIZE, extent};
use super::index::Index;
use super::{FdtError, Node, validate};
use crate::address::{Pa, Range};
use alloc::vec::Vec;
use fdt::Fdt;

/// A device tree that keeps to every precondition in the module's documentation. Owns its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tree {
    bytes: Vec<u8>,
    pub(super) index: Index,
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
        let canonical = validate::canonical(bytes, &extent(header)?)?;
        let fdt = Fdt::new(&canonical.bytes).map_err(|_| FdtError::Disagreement)?;
        let index = Index::new(&canonical.bytes, &fdt, &canonical.parents).ok_or(FdtError::Disagreement)?;
        Ok(Self { bytes: canonical.bytes, index })
    }

    /// The canonical bytes: `totalsize` of them.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The door to the nodes.
    pub fn view(&self) -> View<'_> {
        View(self)
    }

    /// Ranges of the memory reservation block (Devicetree Specification 0.4 5.3). Empty ones and those that
    /// wrap are left out.
    pub fn reservations(&self) -> Vec<Range<Pa>> {
        let Ok(fdt) = Fdt::new(&self.bytes) else { return Vec::new() };
        let range = |address: u64, size: u64| Range::<Pa>::new(Pa::new(address), size);
        let ranges = fdt.memory_reservations();
        ranges.filter_map(|entry| range(entry.address().addr() as u64, entry.size() as u64)).collect()
    }
}

/// The nodes of a [`Tree`].
#[derive(Clone, Copy)]
pub struct View<'t>(&'t Tree);

impl<'t> View<'t> {
    /// The root, which every tree has.
    pub fn root(&self) -> Option<Node<'t>> {
        self.nodes().next()
    }

    /// The node at `path`, such as `/chosen`. A name without unit address finds the first node that has it with
    /// one (Devicetree Specification 0.4 2.2.3).
    pub fn find(&self, path: &str) -> Option<Node<'t>> {
        let names = path.strip_prefix('/')?.split('/').filter(|name| !name.is_empty());
        names.fold(self.root(), |node, name| node?.child(name))
    }

    /// All nodes, each before its children.
    pub fn nodes(&self) -> impl Iterator<Item = Node<'t>> + use<'t> {
        let tree = self.0;
        (0..tree.index.nodes.len()).map(|number| Node::new(tree, number))
    }
}
