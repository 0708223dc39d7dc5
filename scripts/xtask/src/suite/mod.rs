//! Placeholder.
#[derive(clap::Args)]
pub struct Arguments {}
pub fn main(_: &Arguments) -> crate::Result<()> { Err("not yet".into()) }
