//! What is typed: to the port in focus, or to the multiplexer.

use spin::Mutex;

use super::multiplexer::Multiplexer;
use super::port::{Kind, Port};

/// What became of a typed byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputAction {
    /// It waits in the port of this index: wake the port's owner.
    Delivered(usize),
    /// The port of this index has no room for it, because its owner does not read: it is dropped.
    Refused(usize),
    /// It was the escape key: the next byte is a command.
    Escaped,
    /// The focus is on the port of this index, and there is something to print.
    Focused(usize),
    /// There is something to print.
    Answered,
    /// No port takes input: it is dropped.
    Unwanted,
}

impl Multiplexer {
    /// Takes one byte from the physical UART.
    pub fn input(&mut self, ports: &[Mutex<Port>], byte: u8) -> InputAction {
        let escape = self.settings.escape;
        if core::mem::take(&mut self.escaped) {
            return if byte == escape { self.deliver(ports, byte) } else { self.command(byte) };
        }
        if byte == escape {
            self.escaped = true;
            return InputAction::Escaped;
        }
        self.deliver(ports, byte)
    }

    /// The port that gets what is typed.
    pub fn focused(&self) -> Option<usize> {
        self.focus
    }

    /// Moves the focus to the port `index`, and shows its last output; false if the port takes no input.
    pub fn focus(&mut self, index: usize) -> bool {
        let takes = self.takers.contains(&index);
        if takes {
            self.focus = Some(index);
            self.words.refocus();
        }
        takes
    }

    fn deliver(&mut self, ports: &[Mutex<Port>], byte: u8) -> InputAction {
        let Some((index, port)) = self.focus.and_then(|index| Some((index, ports.get(index)?))) else {
            return InputAction::Unwanted;
        };
        let taken = port.lock().push_input(byte);
        if taken { InputAction::Delivered(index) } else { InputAction::Refused(index) }
    }

    fn command(&mut self, key: u8) -> InputAction {
        let target = match key {
            b'1'..=b'9' => self.taker(usize::from(key - b'1'), Kind::Guest),
            b'0' | b'm' => self.taker(self.takers.len().wrapping_sub(1), Kind::Monitor),
            b'n' => self.next_focus(),
            _ => None,
        };
        match target {
            Some(index) if self.focus(index) => InputAction::Focused(index),
            _ if self.focus.is_none() => InputAction::Unwanted,
            _ => {
                self.words.help();
                InputAction::Answered
            }
        }
    }

    /// The port at `position` among those that take input, if it is of the kind `kind`.
    fn taker(&self, position: usize, kind: Kind) -> Option<usize> {
        let index = *self.takers.get(position)?;
        if self.lanes.get(index)?.kind() == kind { Some(index) } else { None }
    }

    /// The next port that takes input after the one in focus.
    pub(super) fn next_focus(&self) -> Option<usize> {
        let position = self.takers.iter().position(|index| Some(*index) == self.focus);
        let next = position.and_then(|position| self.takers.get(position + 1));
        next.or(self.takers.first()).copied()
    }
}
