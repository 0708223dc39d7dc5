//! What the multiplexer says itself: a change of focus, with the port's last output, and help.

use crate::lock::lock;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;

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
    /// The output that the port in focus printed last is on its way.
    replaying: bool,
    replay: Replay,
}

/// A port's last output on its way.
#[derive(Debug, Default)]
struct Replay {
    /// The port's index.
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
        !(self.refocused || self.help || self.replaying)
    }

    /// Adds the change of focus, in place of all that waits; a replay that has begun ends with the line that it is in.
    pub fn refocus(&mut self) {
        self.refocused = true;
        self.help = false;
        self.replay.bytes.clear();
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
        let Some((index, lane)) = self.focus.and_then(|index| Some((index, self.lanes.get(index)?))) else { return };
        if self.words.replaying {
            self.send_replay();
        } else if core::mem::take(&mut self.words.refocused) {
            let (bytes, sent) = ports.get(index).map(|port| lock(port).replay()).unwrap_or_default();
            let replays = sent < bytes.len();
            let colon = if replays { ", which printed last:" } else { "" };
            lane.put_notice(format_args!("keys go to {}{colon}", lane.name()), &mut self.staged);
            let segment = Segment::new(MARK_REPLAY, MARK_REPLAY);
            self.words.replaying = replays;
            self.words.replay = Replay { lane: index, segment, text: Text::default(), bytes, sent };
        } else {
            self.words.help = false;
            let text = self.keys();
            lane.put_notice(format_args!("{text}"), &mut self.staged);
        }
    }

    /// Sends some of the replay.
    fn send_replay(&mut self) {
        let Replay { lane, segment, text, bytes, sent } = &mut self.words.replay;
        let Some(lane) = self.lanes.get(*lane) else { return };
        let mut pen = Pen { segment, prefix: lane.prefix(), wire: &mut self.staged };
        while pen.wire.len() < ENOUGH {
            let Some(byte) = bytes.get(*sent) else {
                pen.finish();
                self.words.replaying = false;
                if !self.words.refocused {
                    let live = format_args!("keys go to {}; from here on it is live", lane.name());
                    lane.put_notice(live, &mut self.staged);
                }
                return;
            };
            text.push(*byte, false, &mut pen);
            *sent += 1;
        }
    }

    /// Which keys there are.
    fn keys(&self) -> String {
        let mut keys = String::from("after ");
        let escape = self.settings.escape;
        if escape < 0x20 {
            keys.push_str("Ctrl-");
            keys.push(char::from(escape | 0x40));
        } else {
            let _ = write!(keys, "key {:#04x}", usize::from(escape));
        }
        keys.push(':');
        for (number, lane) in (1..=9_usize).zip(&self.lanes) {
            if lane.kind() == Kind::Guest {
                let _ = write!(keys, "  {number} {}", lane.name());
            }
        }
        keys + "  m monitor  n next  ? this help  the same key again: sends it"
    }
}
