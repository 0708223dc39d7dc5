//! What is typed: to the port in focus, or to the multiplexer.

use alloc::format;
use alloc::string::String;

use spin::Mutex;

use super::multiplexer::Multiplexer;
use super::port::{Kind, Port};
use super::segment::MARK_REPLAY;

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
            return if byte == escape { self.deliver(ports, byte) } else { self.command(ports, byte) };
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
    pub fn focus(&mut self, ports: &[Mutex<Port>], index: usize) -> bool {
        let (Some(lane), Some(port), Some(name)) = (self.lanes.get(index), ports.get(index), self.names.get(index))
        else {
            return false;
        };
        if lane.kind() == Kind::Log {
            return false;
        }
        self.focus = Some(index);
        self.words.clear();
        let last = port.lock().replay();
        if last.is_empty() {
            self.words.notice(index, format!("keys go to {name}"));
            return true;
        }
        self.words.notice(index, format!("keys go to {name}, which printed last:"));
        self.words.replay(lane.segment().marked(MARK_REPLAY), last);
        self.words.notice(index, format!("keys go to {name}; from here on it is live"));
        true
    }

    fn deliver(&mut self, ports: &[Mutex<Port>], byte: u8) -> InputAction {
        let Some((index, port)) = self.focus.and_then(|index| Some((index, ports.get(index)?))) else {
            return InputAction::Unwanted;
        };
        let taken = port.lock().push_input(byte);
        if taken { InputAction::Delivered(index) } else { InputAction::Refused(index) }
    }

    fn command(&mut self, ports: &[Mutex<Port>], key: u8) -> InputAction {
        let target = match key {
            b'1'..=b'9' => self.of_kind(Kind::Guest).nth(usize::from(key - b'1')),
            b'0' | b'm' => self.of_kind(Kind::Monitor).next(),
            b'n' => self.next_focus(),
            _ => None,
        };
        match target {
            Some(index) if self.focus(ports, index) => InputAction::Focused(index),
            _ => self.help(),
        }
    }

    fn of_kind(&self, kind: Kind) -> impl Iterator<Item = usize> {
        let lanes = self.lanes.iter().enumerate();
        lanes.filter(move |(_, lane)| lane.kind() == kind).map(|(index, _)| index)
    }

    /// The next port that takes input after the one in focus, guests first and then the monitor.
    fn next_focus(&self) -> Option<usize> {
        let order = || self.of_kind(Kind::Guest).chain(self.of_kind(Kind::Monitor));
        let position = order().position(|index| Some(index) == self.focus);
        order().nth(position.map_or(0, |position| position + 1)).or_else(|| order().next())
    }

    /// Says which keys there are.
    fn help(&mut self) -> InputAction {
        let Some(about) = self.focus else { return InputAction::Unwanted };
        let escape = key_name(self.settings.escape);
        let mut guests = String::new();
        for (number, index) in (1..=9).zip(self.of_kind(Kind::Guest)) {
            let name = self.names.get(index).map_or("", String::as_str);
            guests.push_str(&format!("  {number} {name}"));
        }
        self.words.notice(about, format!("after {escape}:{guests}  m monitor  n next  ? this help"));
        self.words.notice(about, format!("{escape} twice sends it"));
        InputAction::Answered
    }
}

/// How a key is called, such as `Ctrl-]`.
fn key_name(byte: u8) -> String {
    match byte {
        0..=0x1f => format!("Ctrl-{}", char::from(byte | 0x40)),
        b'!'..=b'~' => String::from(char::from(byte)),
        _ => format!("key {byte:#04x}"),
    }
}
