//! What the owner gave: the board's device tree and the configuration in it. Every mistake is a
//! [`ConfigError`](crate::fault::ConfigError) that names node, property, value and expectation, and refuses no
//! more than the VM that it is in.
//!
//! ```text
//! Tree ─┬─ Board::read          the machine
//!       └─ Configuration::read  what the owner wants    ─ plan::plan ─ who gets which cores and memory
//!                                                       ─ LoadPlan   ─ what goes where in a guest's RAM
//!                                                       ─ guest_tree ─ the tree that the guest gets
//! ```

pub mod board;
mod configuration;
#[cfg(feature = "devices")]
mod devices;
pub mod guest_tree;
pub mod machine;
mod mistake;
mod modules;
#[cfg(feature = "formats")]
mod place;
pub mod plan;
mod ranges;
mod read_vm;
mod vm;

pub use configuration::{Configuration, DEFAULT_ESCAPE_KEY, WhenAllOff};
pub use plan::{Occupied, Plan};
pub use vm::{Cores, GuestGic, Memory, Module, Policy, RawPlace, TreePlace, VmConfig, VmPlan};
