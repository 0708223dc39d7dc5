//! Editing of a line as it is typed on a terminal.

use alloc::string::String;

/// The longest line, in bytes. Further characters ring the bell.
const LONGEST: usize = 200;
/// Lines that the arrow keys bring back.
const HISTORY: usize = 8;

/// Stands before each line; the editor repeats it when a line is given up.
pub(super) const PROMPT: &str = "> ";

const BELL: char = '\x07';
const BACKSPACE: u8 = 0x08;
const ESCAPE: u8 = 0x1b;
const DELETE: u8 = 0x7f;

const fn control(letter: u8) -> u8 {
    letter & 0x1f
}

const KILL_LINE: u8 = control(b'U');
const KILL_WORD: u8 = control(b'W');
const CANCEL: u8 = control(b'C');

/// What came before the next byte.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Before {
    #[default]
    Nothing,
    /// A carriage return, with which a line feed may come.
    Return,
    /// The start of a key that sends several bytes.
    Escape,
    /// `ESC [`.
    Bracket,
}

/// A line that is being typed, and those before it.
#[derive(Debug, Default)]
pub struct LineEditor {
    line: String,
    before: Before,
    /// The last lines: line n stands at n modulo their number. An empty one is none.
    history: [String; HISTORY],
    /// Lines that were put there.
    lines: usize,
    /// How many lines back in the history the line is; 0 when it is none of them.
    back: usize,
}

impl LineEditor {
    /// Takes a typed byte and echoes. Returns the line when it is ended by a carriage return, a line feed or
    /// both; the echo has ended it on the terminal too.
    pub fn input(&mut self, byte: u8, echo: &mut String) -> Option<String> {
        match (core::mem::take(&mut self.before), byte) {
            (Before::Escape, b'[') | (Before::Bracket, b'0'..=b'9' | b';') => self.before = Before::Bracket,
            (Before::Bracket, b'A') => self.recall(self.back + 1, echo),
            (Before::Bracket, b'B') => self.recall(self.back.saturating_sub(1), echo),
            (Before::Escape | Before::Bracket, _) | (Before::Return, b'\n') => {}
            (_, b'\r' | b'\n') => {
                if byte == b'\r' {
                    self.before = Before::Return;
                }
                return Some(self.finish(echo));
            }
            (_, ESCAPE) => self.before = Before::Escape,
            (_, byte) => self.edit(byte, echo),
        }
        None
    }

    fn edit(&mut self, byte: u8, echo: &mut String) {
        match byte {
            b' '..=b'~' if self.line.len() < LONGEST => {
                self.line.push(char::from(byte));
                echo.push(char::from(byte));
            }
            BACKSPACE | DELETE => self.erase(self.line.len().saturating_sub(1), echo),
            KILL_LINE => self.erase(0, echo),
            KILL_WORD => self.erase(last_word(self.line.as_bytes()), echo),
            CANCEL => {
                self.line.clear();
                self.back = 0;
                echo.push_str("^C\n");
                echo.push_str(PROMPT);
            }
            _ => echo.push(BELL),
        }
    }

    /// Takes characters off the line until `kept` are left.
    fn erase(&mut self, kept: usize, echo: &mut String) {
        while self.line.len() > kept {
            self.line.pop();
            echo.push_str("\x08 \x08");
        }
    }

    /// Puts what was typed `back` lines ago in place of the line; for 0 an empty line.
    fn recall(&mut self, back: usize, echo: &mut String) {
        let old = match back {
            1..=HISTORY => self.history.get(self.lines.wrapping_sub(back) % HISTORY).cloned().unwrap_or_default(),
            _ => String::new(),
        };
        if back > 0 && old.is_empty() {
            return echo.push(BELL);
        }
        self.erase(0, echo);
        echo.push_str(&old);
        self.line = old;
        self.back = back;
    }

    fn finish(&mut self, echo: &mut String) -> String {
        echo.push('\n');
        self.back = 0;
        let line = core::mem::take(&mut self.line);
        if !line.is_empty()
            && let Some(place) = self.history.get_mut(self.lines % HISTORY)
        {
            place.clone_from(&line);
            self.lines += 1;
        }
        line
    }
}

/// Where the last word of `line` begins.
fn last_word(mut line: &[u8]) -> usize {
    while let [rest @ .., b' '] = line {
        line = rest;
    }
    while let [rest @ .., b'!'..=b'~'] = line {
        line = rest;
    }
    line.len()
}
