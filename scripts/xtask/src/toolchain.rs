//! Which compiler builds for the bare-metal target, as `scripts/setup` decided.
//!
//! The decision stands in `toolchain` of the cache folder, one `NAME=value` a line; the environment
//! overrides it. Without the file rustup's compiler is taken to be there.

use crate::{Result, workspace};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The facts that `scripts/setup` wrote.
pub struct Toolchain {
    facts: BTreeMap<String, String>,
}

impl Toolchain {
    /// Reads the facts; an absent file is an empty one.
    pub fn load() -> Result<Self> {
        let path = workspace::cache()?.join("toolchain");
        let text = match std::fs::read_to_string(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            other => other.map_err(|error| format!("{}: {error}", path.display()))?,
        };
        Ok(Self { facts: parse(&text) })
    }

    fn fact(&self, name: &str) -> Option<String> {
        std::env::var(name).ok().or_else(|| self.facts.get(name).cloned()).filter(|value| !value.is_empty())
    }

    /// `qemu-system-aarch64`: the one named by BULKHEAD_QEMU or by `scripts/setup`, or the one in PATH.
    pub fn qemu(&self) -> PathBuf {
        self.named_qemu().unwrap_or_else(|| "qemu-system-aarch64".into())
    }

    /// The QEMU that BULKHEAD_QEMU or `scripts/setup` names.
    pub fn named_qemu(&self) -> Option<PathBuf> {
        self.fact("BULKHEAD_QEMU").map(PathBuf::from)
    }

    /// Cargo for the host, with the programs that belong to it first in PATH.
    pub fn host_cargo(&self) -> Command {
        let mut command = Command::new("cargo");
        if let Some(folder) = self.fact("BULKHEAD_PATH") {
            let path = std::env::var("PATH").unwrap_or_default();
            command = Command::new(Path::new(&folder).join("cargo"));
            command.env("PATH", format!("{folder}:{path}"));
        }
        command.current_dir(workspace::root());
        command
    }

    /// `cargo SUBCOMMAND --target aarch64-unknown-none-softfloat`. A distribution's compiler has no library for
    /// that target: cargo then builds it from the distribution's sources.
    pub fn bare_metal_cargo(&self, subcommand: &str) -> Command {
        let mut command = self.host_cargo();
        command.args([subcommand, "--target", workspace::BARE_METAL]);
        if self.fact("BULKHEAD_BUILD_STD").is_some() {
            command.arg("-Zbuild-std=core,alloc,compiler_builtins").env("RUSTC_BOOTSTRAP", "1");
            // The library's own warnings are not ours to mend.
            command.env("CARGO_FUTURE_INCOMPAT_REPORT_FREQUENCY", "never");
        }
        command
    }
}

fn parse(text: &str) -> BTreeMap<String, String> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.split_once('=')).map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_lines_and_comments_are_not() {
        let facts = parse("# made by scripts/setup\nBULKHEAD_QEMU=/opt/a=b/qemu\nempty=\n");
        assert_eq!(facts.get("BULKHEAD_QEMU").map(String::as_str), Some("/opt/a=b/qemu"));
        assert_eq!(facts.len(), 2);
    }
}
