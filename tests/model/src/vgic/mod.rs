//! The virtual GIC against an oracle: `oracle` and `registers` say what the architecture allows, `interface` is the
//! hardware's virtual CPU interface working on list registers, `world`, `access`, `sgi` and `power` wire them to the real thing,
//! `steps` and `choices` are random, of the `shape` of their sequence; `tally` counts what happened. `late` is about
//! kicks that take their time.

mod access;
mod choices;
pub mod fuzz;
mod interface;
pub mod late;
mod oracle;
mod power;
mod registers;
mod sgi;
pub mod shape;
pub mod steps;
pub mod tally;
mod world;
