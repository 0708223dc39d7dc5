//! All mechanism of the Bulkhead hypervisor: the only crate with unsafe code and assembly.
//!
//! It implements [`bulkhead_vmm::platform::Platform`] for one physical core ([`core::Core`]), and brings the
//! machine from the firmware's hands to where policy can take over ([`boot`]).
#![no_std]
#![deny(unsafe_op_in_unsafe_fn)]

extern crate alloc;

pub mod boot;
mod bytes;
pub mod core;
mod cpu;
mod device;
pub mod gic;
mod guest;
pub mod heap;
pub mod identity;
pub mod memory;
mod mmu;
mod panic;
pub mod power;
mod stop;
mod sysreg;
mod tables;
mod timer;
pub mod uart;
mod vectors;
pub mod window;

/// The most physical cores that are used; each has a stack and a window.
pub const CORES: usize = 16;

pub use cpu::{affinity, halt, physical_address_bits, signal_event, wait_for_event_until};
pub use stop::{refuse_tree, stop};
pub use timer::{counter, frequency as counter_frequency};
