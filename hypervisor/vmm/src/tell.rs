//! What the owner is told: the one place that logs.

use core::fmt::Arguments;
pub use log::Level;

/// Logs `message`. Each use of the `log` crate's macros leaves a description of its place in the image that nobody
/// reads; here there is only one.
#[inline(never)]
pub fn tell(level: Level, message: Arguments<'_>) {
    log::log!(level, "{message}");
}
