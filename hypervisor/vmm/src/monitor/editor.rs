//! Editing of a line as it is typed on a terminal.

use alloc::collections::VecDeque;
use alloc::string::String;

/// The longest line, in bytes. Further characters ring the bell.
const LONGEST: usize = 200;
/// Lines that the arrow keys bring back.
const HISTORY: usize = 8;

/// Stands before each line; the editor repeats it when a line is given up.
pub(super) const PROMPT: &[u8] = b"> ";

const BELL: u8 = 0x07;
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
    history: VecDeque<String>,
    /// How many lines back in the history the line is; 0 when it is none of them.
    back: usize,
}

impl LineEditor {
    /// Takes a typed byte and echoes. Returns the line when it is ended by a carriage return, a line feed or
    /// both; the echo has ended it on the terminal too.
    pub fn input(&mut self, byte: u8, echo: &mut dyn FnMut(u8)) -> Option<String> {
        match (core::mem::take(&mut self.before), byte) {
            (Before::Escape, b'[') => self.before = Before::Bracket,
            (Before::Bracket, b'0'..=b'9' | b';') => self.before = Before::Bracket,
            (Before::Bracket, b'A') => self.recall(self.back + 1, echo),
            (Before::Bracket, b'B') => self.recall(self.back.saturating_sub(1), echo),
            (Before::Escape | Before::Bracket, _) | (Before::Return, b'\n') => {}
            (_, b'\r') => {
                self.before = Before::Return;
                return Some(self.finish(echo));
            }
            (_, b'\n') => return Some(self.finish(echo)),
            (_, ESCAPE) => self.before = Before::Escape,
            (_, byte) => self.edit(byte, echo),
        }
        None
    }

    fn edit(&mut self, byte: u8, echo: &mut dyn FnMut(u8)) {
        match byte {
            b' '..=b'~' if self.line.len() < LONGEST => {
                self.line.push(char::from(byte));
                echo(byte);
            }
            BACKSPACE | DELETE => self.erase(1, echo),
            KILL_LINE => self.erase(self.line.len(), echo),
            KILL_WORD => {
                let kept = self.line.trim_end().rfind(' ').map_or(0, |space| space + 1);
                self.erase(self.line.len() - kept, echo);
            }
            CANCEL => {
                self.line.clear();
                self.back = 0;
                b"^C\n".iter().chain(PROMPT).for_each(|byte| echo(*byte));
            }
            _ => echo(BELL),
        }
    }

    /// Takes the last `count` characters off the line, as far as there are any.
    fn erase(&mut self, count: usize, echo: &mut dyn FnMut(u8)) {
        for _ in 0..count {
            if self.line.pop().is_some() {
                [BACKSPACE, b' ', BACKSPACE].into_iter().for_each(&mut *echo);
            }
        }
    }

    fn recall(&mut self, back: usize, echo: &mut dyn FnMut(u8)) {
        if back > self.history.len() {
            return echo(BELL);
        }
        self.erase(self.line.len(), echo);
        self.back = back;
        let old = back.checked_sub(1).and_then(|index| self.history.get(index));
        self.line = old.cloned().unwrap_or_default();
        self.line.bytes().for_each(echo);
    }

    fn finish(&mut self, echo: &mut dyn FnMut(u8)) -> String {
        echo(b'\n');
        self.back = 0;
        let line = core::mem::take(&mut self.line);
        if !line.trim().is_empty() && self.history.front() != Some(&line) {
            self.history.truncate(HISTORY - 1);
            self.history.push_front(line.clone());
        }
        line
    }
}
