//! Property tests: the real thing against simple oracles that share no code with it. The tests are in `tests/`.

pub mod calls;
pub mod config;
pub mod fdt;
pub mod fuzz;
pub mod gzip;
pub mod instruction;
pub mod pl011;
pub mod random;
pub mod run;
pub mod vgic;
