//! What the multiplexer says itself: a change of focus, with the port's last output, and help.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Write};

use spin::Mutex;

use super::multiplexer::{ENOUGH, Multiplexer};
use super::port::{Kind, Port};
use super::segment::{MARK_REPLAY, Pen, Segment};
use super::text::Text;

/// What waits to be said. Whoever asks faster than the wire is slow gets one answer.
#[derive(Debug, Default)]
pub(super) struct Words {
    /// The focus has moved.
    refocused: bool,
    /// Somebody asked for the keys.
    help: bool,
    /// The output that the port in focus printed last, on its way.
    replay: Option<Replay>,
}

/// A port's last output on its way.
#[derive(Debug)]
struct Replay {
    lane: usize,
    segment: Segment,
    text: Text,
    bytes: Vec<u8>,
    /// Bytes that are sent.
    sent: usize,
}

impl Words {
    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        !self.refocused && !self.help && self.replay.is_none()
    }

    /// Adds the change of focus, in place of all that waits; a replay that has begun ends with the line that it is in.
    pub fn refocus(&mut self) {
        self.refocused = true;
        self.help = false;
        if let Some(replay) = &mut self.replay {
            replay.bytes.clear();
        }
    }

    /// Adds help.
    pub fn help(&mut self) {
        self.help = true;
    }
}

impl Multiplexer {
    /// Says some of what waits.
    pub(super) fn speak(&mut self, ports: &[Mutex<Port>]) {
        self.interrupt();
        let Some(port) = self.focus.and_then(|index| ports.get(index)) else { return };
        if self.words.replay.is_some() {
            if self.send_replay() && !self.words.refocused {
                self.notice(format_args!("keys go to {}; from here on it is live", port.lock().name()));
            }
        } else if core::mem::take(&mut self.words.refocused) {
            let (port, lane) = (port.lock(), self.focus.unwrap_or_default());
            let bytes = port.replay();
            let colon = if bytes.is_empty() { "" } else { ", which printed last:" };
            self.notice(format_args!("keys go to {}{colon}", port.name()));
            if !bytes.is_empty() {
                let segment = Segment::new(MARK_REPLAY, MARK_REPLAY);
                self.words.replay = Some(Replay { lane, segment, text: Text::default(), bytes, sent: 0 });
            }
        } else {
            self.words.help = false;
            self.say_keys(ports);
        }
    }

    /// Sends some of the replay; true if that was the last of it.
    fn send_replay(&mut self) -> bool {
        let Some(Replay { lane, segment, text, bytes, sent }) = &mut self.words.replay else { return false };
        let prefix = self.lanes.get(*lane).map_or(&[][..], |lane| lane.prefix());
        let mut pen = Pen { segment, prefix, wire: &mut self.staged };
        while pen.wire.len() < ENOUGH {
            let Some(byte) = bytes.get(*sent) else {
                pen.finish();
                self.words.replay = None;
                return true;
            };
            text.push(*byte, false, &mut pen);
            *sent += 1;
        }
        false
    }

    /// Says which keys there are.
    fn say_keys(&mut self, ports: &[Mutex<Port>]) {
        let escape = key_name(self.settings.escape);
        let mut guests = String::new();
        for (number, index) in (1..=9).zip(&self.takers) {
            if let Some(port) = ports.get(*index).map(Mutex::lock)
                && port.kind() == Kind::Guest
            {
                let _ = write!(guests, "  {number} {}", port.name());
            }
        }
        self.notice(format_args!("after {escape}:{guests}  m monitor  n next  ? this help"));
        self.notice(format_args!("{escape} twice sends it"));
    }

    /// Says `text` about the port in focus.
    fn notice(&mut self, text: fmt::Arguments<'_>) {
        if let Some(lane) = self.focus.and_then(|index| self.lanes.get(index)) {
            lane.put_notice(text, &mut self.staged);
        }
    }
}

/// How a key is called, such as `Ctrl-]`.
fn key_name(byte: u8) -> String {
    let mut name = String::new();
    let _ = match byte {
        0..=0x1f => write!(name, "Ctrl-{}", char::from(byte | 0x40)),
        _ => write!(name, "key {byte:#04x}"),
    };
    name
}
