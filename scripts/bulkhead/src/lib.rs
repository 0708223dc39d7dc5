//! The users' host tool as a library: what `bulkhead check`, `map`, `pack`, `inspect` and `demo` do.

pub mod check;
pub mod demo;
pub mod error;
pub mod inspect;
mod kernel;
pub mod map;
pub mod modules;
pub mod output;
pub mod pack;
pub mod source;
pub mod svg;
pub mod tied;
pub mod turns;
