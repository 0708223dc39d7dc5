//! Guests.

pub mod ticker;
