//! The owner's own console: a line of text in, a [`Command`] out, an answer back.
//!
//! The run loop carries commands out and writes their answers; nothing here knows a VM. Every line of an answer but
//! help and log records is a row of `key=value` cells ([`Table`]), aligned for people and stable for programs.

mod command;
mod editor;
mod log_ring;
mod table;
#[cfg(test)]
mod tests;

use alloc::string::String;

pub use self::command::{Command, Verb, help};
pub use self::editor::LineEditor;
use self::editor::PROMPT;
pub use self::log_ring::{LogRing, line as log_line};
pub use self::table::Table;
use crate::console::Port;

/// The monitor's side of its console port.
#[derive(Debug)]
pub struct Monitor {
    editor: LineEditor,
    output: String,
    /// How much of `output` is in the port.
    printed: usize,
}

impl Default for Monitor {
    fn default() -> Self {
        Self { editor: LineEditor::default(), output: String::from(PROMPT), printed: 0 }
    }
}

impl Monitor {
    /// Moves output to `port` as far as there is room, and reads what was typed up to the end of a line. Write its
    /// answer to [`Self::output`], then [`Self::prompt`] and call again. If output is left over, the port will be
    /// named when it has room.
    pub fn serve(&mut self, port: &mut Port) -> Option<String> {
        while self.print(port) {
            if let Some(line) = self.editor.input(port.take_input()?, &mut self.output) {
                return Some(line);
            }
        }
        None
    }

    /// Where the answer to the last line goes.
    pub fn output(&mut self) -> &mut String {
        &mut self.output
    }

    /// The last line is answered: asks for the next.
    pub fn prompt(&mut self) {
        self.output.push_str(PROMPT);
    }

    /// Moves output to `port` as far as there is room. Whether nothing is left.
    fn print(&mut self, port: &mut Port) -> bool {
        while let Some(byte) = self.output.as_bytes().get(self.printed) {
            if !port.push(*byte) {
                port.await_space(Some(1));
                return false;
            }
            self.printed += 1;
        }
        self.output.clear();
        self.printed = 0;
        port.await_space(None);
        true
    }
}
