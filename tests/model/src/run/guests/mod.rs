//! Guests.

pub mod careless;
pub mod ending;
pub mod hostile;
pub mod smp;
pub mod talker;
pub mod ticker;
pub mod timer;
