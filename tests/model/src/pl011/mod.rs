//! The virtual PL011 and its console: register by register against an oracle, and driven by guests' drivers.

pub mod driver;
pub mod machine;
pub mod oracle;
