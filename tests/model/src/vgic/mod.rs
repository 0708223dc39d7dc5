//! The virtual GIC against an oracle: `oracle` says what the architecture allows, `interface` is the hardware's
//! virtual CPU interface working on list registers, `world` wires them to the real thing, `steps` are random; `late` is about kicks
//! that take their time.

pub mod interface;
pub mod late;
pub mod oracle;
pub mod random;
pub mod registers;
pub mod steps;
pub mod world;
