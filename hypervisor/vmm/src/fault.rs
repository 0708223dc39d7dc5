//! What can be wrong: with a guest ([`GuestFault`]) or with the owner's configuration ([`ConfigError`]).
//! A broken invariant of ours is neither: it is asserted where it is relied on.

use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;
use core::ops::Deref;

/// A mistake in the owner's configuration, said so that the owner can mend it. Small, for results that carry it are
/// passed on everywhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError(Box<Mistake>);

/// What a [`ConfigError`] says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Path of the device-tree node, such as `/chosen/hypervisor/linux`.
    pub node: String,
    /// Name of the property, or empty if the mistake is in the node as a whole.
    pub property: String,
    /// The value found, as the owner would write it, or `absent`.
    pub value: String,
    /// What was expected instead, and what to do.
    pub expected: String,
}

impl ConfigError {
    /// The mistake that `property` of the node at the path `node` is `value` and not what was `expected`.
    pub fn new(node: &str, property: &str, value: &str, expected: &str) -> Self {
        let [node, property, value, expected] = [node, property, value, expected].map(String::from);
        Self(Box::new(Mistake { node, property, value, expected }))
    }
}

impl Deref for ConfigError {
    type Target = Mistake;

    fn deref(&self) -> &Mistake {
        &self.0
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.node)?;
        if !self.property.is_empty() {
            write!(formatter, ": {}", self.property)?;
        }
        write!(formatter, " is {}; expected {}", self.value, self.expected)
    }
}

/// Something that a guest did wrong. Never more than that guest's own trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GuestFault {
    /// The instruction is UNDEFINED for this guest: it takes an Undefined Instruction exception.
    Undefined,
    /// The access has no answer on the guest's bus: it takes a synchronous external abort.
    ExternalAbort,
    /// Nothing architectural can be done: the guest is stopped by its policy, for the reason given.
    Stop(&'static str),
}
