//! Scripts of random accesses to an interrupt controller, GICv2 (IHI 0048B) or GICv3 (IHI 0069H).
//!
//! A guest carries a script out and says what each load gave; the test that judges it makes the same script again from the
//! same seed, so that it knows what each answer answers. So nothing in a script depends on an answer, but for what
//! [`Act::End`] and its like say.
//!
//! With two vCPUs each access names the one that does it, when the one before is done: they drive each other's interrupts, and
//! everything still follows from the seed.
//!
//! The specification leaves some accesses UNPREDICTABLE. Two machines may answer these in two ways, and nothing could be
//! learned from what follows. So no script has them: see `draw`.
#![no_std]
#![forbid(unsafe_code)]

mod access;
mod draw;
mod live;
pub mod random;
mod register;
mod v2;
mod v3;
#[cfg(test)]
mod tests;

pub use access::{Access, Act, Frame, Group, Place, Version};
pub use draw::Script;
pub use register::System;
