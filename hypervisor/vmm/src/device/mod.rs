//! What a guest finds on its bus besides RAM and the interrupt controller.
//!
//! A device is a plain value with `read` and `write`; it knows neither its base address nor its interrupt
//! number, which [`bus::Bus`] and the VM keep. Each has a `State` of its own for saving and restoring.

pub mod bus;
pub mod pl011;
