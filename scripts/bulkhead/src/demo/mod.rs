//! `bulkhead demo`: Linux and FreeRTOS side by side on one simulated board, shown to a person or judged.

mod arguments;
mod board;
pub mod cells;
mod check;
mod files;
mod record;
mod samples;
mod session;
mod show;
mod transcript;

pub use arguments::{Arguments, run};
