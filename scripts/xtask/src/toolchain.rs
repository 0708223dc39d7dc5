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
        self.host_program("cargo")
    }

    fn host_program(&self, name: &str) -> Command {
        let mut command = Command::new(name);
        if let Some(folder) = self.fact("BULKHEAD_PATH") {
            let path = std::env::var("PATH").unwrap_or_default();
            command = Command::new(Path::new(&folder).join(name));
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
        command.args(["--config", &neutral_paths(&self.foreign_folders())]);
        if self.fact("BULKHEAD_BUILD_STD").is_some() {
            command.arg("-Zbuild-std=core,alloc,compiler_builtins").env("RUSTC_BOOTSTRAP", "1");
            // The library's own warnings are not ours to mend.
            command.env("CARGO_FUTURE_INCOMPAT_REPORT_FREQUENCY", "never");
        }
        command
    }

    /// Folders of this machine that hold sources of others, and what stands for them: each registry's for nothing, and
    /// the compiler's own, where it has them, for what a compiler without them says.
    fn foreign_folders(&self) -> Vec<(PathBuf, String)> {
        let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
        let home = home.or_else(|| Some(Path::new(&std::env::var_os("HOME")?).join(".cargo")));
        let registries = home.and_then(|home| std::fs::read_dir(home.join("registry/src")).ok());
        let registries = registries.into_iter().flatten().filter_map(|entry| Some((entry.ok()?.path(), String::new())));
        registries.chain(self.library_sources()).collect()
    }

    fn library_sources(&self) -> Option<(PathBuf, String)> {
        let rustc = |arguments: &[&str]| {
            let told = self.host_program("rustc").args(arguments).output().ok()?;
            String::from_utf8(told.stdout).ok()
        };
        let (sysroot, version) = (rustc(&["--print", "sysroot"])?, rustc(&["--version", "--verbose"])?);
        let commit = version.lines().find_map(|line| line.strip_prefix("commit-hash: "))?;
        Some((Path::new(sysroot.trim()).join("lib/rustlib/src/rust"), format!("/rustc/{commit}/")))
    }
}

/// Cargo's configuration that leaves `folders` out of the places that messages name: the same sources give the same
/// image on every machine, and it tells nothing of where it was built.
fn neutral_paths(folders: &[(PathBuf, String)]) -> String {
    let flag = |(folder, name): &(PathBuf, String)| format!("'--remap-path-prefix={}/={name}'", folder.display());
    let flags: Vec<_> = folders.iter().map(flag).collect();
    format!("target.{}.rustflags=[{}]", workspace::BARE_METAL, flags.join(","))
}

fn parse(text: &str) -> BTreeMap<String, String> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.split_once('=')).map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_image_names_no_folder_of_this_machine() {
        let folders =
            [(PathBuf::from("/home/a/x-1"), String::new()), (PathBuf::from("/opt/src"), "/rustc/1/".to_owned())];
        let expected = "target.aarch64-unknown-none-softfloat.rustflags=\
                        ['--remap-path-prefix=/home/a/x-1/=','--remap-path-prefix=/opt/src/=/rustc/1/']";
        assert_eq!(neutral_paths(&folders), expected);
    }

    #[test]
    fn facts_are_lines_and_comments_are_not() {
        let facts = parse("# made by scripts/setup\nBULKHEAD_QEMU=/opt/a=b/qemu\nempty=\n");
        assert_eq!(facts.get("BULKHEAD_QEMU").map(String::as_str), Some("/opt/a=b/qemu"));
        assert_eq!(facts.len(), 2);
    }
}
