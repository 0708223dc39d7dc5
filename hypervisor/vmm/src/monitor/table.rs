//! Rows of `key=value` cells, aligned, in lines of at most [`COLUMNS`] columns.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::Display;

/// The longest line, unless a single cell is longer.
pub(super) const COLUMNS: usize = 100;

/// The cells of a row.
#[derive(Debug, Default)]
pub(super) struct Row {
    cells: Vec<String>,
    /// The first cells, which say what the row is about and begin each of its lines.
    subject: usize,
}

impl Row {
    /// A row about what its first cell names.
    pub fn about(key: &str, value: impl Display) -> Self {
        Self::default().and_about(key, value)
    }

    /// Narrows down what the row is about.
    pub fn and_about(self, key: &str, value: impl Display) -> Self {
        let mut row = self.cell(key, value);
        row.subject = row.cells.len();
        row
    }

    /// Adds a cell. Spaces in the value become `_`.
    pub fn cell(mut self, key: &str, value: impl Display) -> Self {
        self.push(key, &value);
        self
    }

    /// Out of line: there are many cells, of many types.
    #[inline(never)]
    fn push(&mut self, key: &str, value: &dyn Display) {
        self.cells.push(format!("{key}={}", value.to_string().replace(' ', "_")));
    }

    /// The row's lines, with every cell padded to its column's width.
    fn lines(&self, widths: &[usize], text: &mut String) {
        let cells: Vec<String> = self.cells.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        let (subject, rest) = cells.split_at_checked(self.subject).unwrap_or((&cells, &[]));
        let subject = subject.join("  ");
        let mut line = subject.clone();
        for cell in rest {
            if line.len() + 2 + cell.trim_end().len() > COLUMNS && line.len() > subject.len() {
                push_line(&line, text);
                line.clone_from(&subject);
            }
            line.push_str("  ");
            line.push_str(cell);
        }
        push_line(&line, text);
    }
}

fn push_line(line: &str, text: &mut String) {
    text.push_str(line.trim_end());
    text.push('\n');
}

/// The rows as text, one below the other.
pub(super) fn table(rows: &[Row]) -> String {
    let columns = rows.iter().map(|row| row.cells.len()).max().unwrap_or(0);
    let width = |column: usize| rows.iter().filter_map(|row| row.cells.get(column)).map(String::len).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let mut text = String::new();
    rows.iter().for_each(|row| row.lines(&widths, &mut text));
    text
}
