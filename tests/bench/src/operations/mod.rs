//! What is measured, a file for each kind.

pub mod calls;
pub mod controller;
pub mod cores;
pub mod faults;
pub mod interrupts;
pub mod memory;
pub mod registers;
pub mod uart;
