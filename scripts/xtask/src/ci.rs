//! `cargo xtask ci`: runs `.ci/run`, the one list of what must hold.

use crate::{Result, process, workspace};
use std::process::Command;

/// Options of `cargo xtask ci`: none.
#[derive(clap::Args)]
pub struct Arguments {}

pub fn main(_: &Arguments) -> Result<()> {
    process::run(&mut Command::new(workspace::root().join(".ci/run")))
}
