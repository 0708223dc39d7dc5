//! Standard output, whose reader may go before everything is said, as `head` does.

use crate::error::ToolError;
use std::io::Write;

/// Prints `text`.
///
/// # Errors
/// Standard output is closed or full.
pub fn print(text: &str) -> Result<(), ToolError> {
    let mut output = std::io::stdout().lock();
    let printed = output.write_all(text.as_bytes()).and_then(|()| output.flush());
    printed.map_err(|error| ToolError(format!("standard output: {error}")))
}

/// Prints `line` and ends it.
///
/// # Errors
/// As [`print()`].
pub fn line(line: &str) -> Result<(), ToolError> {
    print(&format!("{line}\n"))
}

/// Says `line` on standard error. There is nobody to tell if that is closed.
pub fn complain(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
