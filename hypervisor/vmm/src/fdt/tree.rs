//! A validated tree, and the door to its nodes.

use super::header::extent;
use super::index::{NodeEntry, PropertyEntry};
use super::property::before;
use super::{FdtError, Node, validate};
use crate::address::{Pa, Range};
use alloc::vec::Vec;
use fdt::Fdt;

/// A device tree that keeps to every precondition in the module's documentation. Owns its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tree {
    pub(super) bytes: Vec<u8>,
    /// Where the strings block begins.
    pub(super) strings: usize,
    pub(super) nodes: Vec<NodeEntry>,
    pub(super) properties: Vec<PropertyEntry>,
}

impl Tree {
    /// Validates the tree at the start of `bytes`, which hold at least [`Extent::used`](super::Extent::used)
    /// bytes of it, and keeps a canonical copy.
    ///
    /// # Errors
    /// The first thing that is wrong with the tree.
    pub fn new(bytes: &[u8]) -> Result<Self, FdtError> {
        let mut tree = Self { bytes: Vec::new(), strings: 0, nodes: Vec::new(), properties: Vec::new() };
        validate::copy(bytes, &extent(bytes)?, &mut tree)?;
        Ok(tree)
    }

    /// The canonical bytes: `totalsize` of them.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The strings block: the properties' names.
    pub(super) fn names(&self) -> &[u8] {
        self.bytes.get(self.strings..).unwrap_or_default()
    }

    /// The door to the nodes.
    pub fn view(&self) -> View<'_> {
        View(self)
    }

    /// Ranges of the memory reservation block (Devicetree Specification 0.4 5.3). Empty ones and those that
    /// wrap are left out.
    pub fn reservations(&self) -> Vec<Range<Pa>> {
        let entries = Fdt::new(&self.bytes).into_iter().flat_map(|tree| tree.memory_reservations());
        entries.filter_map(|it| Range::<Pa>::new(Pa::new(it.address().addr() as u64), it.size() as u64)).collect()
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
        let mut node = self.root()?;
        let mut rest = path.as_bytes().strip_prefix(b"/")?;
        while !rest.is_empty() {
            let name = before(rest, b'/');
            rest = rest.get(name.len() + 1..).unwrap_or_default();
            if !name.is_empty() {
                node = node.child_named(name)?;
            }
        }
        Some(node)
    }

    /// All nodes, each before its children.
    pub fn nodes(&self) -> impl Iterator<Item = Node<'t>> + use<'t> {
        let tree = self.0;
        tree.nodes.iter().map(|entry| Node::new(tree, entry))
    }
}
