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
    /// Where `part` lies in `tree`. What is none of its bytes is empty.
    fn of(part: &[u8], tree: &[u8]) -> Self {
        let offset = part.as_ptr().addr().wrapping_sub(tree.as_ptr().addr());
        let [start, size] = [offset, part.len()].map(|number| u32::try_from(number).unwrap_or(u32::MAX));
        Self { start, size }
    }

    /// The bytes of `tree` that this is about.
    pub fn bytes(self, tree: &[u8]) -> &[u8] {
        let start = self.start as usize;
        tree.get(start..start + self.size as usize).unwrap_or_default()
    }
}

/// A node. Nodes stand in the tree's order, each before its children.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NodeEntry {
    /// Its name; empty for the root.
    pub name: Span,
    /// Its own number; the root's is 0.
    pub number: usize,
    /// Its parent's number; the root's is its own.
    pub parent: usize,
    /// The number of the first node behind it that is not below it.
    pub end: usize,
    /// The number of its first property, and of the first behind its last.
    pub properties: (usize, usize),
}

impl NodeEntry {
    /// Node `number`, of which nothing but the parent's number is known.
    pub fn new(number: usize, parent: usize) -> Self {
        Self { name: Span::default(), number, parent, end: number, properties: (0, 0) }
    }
}

/// A property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PropertyEntry {
    pub name: Span,
    pub value: Span,
}

/// Completes the `nodes` of the tree `bytes` with their names and properties, and adds all `properties`. `None` if `fdt`
/// finds other nodes.
pub(super) fn complete(nodes: &mut [NodeEntry], properties: &mut Vec<PropertyEntry>, bytes: &[u8]) -> Option<()> {
    let fdt = Fdt::new(bytes).ok()?;
    let mut nodes = nodes.iter_mut();
    for node in fdt.all_nodes() {
        let entry = nodes.next()?;
        // The crate's name for the root is none of the tree's bytes.
        entry.name = Span::of(node.name.as_bytes(), bytes);
        entry.properties.0 = properties.len();
        for property in node.properties() {
            let (name, value) = (Span::of(property.name.as_bytes(), bytes), Span::of(property.value, bytes));
            properties.push(PropertyEntry { name, value });
        }
        entry.properties.1 = properties.len();
    }
    if nodes.next().is_none() { Some(()) } else { None }
}
