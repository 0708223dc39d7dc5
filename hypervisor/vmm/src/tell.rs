//! What the owner is told: the one place that logs, and the one that makes text of messages.

use alloc::string::String;
use core::fmt::{Arguments, Write};
pub use log::Level;

/// Logs `message`. Each use of the `log` crate's macros leaves a description of its place in the image that nobody
/// reads; here there is only one.
#[inline(never)]
pub fn tell(level: Level, message: Arguments<'_>) {
    log::log!(level, "{message}");
}

/// Bytes of which most messages have no more.
const USUAL: usize = 64;

/// The text of `message`. `alloc`'s own way there writes to strings by code of its own, which is compiled for speed: it
/// would be in the image twice.
#[inline(never)]
pub fn text(message: Arguments<'_>) -> String {
    let mut text = String::with_capacity(USUAL);
    // A string takes whatever is written.
    let _ = text.write_fmt(message);
    text
}
