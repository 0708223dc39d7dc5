//! The form of a segment on the wire: prefix, mark, content.

use alloc::vec::Vec;

use super::text::Item;

/// Begins a line of a port's output.
pub(super) const MARK_LINE: u8 = b'|';
/// Continues a line that was broken.
pub(super) const MARK_CONTINUED: u8 = b':';
/// Output that was shown before.
pub(super) const MARK_REPLAY: u8 = b'<';
/// A word of the multiplexer's own.
pub(super) const MARK_NOTICE: u8 = b'!';

/// Between the colour and the mark of every prefix.
pub(super) const COLOUR_END: &[u8] = b"\x1b[0m";
/// Begins concealed bytes: their values in decimal follow, parted by `;`, and `z`. A private control sequence that
/// terminals ignore (ECMA-48 5.4). Without a value it says that the line is broken here and goes on later.
pub(super) const CONCEALED: &[u8] = b"\x1b[?";
pub(super) const CONCEALED_END: u8 = b'z';

/// Terminals keep at least 16 parameters of a control sequence.
const CONCEALED_AT_ONCE: usize = 16;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    /// Nothing of the line is on the wire.
    Unbegun,
    /// The cursor is in the line.
    Open,
    /// A part is on the wire, and the cursor has left it.
    Interrupted,
}

/// Where a port's output stands on the wire.
#[derive(Clone, Debug)]
pub(super) struct Segment {
    prefix: Vec<u8>,
    first: u8,
    further: u8,
    line: Line,
    /// The cursor is just behind the mark.
    bare: bool,
}

impl Segment {
    /// Segments with the given prefix, of which the first of each line has the mark `first` and the rest
    /// `further`.
    pub fn new(prefix: Vec<u8>, first: u8, further: u8) -> Self {
        Self { prefix, first, further, line: Line::Unbegun, bare: false }
    }

    /// The same port's segments of another kind, with the mark `mark`.
    pub fn marked(&self, mark: u8) -> Self {
        Self::new(self.prefix.clone(), mark, mark)
    }

    /// Whether the cursor is in the port's line.
    pub fn is_open(&self) -> bool {
        self.line == Line::Open
    }

    /// Sends `item`.
    pub fn put(&mut self, item: Item<'_>, wire: &mut Vec<u8>) {
        match item {
            Item::Return if self.is_open() && !self.bare => {
                wire.push(b'\r');
                self.put_prefix(self.first, wire);
                return;
            }
            _ => self.open(wire),
        }
        match item {
            Item::Plain(bytes) => {
                wire.extend_from_slice(bytes);
                self.bare = false;
            }
            Item::Concealed(bytes) => conceal(bytes, wire),
            // Where the cursor is already, a return would only repeat the prefix.
            Item::Return => conceal(b"\r", wire),
            Item::End => {
                wire.extend_from_slice(b"\r\n");
                self.line = Line::Unbegun;
            }
        }
    }

    /// Leaves the line, if the cursor is in it, to continue it later.
    pub fn interrupt(&mut self, wire: &mut Vec<u8>) {
        if self.is_open() {
            conceal(b"", wire);
            wire.extend_from_slice(b"\r\n");
            self.line = Line::Interrupted;
        }
    }

    /// Ends the line, if a part of it is on the wire.
    pub fn end(&mut self, wire: &mut Vec<u8>) {
        if self.line != Line::Unbegun {
            self.put(Item::End, wire);
        }
    }

    fn open(&mut self, wire: &mut Vec<u8>) {
        match self.line {
            Line::Open => {}
            Line::Unbegun => self.put_prefix(self.first, wire),
            Line::Interrupted => self.put_prefix(self.further, wire),
        }
        self.line = Line::Open;
    }

    fn put_prefix(&mut self, mark: u8, wire: &mut Vec<u8>) {
        wire.extend_from_slice(&self.prefix);
        wire.extend_from_slice(&[mark, b' ']);
        self.bare = true;
    }
}

/// The prefix of a port: its name in `colour` (an SGR parameter), padded to `width`.
pub(super) fn prefix(name: &str, width: usize, colour: u8) -> Vec<u8> {
    let mut prefix = alloc::format!("\x1b[0;{colour}m{name:width$}").into_bytes();
    prefix.extend_from_slice(COLOUR_END);
    prefix
}

fn conceal(bytes: &[u8], wire: &mut Vec<u8>) {
    let sequence = |bytes: &[u8], wire: &mut Vec<u8>| {
        wire.extend_from_slice(CONCEALED);
        for (index, byte) in bytes.iter().enumerate() {
            if index > 0 {
                wire.push(b';');
            }
            put_decimal(*byte, wire);
        }
        wire.push(CONCEALED_END);
    };
    if bytes.is_empty() {
        sequence(bytes, wire);
    }
    for chunk in bytes.chunks(CONCEALED_AT_ONCE) {
        sequence(chunk, wire);
    }
}

fn put_decimal(value: u8, wire: &mut Vec<u8>) {
    if value >= 100 {
        wire.push(b'0' + value / 100);
    }
    if value >= 10 {
        wire.push(b'0' + value / 10 % 10);
    }
    wire.push(b'0' + value % 10);
}
