//! What guests and the tests that judge them both make from a seed.
#![no_std]
#![forbid(unsafe_code)]

pub mod random;
