//! Where each node and property of a tree lies: read once through the crate `fdt`, so that no later question walks the
//! whole tree again.

use alloc::vec::Vec;
use fdt::Fdt;

/// Some bytes of a tree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Span {
    start: u32,
    size: u32,
}

impl Span {
    /// Where `part`, a piece of `tree`, lies in it.
    fn of(part: &[u8], tree: &[u8]) -> Option<Self> {
        let start = part.as_ptr().addr().checked_sub(tree.as_ptr().addr())?;
        if start.checked_add(part.len())? > tree.len() {
            return None;
        }
        Some(Self { start: u32::try_from(start).ok()?, size: u32::try_from(part.len()).ok()? })
    }

    /// The bytes of `tree` that this is about.
    pub fn bytes(self, tree: &[u8]) -> &[u8] {
        let start = self.start as usize;
        tree.get(start..start + self.size as usize).unwrap_or_default()
    }
}

/// A node. Nodes stand in the tree's order, each before its children.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NodeEntry {
    /// Its name; empty for the root.
    pub name: Span,
    /// Its parent's number; the root's is its own.
    pub parent: usize,
    /// The number of the first node behind it that is not below it.
    pub end: usize,
    /// The number of its first property.
    pub properties: usize,
}

/// A property.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PropertyEntry {
    pub name: Span,
    pub value: Span,
}

/// All nodes and properties of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Index {
    pub nodes: Vec<NodeEntry>,
    pub properties: Vec<PropertyEntry>,
}

impl Index {
    /// The index of the tree `bytes`, which `fdt` reads; `parents` has the parent's number for each node. `None` if
    /// the two disagree.
    pub fn new(bytes: &[u8], fdt: &Fdt<'_>, parents: &[usize]) -> Option<Self> {
        let mut index = Self { nodes: Vec::with_capacity(parents.len()), properties: Vec::new() };
        let mut nodes = fdt.all_nodes();
        for (number, parent) in parents.iter().enumerate() {
            let node = nodes.next()?;
            // The crate's name for the root is none of the tree's bytes.
            let name = if number == 0 { Span::default() } else { Span::of(node.name.as_bytes(), bytes)? };
            let properties = index.properties.len();
            for property in node.properties() {
                let name = Span::of(property.name.as_bytes(), bytes)?;
                index.properties.push(PropertyEntry { name, value: Span::of(property.value, bytes)? });
            }
            index.nodes.push(NodeEntry { name, parent: *parent, end: number + 1, properties });
        }
        if nodes.next().is_some() {
            return None;
        }
        index.close();
        Some(index)
    }

    /// Sets each node's end, from its last descendant's.
    fn close(&mut self) {
        for number in (1..self.nodes.len()).rev() {
            let Some(NodeEntry { parent, end, .. }) = self.nodes.get(number).copied() else { continue };
            if let Some(parent) = self.nodes.get_mut(parent) {
                parent.end = parent.end.max(end);
            }
        }
    }

    /// The properties of node `number`.
    pub fn properties_of(&self, number: usize) -> &[PropertyEntry] {
        let first = self.nodes.get(number).map_or(0, |node| node.properties);
        let end = self.nodes.get(number + 1).map_or(self.properties.len(), |next| next.properties);
        self.properties.get(first..end).unwrap_or_default()
    }
}
