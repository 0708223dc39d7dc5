//! What a guest's byte may do to the terminal.
//!
//! Printable text, colours and editing within the line go through. Whatever could move the cursor out of the
//! line, over the prefix or into another port's lines, or make the terminal type, is concealed: it is sent in a
//! form that terminals ignore and [`super::Splitter`] undoes.

use alloc::vec::Vec;

use super::segment::Pen;

/// Begins a control sequence.
pub(super) const ESCAPE: u8 = 0x1b;

/// Bytes of the longest escape sequence that can go through: two colours of 24 bits and some attributes.
const LONGEST: usize = 48;

/// What is known of one port's output: where in the line it is, and the start of what cannot be judged yet (a
/// carriage return, an escape sequence or a character in UTF-8).
#[derive(Debug, Default)]
pub(super) struct Text {
    held: Vec<u8>,
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
    /// Takes the next byte and writes what can be judged now. `answerable`: what the terminal answers goes to
    /// this port, so that questions to it may pass.
    pub fn push(&mut self, byte: u8, answerable: bool, pen: &mut Pen<'_>) {
        if self.held.is_empty() {
            return self.begin(byte, pen);
        }
        match fit(&self.held, byte) {
            Fit::More => self.held.push(byte),
            Fit::Last => {
                self.held.push(byte);
                let plain = passes(&self.held, &mut self.column, answerable);
                pen.put(&self.held, plain);
                self.held.clear();
            }
            Fit::Stray => {
                if self.held.as_slice() != b"\r" || byte == b'\r' {
                    pen.put(&self.held, false);
                } else if byte != b'\n' {
                    self.column = 0;
                    pen.put_return();
                }
                self.held.clear();
                self.begin(byte, pen);
            }
        }
    }

    /// The cursor is at the prefix again.
    pub fn restart_column(&mut self) {
        self.column = 0;
    }

    fn begin(&mut self, byte: u8, pen: &mut Pen<'_>) {
        match byte {
            b'\r' | ESCAPE | 0xc2..=0xf4 => return self.held.push(byte),
            b'\n' => {
                self.column = 0;
                return pen.put_end();
            }
            _ => {}
        }
        let column = match byte {
            b' '..=b'~' => Some(self.column + 1),
            b'\t' | 0x07 => Some(self.column),
            0x08 => self.column.checked_sub(1),
            _ => None,
        };
        self.column = column.unwrap_or(self.column);
        pen.put(&[byte], column.is_some());
    }
}

/// What `byte` is to the bytes `held`, of which there is at least one.
fn fit(held: &[u8], byte: u8) -> Fit {
    let (more, last) = match held {
        _ if held.len() == LONGEST => return Fit::Stray,
        [ESCAPE] if byte == b'[' => return Fit::More,
        [ESCAPE, b'[', ..] => (0x20..=0x3f, 0x40..=0x7e),
        [ESCAPE, ..] => (0x20..=0x2f, 0x30..=0x7e),
        [] | [b'\r', ..] => return Fit::Stray,
        [first, ..] => return fit_character(*first, held.len(), byte),
    };
    match byte {
        _ if more.contains(&byte) => Fit::More,
        _ if last.contains(&byte) => Fit::Last,
        _ => Fit::Stray,
    }
}

/// The same for a character in UTF-8 of which `first` is the first of the `count` bytes held (Unicode 15.0 table 3-7).
fn fit_character(first: u8, count: usize, byte: u8) -> Fit {
    let good = match (first, count) {
        (0xe0, 1) => 0xa0..=0xbf,
        (0xed, 1) => 0x80..=0x9f,
        (0xf0, 1) => 0x90..=0xbf,
        (0xf4, 1) => 0x80..=0x8f,
        _ => 0x80..=0xbf,
    };
    let length = match first {
        ..0xe0 => 2,
        0xe0..0xf0 => 3,
        _ => 4,
    };
    match good.contains(&byte) {
        true if count + 1 == length => Fit::Last,
        true => Fit::More,
        false => Fit::Stray,
    }
}

/// Whether the whole sequence `held` stays within the line, of which the cursor is in `column`.
fn passes(held: &[u8], column: &mut usize, answerable: bool) -> bool {
    match held {
        [ESCAPE, b'[', parameters @ .., last] => passes_control(parameters, *last, column, answerable),
        [ESCAPE, ..] => false,
        // U+0080 to U+009F are control characters.
        [0xc2, 0x80..=0x9f] => false,
        _ => true,
    }
}

/// Control sequences (ECMA-48 8.3): colours, erasing to the right, moving within the line.
fn passes_control(parameters: &[u8], last: u8, column: &mut usize, answerable: bool) -> bool {
    match last {
        b'm' => parameters.iter().all(|byte| matches!(byte, b'0'..=b'9' | b';' | b':')),
        b'K' | b'J' => matches!(parameters, b"" | b"0"),
        b'C' | b'P' | b'@' => number(parameters).is_some(),
        // 0 means 1.
        b'D' => match number(parameters).and_then(|places| column.checked_sub(places.max(1))) {
            Some(left) => {
                *column = left;
                true
            }
            None => false,
        },
        b'n' => answerable && parameters == b"6",
        _ => false,
    }
}

/// A single decimal parameter of at most four digits; 1 if it is left out.
fn number(parameters: &[u8]) -> Option<usize> {
    match parameters {
        [] => Some(1),
        digits if digits.len() <= 4 && digits.iter().all(u8::is_ascii_digit) => {
            Some(digits.iter().fold(0, |number, digit| number * 10 + usize::from(*digit - b'0')))
        }
        _ => None,
    }
}
