//! rustfmt, clippy and rustdoc, with every warning an error.

use crate::toolchain::Toolchain;
use crate::{Result, process, workspace};
use std::process::{Command, Stdio};

/// The crates that only build for the bare-metal target.
const BARE_METAL: [&str; 4] = ["bulkhead-el2", "bulkhead", "bulkhead-guests", "bulkhead-bench"];

/// Private items are documented too, so links to them resolve.
const RUSTDOC: &str = "--deny warnings --allow rustdoc::private_intra_doc_links";

/// Lines of a tool's output that are shown when it fails.
const SHOWN: usize = 60;

/// Whether rustfmt would change anything.
pub fn format() -> Result<Vec<String>> {
    let mut command = Toolchain::load()?.host_cargo();
    problems(command.args(["fmt", "--all", "--check", "--", "--color=never"]))
}

/// Clippy's findings in the crates that build on the host.
pub fn clippy_host() -> Result<Vec<String>> {
    let mut command = Toolchain::load()?.host_cargo();
    problems(command.args(["clippy", "--all-targets", "--", "--deny", "warnings"]))
}

/// Clippy's findings in the crates that build for the bare-metal target, and in the hypervisor without any optional
/// capability.
pub fn clippy_bare_metal() -> Result<Vec<String>> {
    let packages = BARE_METAL.map(|package| format!("--package={package}"));
    let core = ["--package=bulkhead", "--package=bulkhead-vmm", "--no-default-features"].map(String::from);
    let mut found = Vec::new();
    for chosen in [&packages[..], &core] {
        let mut command = Toolchain::load()?.bare_metal_cargo("clippy");
        found.extend(problems(command.args(chosen).args(["--", "--deny", "warnings"]))?);
    }
    Ok(found)
}

/// What keeps the fuzz targets from compiling. They are no members of the workspace, and linking them takes a fuzzing
/// engine in C++, which a check does without.
pub fn fuzz_targets() -> Result<Vec<String>> {
    let mut command = Toolchain::load()?.host_cargo();
    command.args(["check", "--locked", "--manifest-path", "tests/fuzz/Cargo.toml", "--target-dir"]);
    problems(command.arg(workspace::target().join("fuzz")).env("CUSTOM_LIBFUZZER_PATH", "/nowhere/libfuzzer.a"))
}

/// Rustdoc's findings in the crates that build on the host.
pub fn documentation_host() -> Result<Vec<String>> {
    let mut command = Toolchain::load()?.host_cargo();
    problems(command.args(["doc", "--no-deps", "--document-private-items"]).env("RUSTDOCFLAGS", RUSTDOC))
}

/// Rustdoc's findings in the crates that build for the bare-metal target.
pub fn documentation_bare_metal() -> Result<Vec<String>> {
    let mut command = Toolchain::load()?.bare_metal_cargo("doc");
    command.args(BARE_METAL.map(|package| format!("--package={package}")));
    problems(command.args(["--no-deps", "--document-private-items"]).env("RUSTDOCFLAGS", RUSTDOC))
}

/// What `command` says if it fails: the command itself, then the last lines of its output.
fn problems(command: &mut Command) -> Result<Vec<String>> {
    let output =
        command.stdin(Stdio::null()).output().map_err(|error| format!("{}: {error}", process::line(command)))?;
    if output.status.success() {
        return Ok(Vec::new());
    }
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<_> = text.lines().map(str::to_owned).collect();
    let start = lines.len().saturating_sub(SHOWN);
    Ok([vec![process::line(command)], lines[start..].to_vec()].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_failing_command_has_problems() {
        assert!(problems(Command::new("true").arg("x")).unwrap().is_empty());
        let found = problems(Command::new("sh").args(["-c", "seq 100; false"])).unwrap();
        assert_eq!((found.len(), found[1].as_str()), (SHOWN + 1, "41"));
        assert!(problems(&mut Command::new("no-such-program")).is_err());
    }
}
