//! The log of a showing: everything that a model takes, with its time, a line each. A picture is made from it.

use super::model::Model;
use crate::error::ToolError;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// The first line of a log.
const HEAD: &str = "bulkhead tour 1";

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The board printed.
    Output(Vec<u8>),
    /// Something was said about what is shown.
    Say(String),
}

/// A log that is being written.
pub struct Tape {
    file: File,
    path: PathBuf,
}

impl Tape {
    /// A new log at `path`.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn create(path: &Path) -> Result<Self, ToolError> {
        let mut tape =
            Self { file: File::create(path).map_err(|error| ToolError::file(path, &error))?, path: path.into() };
        tape.line(HEAD)?;
        Ok(tape)
    }

    /// Adds what happened at `now`, in milliseconds since the start.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn add(&mut self, now: u64, event: &Event) -> Result<(), ToolError> {
        self.line(&line(now, event))
    }

    fn line(&mut self, line: &str) -> Result<(), ToolError> {
        writeln!(self.file, "{line}").map_err(|error| ToolError::file(&self.path, &error))
    }
}

fn line(now: u64, event: &Event) -> String {
    match event {
        Event::Output(bytes) => format!("{now} output {}", bytes.escape_ascii()),
        Event::Say(text) => format!("{now} say {text}"),
    }
}

/// The events of the log `text`.
///
/// # Errors
/// It is no such log; the message names the line.
pub fn read(text: &str) -> Result<Vec<(u64, Event)>, String> {
    let mut lines = text.lines();
    if lines.next() != Some(HEAD) {
        return Err(format!("the first line is not {HEAD:?}: expected the tour.log that --tour leaves"));
    }
    let event = |(index, line): (usize, &str)| event(line).ok_or_else(|| format!("line {} is no event", index + 2));
    lines.enumerate().map(event).collect()
}

fn event(line: &str) -> Option<(u64, Event)> {
    let (now, rest) = line.split_once(' ')?;
    let (kind, value) = rest.split_once(' ')?;
    let event = match kind {
        "output" => Event::Output(unescaped(value)?),
        "say" => Event::Say(value.into()),
        _ => return None,
    };
    Some((now.parse().ok()?, event))
}

/// The inverse of `escape_ascii`.
fn unescaped(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let (byte, after) = match (first, after) {
            (b'\\', [b'x', high, low, after @ ..]) => {
                (u8::from_str_radix(std::str::from_utf8(&[*high, *low]).ok()?, 16).ok()?, after)
            }
            (b'\\', [kind, after @ ..]) => (simple(*kind)?, after),
            (b'\\', []) => return None,
            (byte, after) => (*byte, after),
        };
        bytes.push(byte);
        rest = after;
    }
    Some(bytes)
}

fn simple(kind: u8) -> Option<u8> {
    match kind {
        b'n' => Some(b'\n'),
        b'r' => Some(b'\r'),
        b't' => Some(b'\t'),
        b'\\' | b'\'' | b'"' => Some(kind),
        _ => None,
    }
}

/// What was to be seen after the last event at or before `until`.
pub fn replay(events: &[(u64, Event)], until: u64) -> Model {
    let mut model = Model::default();
    for (now, event) in events.iter().filter(|(now, _)| *now <= until) {
        match event {
            Event::Output(bytes) => model.output(*now, bytes),
            Event::Say(text) => model.say(*now, text),
        }
    }
    model
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let bytes: Vec<u8> = (0..=255).collect();
        let events = vec![(1, Event::Output(bytes)), (20, Event::Say("two words".into()))];
        let lines: Vec<String> = events.iter().map(|(now, event)| line(*now, event)).collect();
        assert_eq!(read(&format!("{HEAD}\n{}\n", lines.join("\n"))), Ok(events.clone()));
        assert_eq!(replay(&events, 19).caption, "");
        assert_eq!(replay(&events, 20).caption, "two words");
    }

    #[test]
    fn what_is_no_log_is_refused() {
        assert!(read("hello\n").unwrap_err().contains("tour.log"));
        let broken = |line: &str| read(&format!("{HEAD}\n1 say a\n{line}\n")).unwrap_err();
        for line in ["", "x say a", "1 shout a", "1 output \\", "1 output \\q", "1 output \\xg0"] {
            assert_eq!(broken(line), "line 3 is no event", "{line:?}");
        }
    }
}
