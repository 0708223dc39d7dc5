//! A small writer of flattened device trees.

use super::header::{HEADER_SIZE, write_header};
use super::{BEGIN_NODE, END, END_NODE, PROPERTY};
use crate::address::{Pa, Range};
use alloc::vec::Vec;

/// Bytes of an entry of the memory reservation block (Devicetree Specification 0.4 5.3).
const RESERVATION: usize = 16;

/// Writes a tree from its root on. A misuse, such as a property behind a child or a bad name, makes what is no tree:
/// [`Tree`](super::Tree) refuses it.
#[derive(Debug)]
pub struct Writer {
    /// The tree up to its strings block, with room for the header.
    bytes: Vec<u8>,
    /// Where the structure block begins.
    structure: usize,
    /// The properties' names. To write each only once took most of a guest's tree's time, for half a KiB.
    strings: Vec<u8>,
    /// Nodes that are open.
    open: usize,
}

impl Default for Writer {
    fn default() -> Self {
        Self::new()
    }
}

impl Writer {
    /// A writer that has written nothing: the root is to be opened, with an empty name.
    pub fn new() -> Self {
        let structure = HEADER_SIZE + RESERVATION;
        Self { bytes: [0; HEADER_SIZE + RESERVATION].to_vec(), structure, strings: Vec::new(), open: 0 }
    }

    /// Adds `range` to the memory reservations.
    pub fn reserve(&mut self, range: Range<Pa>) {
        let entry = [range.start().get(), range.size()].map(u64::to_be_bytes);
        let end = self.structure - RESERVATION;
        self.bytes.splice(end..end, entry.into_iter().flatten());
        self.structure += RESERVATION;
    }

    /// Opens the node `name` below the one that is open.
    pub fn begin_node(&mut self, name: &str) {
        self.open += 1;
        self.word(BEGIN_NODE);
        self.string(name);
        self.pad();
    }

    /// Closes the node that was opened last.
    pub fn end_node(&mut self) {
        self.open = self.open.saturating_sub(1);
        self.word(END_NODE);
    }

    /// Writes a property with the value `value` to the node that is open.
    pub fn property(&mut self, name: &str, value: &[u8]) {
        self.begin_property(name, value.len());
        self.bytes.extend_from_slice(value);
        self.pad();
    }

    /// Writes a property without a value, which means something by being there.
    pub fn property_empty(&mut self, name: &str) {
        self.begin_property(name, 0);
    }

    /// Writes a property of one cell.
    pub fn property_u32(&mut self, name: &str, value: u32) {
        self.property_cells(name, &[value]);
    }

    /// Writes a property of two cells, the more significant first.
    pub fn property_u64(&mut self, name: &str, value: u64) {
        self.property_u64s(name, &[value]);
    }

    /// Writes a property of cells.
    pub fn property_cells(&mut self, name: &str, cells: &[u32]) {
        self.begin_property(name, cells.len() * 4);
        cells.iter().for_each(|cell| self.word(*cell));
    }

    /// Writes a property of numbers that take two cells each, such as a `reg`.
    pub fn property_u64s(&mut self, name: &str, numbers: &[u64]) {
        self.begin_property(name, numbers.len() * 8);
        numbers.iter().for_each(|number| self.bytes.extend_from_slice(&number.to_be_bytes()));
    }

    /// Writes a property of one string.
    pub fn property_string(&mut self, name: &str, value: &str) {
        self.property_strings(name, &[value]);
    }

    /// Writes a property of strings.
    pub fn property_strings(&mut self, name: &str, values: &[&str]) {
        self.begin_property(name, values.iter().map(|value| value.len() + 1).sum());
        values.iter().for_each(|value| self.string(value));
        self.pad();
    }

    /// Closes the nodes that are still open, and gives the tree.
    pub fn finish(mut self) -> Vec<u8> {
        while self.open > 0 {
            self.end_node();
        }
        self.word(END);
        let strings = self.bytes.len();
        self.bytes.extend_from_slice(&self.strings);
        write_header(&mut self.bytes, self.structure, strings, 0);
        self.bytes
    }

    /// Writes what stands before a value of `size` bytes.
    fn begin_property(&mut self, name: &str, size: usize) {
        let offset = self.strings.len();
        self.strings.extend_from_slice(name.as_bytes());
        self.strings.push(0);
        let [size, offset] = [size, offset].map(|bytes| u32::try_from(bytes).unwrap_or(u32::MAX));
        self.bytes.extend_from_slice([PROPERTY, size, offset].map(u32::to_be_bytes).as_flattened());
    }

    fn word(&mut self, word: u32) {
        self.bytes.extend_from_slice(&word.to_be_bytes());
    }

    fn string(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
        self.bytes.push(0);
    }

    fn pad(&mut self) {
        while !self.bytes.len().is_multiple_of(4) {
            self.bytes.push(0);
        }
    }
}
