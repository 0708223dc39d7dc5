//! What is measured, a file for each kind.

pub mod access;
pub mod calls;
pub mod controller;
pub mod cores;
pub mod faults;
pub mod interrupts;
pub mod memory;
pub mod registers;
pub mod restart;
pub mod uart;
pub mod worst;
