//! A small writer of flattened device trees.

use super::validate::assemble;
use super::{BEGIN_NODE, END, END_NODE, FdtError, PROPERTY, Tree};
use crate::address::{Pa, Range};
use alloc::vec::Vec;

/// Writes a tree from its root on. A misuse, such as a property behind a child, is found by
/// [`finish`](Writer::finish), which validates what was written.
#[derive(Debug, Default)]
pub struct Writer {
    reservations: Vec<u8>,
    structure: Vec<u8>,
    /// Each property name that was written, once.
    strings: Vec<u8>,
    open: usize,
    /// Physical ID of the core that boots.
    boot_cpu: u32,
}

impl Writer {
    /// A writer that has written nothing: the root is to be opened, with an empty name.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds `range` to the memory reservations.
    pub fn reserve(&mut self, range: Range<Pa>) {
        self.reservations.extend_from_slice(&range.start().get().to_be_bytes());
        self.reservations.extend_from_slice(&range.size().to_be_bytes());
    }

    /// Opens the node `name` below the one that is open.
    pub fn begin_node(&mut self, name: &str) {
        self.open = self.open.saturating_add(1);
        self.word(BEGIN_NODE);
        self.structure.extend_from_slice(name.as_bytes());
        self.structure.push(0);
        self.pad();
    }

    /// Closes the node that was opened last.
    pub fn end_node(&mut self) {
        self.open = self.open.saturating_sub(1);
        self.word(END_NODE);
    }

    /// Writes a property with the value `value` to the node that is open.
    pub fn property(&mut self, name: &str, value: &[u8]) {
        let name = self.name(name);
        [PROPERTY, u32::try_from(value.len()).unwrap_or(u32::MAX), name].into_iter().for_each(|word| self.word(word));
        self.structure.extend_from_slice(value);
        self.pad();
    }

    /// Writes a property without a value, which means something by being there.
    pub fn property_empty(&mut self, name: &str) {
        self.property(name, &[]);
    }

    /// Writes a property of one cell.
    pub fn property_u32(&mut self, name: &str, value: u32) {
        self.property(name, &value.to_be_bytes());
    }

    /// Writes a property of two cells, the more significant first.
    pub fn property_u64(&mut self, name: &str, value: u64) {
        self.property(name, &value.to_be_bytes());
    }

    /// Writes a property of cells.
    pub fn property_cells(&mut self, name: &str, cells: &[u32]) {
        let value: Vec<u8> = cells.iter().flat_map(|cell| cell.to_be_bytes()).collect();
        self.property(name, &value);
    }

    /// Writes a property of numbers that take two cells each, such as a `reg`.
    pub fn property_u64s(&mut self, name: &str, numbers: &[u64]) {
        let value: Vec<u8> = numbers.iter().flat_map(|number| number.to_be_bytes()).collect();
        self.property(name, &value);
    }

    /// Writes a property of one string.
    pub fn property_string(&mut self, name: &str, value: &str) {
        self.property_strings(name, &[value]);
    }

    /// Writes a property of strings.
    pub fn property_strings(&mut self, name: &str, values: &[&str]) {
        let value: Vec<u8> = values.iter().flat_map(|value| value.bytes().chain([0])).collect();
        self.property(name, &value);
    }

    /// Closes the nodes that are still open, and gives the tree.
    ///
    /// # Errors
    /// What was written is no tree: a bad name, a property behind a child, or too many bytes.
    pub fn finish(mut self) -> Result<Vec<u8>, FdtError> {
        while self.open > 0 {
            self.end_node();
        }
        self.word(END);
        self.reservations.resize(self.reservations.len() + 16, 0);
        let tree = assemble(&self.reservations, &self.structure, &self.strings, self.boot_cpu);
        Tree::new(&tree).map(|_| tree)
    }

    /// The offset of `name` in the strings block, where each name stands once.
    fn name(&mut self, name: &str) -> u32 {
        let mut offset = 0;
        for written in self.strings.split_inclusive(|byte| *byte == 0) {
            if written.strip_suffix(&[0]) == Some(name.as_bytes()) {
                break;
            }
            offset += written.len();
        }
        if offset == self.strings.len() {
            self.strings.extend_from_slice(name.as_bytes());
            self.strings.push(0);
        }
        u32::try_from(offset).unwrap_or(u32::MAX)
    }

    fn word(&mut self, word: u32) {
        self.structure.extend_from_slice(&word.to_be_bytes());
    }

    fn pad(&mut self) {
        self.structure.resize(self.structure.len().next_multiple_of(4), 0);
    }
}
