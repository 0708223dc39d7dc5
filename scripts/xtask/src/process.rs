//! Running other programs.

use crate::{Result, workspace};
use std::os::unix::process::CommandExt;
use std::process::Command;

/// Arguments that are passed on unread.
#[derive(clap::Args)]
pub struct Forwarded {
    /// Arguments for the script
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

/// Replaces this process with `scripts/NAME`. Returns only if that fails.
pub fn script(name: &str, forwarded: &Forwarded) -> Result<()> {
    let path = workspace::root().join("scripts").join(name);
    let error = Command::new(&path).args(&forwarded.arguments).exec();
    Err(format!("{}: {error}", workspace::shown(&path)).into())
}

/// Runs `command` with its output shown; an error says what was run and how it ended.
pub fn run(command: &mut Command) -> Result<()> {
    let status = command.status().map_err(|error| format!("{}: {error}", line(command)))?;
    if status.success() { Ok(()) } else { Err(format!("{} ended with {status}", line(command)).into()) }
}

/// `command` as it would be typed into a shell.
pub fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| quoted(&word.to_string_lossy())).collect::<Vec<_>>().join(" ")
}

fn quoted(word: &str) -> String {
    let plain = |character: char| character.is_ascii_alphanumeric() || "-_./:=,+@%".contains(character);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_can_be_typed_into_a_shell() {
        let mut command = Command::new("qemu");
        command.args(["-append", "console=ttyAMA0 quiet", "it's", "", "-m", "256"]);
        assert_eq!(line(&command), r"qemu -append 'console=ttyAMA0 quiet' 'it'\''s' '' -m 256");
    }
}
