//! Why a flattened device tree is refused.

use core::fmt;

/// Why a flattened device tree is refused: the first thing that is wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FdtError {
    /// What is wrong, to be read before `at` and the offset.
    pub what: &'static str,
    /// Where, in bytes from the start of the tree.
    pub offset: usize,
}

impl FdtError {
    /// The tree has fewer bytes than it needs; the offset is where they end.
    pub const CUT_SHORT: &str = "the tree is cut short";
    /// The first four bytes are not the magic 0xd00dfeed.
    pub const MAGIC: &str = "the magic 0xd00dfeed of a device tree is missing";
    /// The version, or the oldest version that the tree is compatible with, is not 17.
    pub const VERSION: &str = "the tree's version is not 17";
    /// The tree is larger than [`MAXIMUM_SIZE`](super::MAXIMUM_SIZE); the offset is where it ends.
    pub const TOO_LARGE: &str = "the tree takes more than 128 KiB: it ends";
    /// A block is misaligned, out of order or reaches out of the tree; the offset is the block's in the header.
    pub const BLOCK: &str = "a block is misaligned or out of place: see the header";
    /// The memory reservations are not ended by an empty one within their block.
    pub const RESERVATIONS: &str = "there is no end of the memory reservations";
    /// The structure block ends in the middle of something, which begins at the offset.
    pub const INCOMPLETE: &str = "the structure block ends behind the part";
    /// A token that is unknown or may not be here: only the root may.
    pub const NOT_ROOT: &str = "the root is expected";
    /// Likewise, behind a node's name or properties.
    pub const NOT_PROPERTY: &str = "a property, a node or a node's end is expected";
    /// Likewise, behind a node's child: properties come before it.
    pub const NOT_NODE: &str = "a node or a node's end is expected";
    /// Likewise, behind the root.
    pub const NOT_END: &str = "the end of the tree is expected";
    /// A node's name is too long, not printable ASCII or has a slash; or is empty, or the root's is not.
    pub const NODE_NAME: &str = "a bad name of a node";
    /// A property's name is out of the strings block or empty.
    pub const PROPERTY_NAME: &str = "a bad name of a property";
    /// A name in the strings block is too long, has no end or is not printable ASCII.
    pub const STRINGS: &str = "a bad name in the strings block";
    /// A node nests deeper than [`MAXIMUM_DEPTH`](super::MAXIMUM_DEPTH).
    pub const DEPTH: &str = "a node nests too deep";
    /// `#address-cells` or `#size-cells` is not one cell.
    pub const CELLS: &str = "a count of cells is not one cell";

    pub(super) fn new(what: &'static str, offset: usize) -> Self {
        Self { what, offset }
    }
}

impl fmt::Display for FdtError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} at {:#x}", self.what, self.offset)
    }
}

impl core::error::Error for FdtError {}
