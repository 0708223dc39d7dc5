//! One physical UART for every console of the machine.
//!
//! Each guest, the monitor and the hypervisor's log has a [`Port`]. A guest's exit only appends to its port's
//! queue; a housekeeping core asks the [`Multiplexer`] for the next bytes whenever the physical UART has room,
//! and gives it the bytes typed. `hypervisor/docs/console.md` has the keys and the exact format; [`Splitter`]
//! is its inverse: from the bytes on the wire back to each port's own.
//!
//! Locks: the caller takes a VM's lock before its UART's, and that before its port's. Nothing here holds two ports' locks
//! at once.

mod input;
mod lane;
mod multiplexer;
mod port;
mod ring;
mod segment;
mod serial;
mod split;
#[cfg(test)]
mod tests;
mod text;
mod words;

pub use input::InputAction;
pub use multiplexer::{Multiplexer, PortSet, Settings};
pub use port::{Counters, Kind, Port, Sizes};
pub use serial::Serial;
pub use split::{Piece, Source, Splitter, split};
