//! What a guest's byte may do to the terminal.
//!
//! Printable text, colours and editing within the line go through. Whatever could move the cursor out of the
//! line, over the prefix or into another port's lines, or make the terminal type, is concealed: it is sent in a
//! form that terminals ignore and [`super::Splitter`] undoes.

use arrayvec::ArrayVec;

/// Begins a control sequence.
pub(super) const ESCAPE: u8 = 0x1b;

/// Bytes of the longest escape sequence that can go through: two colours of 24 bits and some attributes.
const LONGEST: usize = 48;

/// What to send for the bytes so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Item<'a> {
    /// These bytes, as they are.
    Plain(&'a [u8]),
    /// These bytes, concealed.
    Concealed(&'a [u8]),
    /// A carriage return that does not belong to the end of a line.
    Return,
    /// The end of the line.
    End,
}

/// What is known of one port's output: where in the line it is, and the start of what cannot be judged yet (a
/// carriage return, an escape sequence or a character in UTF-8).
#[derive(Clone, Debug, Default)]
pub(super) struct Text {
    held: ArrayVec<u8, LONGEST>,
    /// The cursor is at least this many places right of the prefix.
    column: usize,
}

/// What a byte is to the bytes held.
enum Fit {
    /// It belongs to them, and more must follow.
    More,
    /// It is their last.
    Last,
    /// It does not belong to them: they are not what they seemed.
    Stray,
}

impl Text {
    /// Takes the next byte and puts out what can be judged now. `answerable`: what the terminal answers goes to
    /// this port, so that questions to it may pass.
    pub fn push(&mut self, byte: u8, answerable: bool, put: &mut dyn FnMut(Item<'_>)) {
        if self.held.is_empty() {
            return self.begin(byte, put);
        }
        match self.fit(byte) {
            Fit::More => self.held.push(byte),
            Fit::Last => {
                self.held.push(byte);
                let held = core::mem::take(&mut self.held);
                put(if self.passes(&held, answerable) { Item::Plain(&held) } else { Item::Concealed(&held) });
            }
            Fit::Stray => {
                let held = core::mem::take(&mut self.held);
                if held.as_slice() != b"\r" {
                    put(Item::Concealed(&held));
                } else if byte == b'\r' {
                    put(Item::Concealed(b"\r"));
                } else if byte != b'\n' {
                    self.column = 0;
                    put(Item::Return);
                }
                self.begin(byte, put);
            }
        }
    }

    /// The cursor is at the prefix again.
    pub fn restart_column(&mut self) {
        self.column = 0;
    }

    fn begin(&mut self, byte: u8, put: &mut dyn FnMut(Item<'_>)) {
        match byte {
            b' '..=b'~' => {
                self.column += 1;
                put(Item::Plain(&[byte]));
            }
            b'\n' => {
                self.column = 0;
                put(Item::End);
            }
            b'\r' | ESCAPE | 0xc2..=0xf4 => self.held.push(byte),
            b'\t' | 0x07 => put(Item::Plain(&[byte])),
            0x08 if self.column > 0 => {
                self.column -= 1;
                put(Item::Plain(&[byte]));
            }
            _ => put(Item::Concealed(&[byte])),
        }
    }

    fn fit(&self, byte: u8) -> Fit {
        match self.held.as_slice() {
            [ESCAPE] if byte == b'[' => Fit::More,
            [ESCAPE, b'[', ..] => fit(byte, 0x20..=0x3f, 0x40..=0x7e, self.held.is_full()),
            [ESCAPE, ..] => fit(byte, 0x20..=0x2f, 0x30..=0x7e, self.held.is_full()),
            [b'\r', ..] => Fit::Stray,
            _ => self.fit_utf8(byte),
        }
    }

    fn fit_utf8(&self, byte: u8) -> Fit {
        let mut bytes = self.held.clone();
        bytes.push(byte);
        match core::str::from_utf8(&bytes) {
            Ok(_) => Fit::Last,
            Err(error) if error.error_len().is_none() => Fit::More,
            Err(_) => Fit::Stray,
        }
    }

    /// Whether the whole sequence `held` stays within the line.
    fn passes(&mut self, held: &[u8], answerable: bool) -> bool {
        match held {
            [ESCAPE, b'[', parameters @ .., last] => self.passes_control(parameters, *last, answerable),
            [ESCAPE, ..] => false,
            // U+0080 to U+009F are control characters.
            [0xc2, 0x80..=0x9f] => false,
            _ => true,
        }
    }

    /// Control sequences (ECMA-48 8.3): colours, erasing to the right, moving within the line.
    fn passes_control(&mut self, parameters: &[u8], last: u8, answerable: bool) -> bool {
        let numbers = parameters.iter().all(|byte| matches!(byte, b'0'..=b'9' | b';' | b':'));
        match last {
            b'm' => numbers,
            b'K' | b'J' => matches!(parameters, b"" | b"0"),
            b'C' | b'P' | b'@' => number(parameters).is_some(),
            b'D' => self.passes_left(number(parameters)),
            b'n' => answerable && parameters == b"6",
            _ => false,
        }
    }

    fn passes_left(&mut self, places: Option<usize>) -> bool {
        // 0 means 1.
        let column = places.and_then(|places| self.column.checked_sub(places.max(1)));
        self.column = column.unwrap_or(self.column);
        column.is_some()
    }
}

fn fit(byte: u8, more: core::ops::RangeInclusive<u8>, last: core::ops::RangeInclusive<u8>, full: bool) -> Fit {
    match byte {
        _ if full => Fit::Stray,
        _ if more.contains(&byte) => Fit::More,
        _ if last.contains(&byte) => Fit::Last,
        _ => Fit::Stray,
    }
}

/// A single decimal parameter of at most four digits; 1 if it is left out.
fn number(parameters: &[u8]) -> Option<usize> {
    if parameters.is_empty() {
        return Some(1);
    }
    if parameters.len() > 4 || !parameters.iter().all(u8::is_ascii_digit) {
        return None;
    }
    core::str::from_utf8(parameters).ok()?.parse().ok()
}
