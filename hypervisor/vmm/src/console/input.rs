//! What is typed: to the port in focus, or to the multiplexer.

use crate::lock::lock;
use spin::Mutex;

use super::lane::Lane;
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
        let takes = self.takes_input(index);
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
        let taken = lock(port).push_input(byte);
        if taken { InputAction::Delivered(index) } else { InputAction::Refused(index) }
    }

    fn command(&mut self, key: u8) -> InputAction {
        let target = match key {
            b'1'..=b'9' => Some(usize::from(key - b'1')).filter(|index| self.kind(*index) == Some(Kind::Guest)),
            b'0' | b'm' => self.lanes.iter().position(|lane| lane.kind() == Kind::Monitor),
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

    fn kind(&self, index: usize) -> Option<Kind> {
        self.lanes.get(index).map(Lane::kind)
    }

    fn takes_input(&self, index: usize) -> bool {
        matches!(self.kind(index), Some(Kind::Guest | Kind::Monitor))
    }

    /// The next port that takes input after the one in focus.
    fn next_focus(&self) -> Option<usize> {
        let mut next = self.focus?;
        loop {
            next = self.behind(next);
            if self.takes_input(next) {
                return Some(next);
            }
        }
    }
}
