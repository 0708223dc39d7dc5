//! Why a flattened device tree is refused.

use core::fmt;

/// Why a flattened device tree is refused. Offsets are bytes from the start of the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FdtError {
    /// There are fewer bytes than the tree needs.
    Truncated {
        /// Bytes needed.
        needed: usize,
        /// Bytes there.
        found: usize,
    },
    /// The first four bytes are not the magic 0xd00dfeed.
    Magic(u32),
    /// The tree's version, or the oldest version that it is compatible with, is not 17.
    Version {
        /// The version.
        version: u32,
        /// The last version that it is compatible with.
        compatible: u32,
    },
    /// The tree is larger than [`MAXIMUM_SIZE`](super::MAXIMUM_SIZE).
    TooLarge(usize),
    /// A block of the header is misaligned, out of order or reaches out of the tree.
    Block {
        /// Name of the block.
        block: &'static str,
        /// Offset that the header gives.
        offset: usize,
        /// Size that the header gives, in bytes.
        size: usize,
    },
    /// The memory reservations are not ended by an empty one within their block.
    Reservations,
    /// The structure block ends in the middle of something.
    CutShort {
        /// Where that begins.
        offset: usize,
        /// What is cut short.
        what: &'static str,
    },
    /// A token that is unknown or not allowed here.
    Token {
        /// Where it stands.
        offset: usize,
        /// Its value.
        token: u32,
        /// What was expected.
        expected: &'static str,
    },
    /// A node's name is empty, too long or not printable ASCII.
    NodeName(usize),
    /// A property's name is out of the strings block or empty.
    PropertyName(usize),
    /// The strings block holds a name that is too long, has no end or is not printable ASCII.
    Strings(usize),
    /// Nodes nest deeper than [`MAXIMUM_DEPTH`](super::MAXIMUM_DEPTH).
    Depth(usize),
    /// `#address-cells` or `#size-cells` is not one cell.
    Cells(usize),
    /// The crate `fdt` reads the tree otherwise than it was validated: a mistake of ours.
    Disagreement,
}

impl fmt::Display for FdtError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Truncated { needed, found } => write!(formatter, "the tree needs {needed} bytes but has {found}"),
            Self::Magic(found) => write!(formatter, "the tree starts with {found:#010x}, not the magic 0xd00dfeed"),
            Self::Version { version, compatible } => {
                write!(formatter, "the tree has version {version}, compatible with {compatible}, not 17")
            }
            Self::TooLarge(size) => write!(formatter, "the tree takes {size} bytes, more than 2 MiB"),
            Self::Block { block, offset, size } => {
                write!(formatter, "the {block} block at {offset:#x}, {size:#x} bytes, is misaligned or out of place")
            }
            Self::Reservations => write!(formatter, "the memory reservations have no end"),
            Self::CutShort { offset, what } => write!(formatter, "the {what} at {offset:#x} is cut short"),
            Self::Token { offset, token, expected } => {
                write!(formatter, "token {token:#x} at {offset:#x} where {expected} was expected")
            }
            Self::NodeName(offset) => write!(formatter, "the name of the node at {offset:#x} is bad"),
            Self::PropertyName(offset) => write!(formatter, "the name of the property at {offset:#x} is bad"),
            Self::Strings(offset) => write!(formatter, "the name in the strings block at {offset:#x} is bad"),
            Self::Depth(offset) => write!(formatter, "the node at {offset:#x} lies too deep"),
            Self::Cells(offset) => write!(formatter, "the cell count at {offset:#x} is not one cell"),
            Self::Disagreement => write!(formatter, "the tree's two readers disagree"),
        }
    }
}

impl core::error::Error for FdtError {}
