//! Device trees: QEMU's own of a board, and the same with something added.

use crate::{Result, process};
use std::path::Path;
use std::process::{Command, Stdio};

/// Writes QEMU's tree of the board `machine` that `command` describes to `path`.
pub fn dump(command: &mut Command, machine: &str, path: &Path) -> Result<()> {
    command.args(["-M", &format!("{machine},dumpdtb={}", path.display().to_string().replace(',', ",,"))]);
    output(command).map(drop)
}

/// Adds `source`, nodes and properties in the form of a tree's source, to the tree at `path`.
pub fn add(path: &Path, source: &str) -> Result<()> {
    let mut text = output(Command::new("dtc").args(["-q", "-I", "dtb", "-O", "dts"]).arg(path))?;
    text.extend_from_slice(source.as_bytes());
    let with = path.with_extension("dts");
    std::fs::write(&with, text)?;
    output(Command::new("dtc").args(["-q", "-I", "dts", "-O", "dtb", "-o"]).arg(path).arg(&with)).map(drop)
}

fn output(command: &mut Command) -> Result<Vec<u8>> {
    let output =
        command.stdin(Stdio::null()).output().map_err(|error| format!("{}: {error}", process::line(command)))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("{} ended with {}\n{said}", process::line(command), output.status).into())
}

/// `text` as a string of a tree's source.
pub fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_stays_inside_its_string() {
        assert_eq!(quoted(r#"only="a\b""#), r#""only=\"a\\b\"""#);
    }
}
