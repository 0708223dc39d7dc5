//! What a console printed, as lines: enough of a terminal for shells and kernel messages.

use std::collections::VecDeque;

/// Lines that are kept.
const KEPT: usize = 400;
/// A longer line is cut.
const LONGEST: usize = 400;

/// The last lines of a console.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lines {
    whole: VecDeque<String>,
    current: Vec<char>,
    column: usize,
    /// In an escape sequence: whether its `[` was seen.
    escape: Option<bool>,
    /// Bytes of a character that is not whole yet.
    partial: Vec<u8>,
}

impl Lines {
    /// Takes what was printed; gives each line that it ends to `ended`.
    pub fn push(&mut self, bytes: &[u8], ended: &mut dyn FnMut(&str)) {
        self.partial.extend_from_slice(bytes);
        let bytes = std::mem::take(&mut self.partial);
        let whole = match std::str::from_utf8(&bytes) {
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            _ => bytes.len(),
        };
        self.partial = bytes[whole..].to_vec();
        String::from_utf8_lossy(&bytes[..whole]).chars().for_each(|character| self.put(character, ended));
    }

    fn put(&mut self, character: char, ended: &mut dyn FnMut(&str)) {
        match (self.escape, character) {
            (Some(false), '[') => self.escape = Some(true),
            (Some(true), '0'..='9' | ';' | '?') => {}
            (Some(_), _) => self.escape = None,
            (None, '\x1b') => self.escape = Some(false),
            (None, '\n') => self.end(ended),
            (None, '\r') => self.column = 0,
            (None, '\x08') => self.column = self.column.saturating_sub(1),
            (None, '\t') => (0..8 - self.column % 8).for_each(|_| self.write(' ')),
            (None, character) if character.is_control() => {}
            (None, character) => self.write(character),
        }
    }

    fn write(&mut self, character: char) {
        if self.column < LONGEST {
            if self.column == self.current.len() {
                self.current.push(character);
            } else {
                self.current[self.column] = character;
            }
            self.column += 1;
        }
    }

    fn end(&mut self, ended: &mut dyn FnMut(&str)) {
        let line: String = self.current.drain(..).collect();
        self.column = 0;
        ended(&line);
        self.whole.push_back(line);
        if self.whole.len() > KEPT {
            self.whole.pop_front();
        }
    }

    /// Takes back the last whole line.
    pub fn unpush(&mut self) {
        self.whole.pop_back();
    }

    /// The line that is not ended yet.
    pub fn current(&self) -> String {
        self.current.iter().collect()
    }

    /// The last `rows` rows of `columns` columns, longer lines folded.
    pub fn last(&self, rows: usize, columns: usize) -> Vec<String> {
        let current = self.current();
        let lines = self.whole.iter().map(String::as_str).rev().take(rows).collect::<Vec<_>>();
        let mut folded = Vec::new();
        for line in lines.into_iter().rev().chain([current.as_str()]) {
            let characters: Vec<char> = line.chars().collect();
            match characters.is_empty() {
                true => folded.push(String::new()),
                false => folded.extend(characters.chunks(columns.max(1)).map(|row| row.iter().collect::<String>())),
            }
        }
        folded.split_off(folded.len().saturating_sub(rows))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Lines {
        let mut lines = Lines::default();
        text.as_bytes().chunks(3).for_each(|chunk| lines.push(chunk, &mut |_| {}));
        lines
    }

    #[test]
    fn a_line_is_edited_as_a_terminal_does() {
        assert_eq!(lines("ab\x08c\x1b[1;31md\x1b[0m\tx\n1\r2").last(9, 80), ["acd     x", "2"]);
        assert_eq!(lines("gr\u{fc}n").current(), "gr\u{fc}n");
    }

    #[test]
    fn long_lines_fold_and_only_the_last_rows_are_given() {
        assert_eq!(lines("abcde\nf").last(2, 2), ["e", "f"]);
        assert_eq!(lines("a\n\n").last(3, 2), ["a", "", ""]);
        assert_eq!(lines(&"x\n".repeat(KEPT + 9)).whole.len(), KEPT);
    }
}
