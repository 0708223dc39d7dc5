//! What can be wrong: with a guest ([`GuestFault`]) or with the owner's configuration ([`ConfigError`]).
//! A broken invariant of ours is neither: it is asserted where it is relied on.

use alloc::string::String;
use core::fmt::{self, Write};

/// A mistake in the owner's configuration, said so that the owner can mend it: the path of the node and the name of the
/// property that it is in, the value found, as the owner would write it, and what was expected instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError(String);

impl ConfigError {
    /// The mistake that `property` of the node at the path `node` is `value` and not what was `expected`. `property` is
    /// empty if the mistake is in the node as a whole.
    #[cold]
    #[inline(never)]
    pub fn new(node: &str, property: &str, value: fmt::Arguments<'_>, expected: fmt::Arguments<'_>) -> Self {
        let mut text = String::from(node);
        if !property.is_empty() {
            text.push_str(": ");
            text.push_str(property);
        }
        // A string takes whatever is written.
        let _ = write!(text, " is {value}; expected {expected}");
        Self(text)
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Something that a guest did wrong. Never more than that guest's own trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GuestFault {
    /// The access has no answer on the guest's bus: it takes a synchronous external abort.
    ExternalAbort,
}
