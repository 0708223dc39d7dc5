//! The form of a segment on the wire: prefix, mark, content.

use alloc::vec::Vec;

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

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Line {
    /// Nothing of the line is on the wire.
    #[default]
    Unbegun,
    /// The cursor is in the line.
    Open,
    /// A part is on the wire, and the cursor has left it.
    Interrupted,
}

/// Where a port's output stands on the wire.
#[derive(Debug, Default)]
pub(super) struct Segment {
    first: u8,
    further: u8,
    line: Line,
    /// The cursor is just behind the mark.
    bare: bool,
}

impl Segment {
    /// Segments of which the first of each line has the mark `first` and the rest `further`.
    pub fn new(first: u8, further: u8) -> Self {
        Self { first, further, line: Line::Unbegun, bare: false }
    }

    /// Whether the cursor is in the line.
    pub fn is_open(&self) -> bool {
        self.line == Line::Open
    }
}

/// Writes a port's segments, which begin with `prefix`, on the wire.
pub(super) struct Pen<'a> {
    pub segment: &'a mut Segment,
    pub prefix: &'a str,
    pub wire: &'a mut Vec<u8>,
}

impl Pen<'_> {
    /// Writes `bytes` as they are, or concealed.
    pub fn put(&mut self, bytes: &[u8], plain: bool) {
        self.open();
        if plain {
            self.wire.extend_from_slice(bytes);
            self.segment.bare = false;
        } else {
            conceal(bytes, self.wire);
        }
    }

    /// Writes a carriage return that does not belong to the end of a line.
    pub fn put_return(&mut self) {
        if self.segment.is_open() && !self.segment.bare {
            self.wire.push(b'\r');
            self.put_prefix(self.segment.first);
        } else {
            // Where the cursor is already, a return would only repeat the prefix.
            self.put(b"\r", false);
        }
    }

    /// Ends the line.
    pub fn put_end(&mut self) {
        self.open();
        self.leave(Line::Unbegun);
    }

    /// Leaves the line, if the cursor is in it, to continue it later.
    pub fn interrupt(&mut self) {
        if self.segment.is_open() {
            conceal(b"", self.wire);
            self.leave(Line::Interrupted);
        }
    }

    /// Ends the line, if a part of it is on the wire.
    pub fn finish(&mut self) {
        if self.segment.line != Line::Unbegun {
            self.put_end();
        }
    }

    fn leave(&mut self, line: Line) {
        self.wire.extend_from_slice(b"\r\n");
        self.segment.line = line;
    }

    fn open(&mut self) {
        match self.segment.line {
            Line::Open => {}
            Line::Unbegun => self.put_prefix(self.segment.first),
            Line::Interrupted => self.put_prefix(self.segment.further),
        }
    }

    fn put_prefix(&mut self, mark: u8) {
        self.wire.extend_from_slice(self.prefix.as_bytes());
        self.wire.extend_from_slice(&[mark, b' ']);
        self.segment.line = Line::Open;
        self.segment.bare = true;
    }
}

fn conceal(bytes: &[u8], wire: &mut Vec<u8>) {
    wire.extend_from_slice(CONCEALED);
    for (index, byte) in bytes.iter().enumerate() {
        if index > 0 && index % CONCEALED_AT_ONCE == 0 {
            wire.push(CONCEALED_END);
            wire.extend_from_slice(CONCEALED);
        } else if index > 0 {
            wire.push(b';');
        }
        for (digit, least) in &[(*byte / 100, 100), (*byte / 10 % 10, 10), (*byte % 10, 0)] {
            if byte >= least {
                wire.push(b'0' + digit);
            }
        }
    }
    wire.push(CONCEALED_END);
}
