//! Boots boards with guests in QEMU and judges what it saw.
//!
//! A test describes a [`Board`], what it boots ([`Boot`]), starts a [`Session`], and acts on output seen, never on
//! time: limits in wall time are a safety net only. Failures are panics; the session then leaves its transcript, the
//! QEMU command and the seed in `target/test/NAME/`.

pub mod artifacts;
pub mod board;
pub mod boot;
pub mod configuration;
pub mod elsewhere;
pub mod debugger;
pub mod lives;
pub mod model;
pub mod port;
pub mod session;
pub mod suite;
pub mod transcript;
pub mod wire;

pub use board::{Board, Gic};
pub use boot::Boot;
pub use configuration::{Configuration, Vm};
pub use debugger::Debugger;
pub use port::Port;
pub use session::Session;
pub use suite::{Context, Suite};
