//! Configurations for tests, and what must hold for every one of them, however damaged.

pub mod check;
pub mod example;
pub mod schema;
