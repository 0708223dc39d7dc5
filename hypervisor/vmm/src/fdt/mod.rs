//! Flattened device trees: validated whole before anything reads them, and written for guests.
//!
//! [`Tree::new`] walks a tree once: it refuses it, or makes a canonical copy and notes where each node and property lies
//! (`index.rs`). No later question walks the whole tree again, and none meets what is not as it should be. Both
//! [`Tree`]'s readers and the crate `fdt` (0.1.5), by which `tree.rs` reads the copy's memory reservations, and tests and
//! guests read all of it, rely on these preconditions; where they do not hold, that crate panics, loops or reads the wrong
//! thing:
//!
//! | what is relied on | where `fdt` would fail |
//! |---|---|
//! | the buffer holds `totalsize` bytes, with the magic | `Fdt::new` refuses a longer claim: the copy's is exact |
//! | structure, strings and reservation blocks lie in the buffer | slice index in `structs_block`, `strings_block`, `memory_reservations` |
//! | the reservation list ends by a zero entry in its block | `memory_reservations` reads on into the next block |
//! | the first token opens a node, and that node has an empty name | `find_node("/")` gives `None`, its callers unwrap |
//! | exactly one root; every node is closed; the end token follows | `assert_eq!` in `skip_current_node`, `parent_index - 1` in `all_nodes` |
//! | no unknown token, none cut short | `peek_u32().unwrap()` in `properties`, `children`, `skip_current_node` |
//! | properties come before child nodes | `assert_eq!(…, FDT_END_NODE)` in `skip_current_node` |
//! | nodes nest less than 64 deep | `parents[parent_index]` in `all_nodes`; the recursion of `find_node` |
//! | node names end by NUL inside the block and are UTF-8 | `expect("unit_name C str")`, `as_str().unwrap()` |
//! | property values lie in the block | slice index in `NodeProperty::parse` |
//! | property names lie in the strings block, all of which is names that end by NUL and are UTF-8 | slice index and `expect` in `str_at_offset` |
//! | `#address-cells` and `#size-cells` hold a cell | `expect` in `cell_sizes`, which `reg` and `raw_reg` call |
//! | no NOP token | `all_nodes`, `find_node` and `skip_current_node` take one in some places for the end: the copy has none |

mod error;
mod header;
mod index;
mod node;
mod property;
mod tree;
mod validate;
mod writer;

pub use error::FdtError;
pub use header::{Extent, HEADER_SIZE, MAXIMUM_SIZE, extent};
pub use node::Node;
pub use property::Property;
pub use tree::{Tree, View};
pub use validate::{MAXIMUM_DEPTH, MAXIMUM_NAME};
pub use writer::Writer;

/// Token that opens a node (Devicetree Specification 0.4 5.4.1).
const BEGIN_NODE: u32 = 1;
/// Token that closes a node.
const END_NODE: u32 = 2;
/// Token that starts a property.
const PROPERTY: u32 = 3;
/// Token without a meaning, left where something was deleted.
const NOP: u32 = 4;
/// Token that ends the structure block.
const END: u32 = 9;
