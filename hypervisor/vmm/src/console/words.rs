//! What the multiplexer says itself: a change of focus, with the port's last output, and help.

use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;

use super::segment::Segment;
use super::text::Text;

/// Lines of help that may wait; whoever asks faster than the wire is slow gets no more.
const MOST: usize = 32;

#[derive(Debug)]
enum Word {
    Notice { lane: usize, text: String },
    Replay { segment: Segment, bytes: Vec<u8> },
}

/// Words that wait for the wire.
#[derive(Debug, Default)]
pub(super) struct Words {
    waiting: VecDeque<Word>,
    replay: Option<Replay>,
}

/// A port's last output on its way.
#[derive(Debug)]
struct Replay {
    segment: Segment,
    text: Text,
    bytes: alloc::vec::IntoIter<u8>,
}

/// What comes next.
#[derive(Debug)]
pub(super) enum Next {
    /// A line about the port of this index.
    Notice(usize, String),
    /// Some of the replay is on the wire.
    Replayed,
}

impl Words {
    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.replay.is_none()
    }

    /// Forgets what waits; a replay that has begun ends with the line that it is in.
    pub fn clear(&mut self) {
        self.waiting.clear();
        if let Some(replay) = &mut self.replay {
            replay.bytes = Vec::new().into_iter();
        }
    }

    /// Adds a line about the port `lane`.
    pub fn notice(&mut self, lane: usize, text: String) {
        if self.waiting.len() < MOST {
            self.waiting.push_back(Word::Notice { lane, text });
        }
    }

    /// Adds the last output `bytes` of a port, as `segment`s.
    pub fn replay(&mut self, segment: Segment, bytes: Vec<u8>) {
        if self.waiting.len() < MOST {
            self.waiting.push_back(Word::Replay { segment, bytes });
        }
    }

    /// Sends more of the replay that is under way, until there are `enough` bytes, or tells the next line. The
    /// cursor must not be in a port's line.
    pub fn next(&mut self, enough: usize, wire: &mut Vec<u8>) -> Option<Next> {
        if let Some(replay) = &mut self.replay {
            if replay.send(enough, wire) {
                self.replay = None;
            }
            return Some(Next::Replayed);
        }
        match self.waiting.pop_front()? {
            Word::Notice { lane, text } => Some(Next::Notice(lane, text)),
            Word::Replay { segment, bytes } => {
                self.replay = Some(Replay { segment, text: Text::default(), bytes: bytes.into_iter() });
                Some(Next::Replayed)
            }
        }
    }
}

impl Replay {
    /// Sends until there are `enough` bytes; true if that was all.
    fn send(&mut self, enough: usize, wire: &mut Vec<u8>) -> bool {
        let Self { segment, text, bytes } = self;
        while wire.len() < enough {
            let Some(byte) = bytes.next() else {
                segment.end(wire);
                return true;
            };
            text.push(byte, false, &mut |item| segment.put(item, wire));
        }
        false
    }
}
