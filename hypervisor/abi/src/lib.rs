//! Facts shared by the hypervisor, its guests and its host tools. Depends on nothing.
#![no_std]
#![forbid(unsafe_code)]

pub mod image;
pub mod property;
