//! The owner's own console: a line of text in, a [`Command`] out, an answer back.
//!
//! The run loop carries commands out and fills the plain views ([`VmView`], [`CoreView`]) that the answers are
//! made from; nothing here knows a VM. Every line of an answer but help and log records is a row of `key=value`
//! cells, aligned for people and stable for programs.

pub mod answer;
mod command;
mod editor;
mod log_ring;
mod table;
#[cfg(test)]
mod tests;
mod view;

use alloc::collections::VecDeque;

pub use self::command::{Command, help};
pub use self::editor::LineEditor;
use self::editor::PROMPT;
pub use self::log_ring::{LogRing, Record};
pub use self::view::{CoreView, VcpuView, VmView};
use crate::console::Port;

/// The monitor's side of its console port.
#[derive(Debug)]
pub struct Monitor {
    editor: LineEditor,
    /// Printed and not yet in the port.
    output: VecDeque<u8>,
    /// A command was handed out and is not answered.
    busy: bool,
}

impl Default for Monitor {
    fn default() -> Self {
        Self { editor: LineEditor::default(), output: PROMPT.iter().copied().collect(), busy: false }
    }
}

impl Monitor {
    /// Moves output to `port` as far as there is room, and reads what was typed up to the end of a command.
    /// Answer the command ([`Self::answer`]) and call again. If output is left over, the port will be named when
    /// it has room.
    pub fn serve(&mut self, port: &mut Port) -> Option<Command> {
        let mut command = None;
        self.print(port);
        while !self.busy
            && self.output.is_empty()
            && let Some(byte) = port.take_input()
        {
            command = self.input(byte);
            self.print(port);
        }
        command
    }

    /// Prints the answer to the last command, and the prompt.
    pub fn answer(&mut self, text: &str) {
        self.output.extend(text.bytes());
        if !text.is_empty() && !text.ends_with('\n') {
            self.output.push_back(b'\n');
        }
        self.output.extend(PROMPT);
        self.busy = false;
    }

    fn input(&mut self, byte: u8) -> Option<Command> {
        let line = self.editor.input(byte, &mut |echo| self.output.push_back(echo))?;
        if line.trim().is_empty() {
            self.answer("");
            return None;
        }
        match Command::parse(&line) {
            Ok(command) => {
                self.busy = true;
                Some(command)
            }
            Err(message) => {
                self.answer(&message);
                None
            }
        }
    }

    fn print(&mut self, port: &mut Port) {
        while let Some(byte) = self.output.front()
            && port.push(*byte)
        {
            self.output.pop_front();
        }
        port.await_space((!self.output.is_empty()).then(|| port.free() + 1));
    }
}
