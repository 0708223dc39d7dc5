//! The inverse of the multiplexer: from the bytes on the wire to each port's own. `hypervisor/docs/console.md`
//! has the grammar.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use super::segment::{COLOUR_END, CONCEALED, CONCEALED_END, MARK_CONTINUED, MARK_LINE, MARK_NOTICE, MARK_REPLAY};
use super::text::ESCAPE;

/// A longer prefix is none.
const LONGEST_PREFIX: usize = 64;
/// Longer concealed bytes are none.
const LONGEST_CONCEALED: usize = 72;

/// Where a piece comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The port printed it.
    Output,
    /// The port printed it earlier; it was shown again.
    Replay,
    /// The multiplexer says it about the port.
    Notice,
    /// It was on the wire without a prefix, as what firmware prints.
    Foreign,
}

/// Bytes that belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece<'a> {
    /// The port's name; empty for [`Source::Foreign`].
    pub port: &'a str,
    /// Where the bytes come from.
    pub source: Source,
    /// The bytes; a line ends with `\n` alone.
    pub bytes: &'a [u8],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// At the start of a line.
    Start,
    /// In what may be a prefix, kept in `kept`.
    Prefix,
    /// In a segment's content.
    Content,
    /// In what may be concealed bytes, kept in `kept`.
    Concealed,
    /// After a carriage return.
    Return,
}

/// Takes the multiplexer's stream apart, in pieces of any size.
#[derive(Clone, Debug)]
pub struct Splitter {
    state: State,
    /// A carriage return of the port stands before the prefix that is being read.
    returned: bool,
    /// The line is broken here and goes on in another segment.
    broken: bool,
    kept: Vec<u8>,
    port: String,
    source: Source,
    ready: Vec<u8>,
}

impl Default for Splitter {
    fn default() -> Self {
        Self {
            state: State::Start,
            returned: false,
            broken: false,
            kept: Vec::new(),
            port: String::new(),
            source: Source::Foreign,
            ready: Vec::new(),
        }
    }
}

/// Takes a whole stream apart: what each port has printed, by name.
pub fn split(stream: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let mut ports: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    Splitter::default().push(stream, &mut |piece| {
        if piece.source == Source::Output {
            ports.entry(String::from(piece.port)).or_default().extend_from_slice(piece.bytes);
        }
    });
    ports
}

impl Splitter {
    /// Takes the next bytes and gives out what they complete, in order. Everything but an unfinished prefix,
    /// concealed sequence or carriage return at the end is given out at once.
    pub fn push(&mut self, stream: &[u8], give: &mut dyn FnMut(Piece<'_>)) {
        for byte in stream {
            self.step(*byte, give);
        }
        self.flush(give);
    }

    fn step(&mut self, byte: u8, give: &mut dyn FnMut(Piece<'_>)) {
        match self.state {
            State::Start => self.start(byte, give),
            State::Prefix => self.prefix(byte, give),
            State::Content => self.content(byte),
            State::Concealed => self.concealed(byte),
            State::Return => self.after_return(byte, give),
        }
    }

    fn start(&mut self, byte: u8, give: &mut dyn FnMut(Piece<'_>)) {
        if byte == ESCAPE {
            self.kept.push(byte);
            self.state = State::Prefix;
        } else {
            self.turn_foreign(give);
            self.content(byte);
        }
    }

    fn prefix(&mut self, byte: u8, give: &mut dyn FnMut(Piece<'_>)) {
        self.kept.push(byte);
        if let Some((port, source)) = parse_prefix(&self.kept) {
            let port = String::from(port);
            self.kept.clear();
            self.turn(port, source, give);
            if core::mem::take(&mut self.returned) {
                self.ready.push(b'\r');
            }
            self.state = State::Content;
        } else if byte == b'\n' || self.kept.len() >= LONGEST_PREFIX {
            let kept = core::mem::take(&mut self.kept);
            self.turn_foreign(give);
            kept.into_iter().for_each(|byte| self.step(byte, give));
        }
    }

    fn content(&mut self, byte: u8) {
        match byte {
            b'\r' => self.state = State::Return,
            b'\n' => self.end_line(),
            ESCAPE => {
                self.kept.push(byte);
                self.state = State::Concealed;
            }
            _ => self.ready.push(byte),
        }
    }

    fn concealed(&mut self, byte: u8) {
        let expected = match CONCEALED.get(self.kept.len()) {
            Some(opening) => byte == *opening,
            None => byte.is_ascii_digit() || byte == b';' || byte == CONCEALED_END,
        };
        if !expected || self.kept.len() >= LONGEST_CONCEALED {
            self.ready.append(&mut self.kept);
            self.state = State::Content;
            return self.content(byte);
        }
        if byte != CONCEALED_END {
            return self.kept.push(byte);
        }
        let values = self.kept.get(CONCEALED.len()..).unwrap_or_default();
        self.broken = values.is_empty();
        let values = values.split(|byte| *byte == b';').filter_map(|value| core::str::from_utf8(value).ok());
        self.ready.extend(values.filter_map(|value| value.parse::<u8>().ok()));
        self.kept.clear();
        self.state = State::Content;
    }

    fn after_return(&mut self, byte: u8, give: &mut dyn FnMut(Piece<'_>)) {
        match byte {
            b'\n' => self.end_line(),
            // A terminal on the way may send a line's end as two carriage returns and a line feed.
            b'\r' => {}
            _ => {
                self.returned = true;
                self.start(byte, give);
            }
        }
    }

    fn end_line(&mut self) {
        if !core::mem::take(&mut self.broken) {
            self.ready.push(b'\n');
        }
        self.state = State::Start;
    }

    fn turn_foreign(&mut self, give: &mut dyn FnMut(Piece<'_>)) {
        self.turn(String::new(), Source::Foreign, give);
        if core::mem::take(&mut self.returned) {
            self.ready.push(b'\r');
        }
        self.state = State::Content;
    }

    fn turn(&mut self, port: String, source: Source, give: &mut dyn FnMut(Piece<'_>)) {
        if port != self.port || source != self.source {
            self.flush(give);
            self.port = port;
            self.source = source;
        }
    }

    fn flush(&mut self, give: &mut dyn FnMut(Piece<'_>)) {
        if !self.ready.is_empty() {
            give(Piece { port: &self.port, source: self.source, bytes: &self.ready });
            self.ready.clear();
        }
    }
}

/// The name and kind of segment that a whole prefix and its mark tell.
fn parse_prefix(bytes: &[u8]) -> Option<(&str, Source)> {
    let (rest, mark) = match bytes {
        [rest @ .., mark, b' '] => (rest.strip_suffix(COLOUR_END)?, *mark),
        _ => return None,
    };
    let source = match mark {
        MARK_LINE | MARK_CONTINUED => Source::Output,
        MARK_REPLAY => Source::Replay,
        MARK_NOTICE => Source::Notice,
        _ => return None,
    };
    let colour_end = rest.iter().position(|byte| *byte == b'm')?;
    let (colour, name) = (rest.get(..colour_end)?, rest.get(colour_end + 1..)?);
    let digits = colour.strip_prefix(b"\x1b[")?;
    let name = name.trim_ascii_end();
    let valid = digits.iter().all(|byte| byte.is_ascii_digit() || *byte == b';')
        && !name.is_empty()
        && name.iter().all(u8::is_ascii_graphic);
    Some((core::str::from_utf8(name).ok().filter(|_| valid)?, source))
}
