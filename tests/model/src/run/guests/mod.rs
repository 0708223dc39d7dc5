//! Guests.

pub mod smp;
pub mod ticker;
