//! Where each node and property of a tree lies, so that no question walks the whole tree again.

/// Some bytes of a tree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Span {
    start: u32,
    size: u32,
}

impl Span {
    /// The `size` bytes at `start`. A tree has at most [`MAXIMUM_SIZE`](super::MAXIMUM_SIZE); what has more is empty.
    pub fn new(start: usize, size: usize) -> Self {
        let word = |number| u32::try_from(number).unwrap_or(u32::MAX);
        Self { start: word(start), size: word(size) }
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

/// A property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PropertyEntry {
    /// Where its name begins in the strings block; a NUL ends it.
    pub name: u32,
    pub value: Span,
}
