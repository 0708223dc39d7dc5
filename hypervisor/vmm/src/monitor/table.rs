//! Rows of `key=value` cells, aligned, in lines of at most [`LINE`] columns.

use crate::tell::text;
use alloc::string::String;
use core::fmt::{Arguments, Write};

/// The longest line, unless a single cell is longer.
const LINE: usize = 100;
/// The most cells of a row, with what it is about, that are aligned.
const CELLS: usize = 24;
/// Spaces behind the widest cell of a column.
const GAP: usize = 2;

/// A table that is being written.
#[derive(Debug)]
pub struct Table<'text> {
    text: &'text mut String,
    /// The widest cell of each column, in characters, as far as known.
    widths: [usize; CELLS],
    /// What the row is about; it begins each of the row's lines.
    subject: String,
    /// Cells of the row so far.
    cells: usize,
    /// Characters of the line so far, with the `gap` up to the next cell.
    column: usize,
    gap: usize,
}

impl<'text> Table<'text> {
    /// Appends to `text` what `rows` gives. It is called twice: the first time only the columns' widths are learnt.
    pub fn write(text: &'text mut String, rows: &mut dyn FnMut(&mut Self)) {
        let start = text.len();
        let mut table = Self { text, widths: [0; CELLS], subject: String::new(), cells: 0, column: 0, gap: 0 };
        rows(&mut table);
        table.text.truncate(start);
        table.column = 0;
        rows(&mut table);
        table.end_line();
    }

    /// Begins a row about `subject`, in the form of a cell or several.
    pub fn row(&mut self, subject: Arguments<'_>) {
        self.subject.clear();
        let _ = self.subject.write_fmt(subject);
        self.begin_line();
        self.cells = 1;
    }

    /// Adds the cell `key=value` to the row.
    pub fn number(&mut self, key: &str, value: u64) {
        self.cell(format_args!("{key}={value}"));
    }

    /// Adds a cell to the row.
    pub fn cell(&mut self, cell: Arguments<'_>) {
        let cell = text(cell);
        if self.column + cell.len() > LINE {
            self.begin_line();
        }
        let _ = write!(self.text, "{:gap$}{cell}", "", gap = self.gap);
        self.advance(self.cells, cell.len());
        self.cells += 1;
    }

    fn begin_line(&mut self) {
        self.end_line();
        self.text.push_str(&self.subject);
        self.advance(0, self.subject.len());
    }

    fn end_line(&mut self) {
        if self.column > 0 {
            self.text.push('\n');
        }
        self.column = 0;
    }

    /// A cell of `length` characters was written to column `cell`.
    fn advance(&mut self, cell: usize, length: usize) {
        if let Some(width) = self.widths.get_mut(cell) {
            *width = length.max(*width);
            self.gap = *width - length + GAP;
            self.column += *width + GAP;
        }
    }
}
