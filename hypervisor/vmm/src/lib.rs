//! All policy of the Bulkhead hypervisor. Values in, values out: no unsafe code, no globals, no hardware.
//!
//! The modules stand in order, bottom to top; each uses only what is above it in this list.
#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::todo,
        clippy::unreachable,
        clippy::indexing_slicing,
        clippy::cast_possible_truncation
    )
)]

extern crate alloc;

pub mod tell;
pub mod lock;
pub mod address;
pub mod bits;
pub mod frames;
pub mod fault;
pub mod platform;
pub mod fdt;
pub mod seed;
pub mod config;
pub mod kernel_image;
pub mod stage2;
pub mod vcpu;
pub mod exit;
pub mod identity;
pub mod errata;
pub mod vgic;
pub mod vtimer;
pub mod device;
pub mod console;
pub mod monitor;
pub mod smccc;
pub mod psci;
pub mod vm;
pub mod run;
