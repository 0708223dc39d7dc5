//! Changes of the configuration, by which checks are sabotaged.

use crate::demo::board::Change;

/// None.
pub fn unchanged() -> Vec<Change> {
    Vec::new()
}

/// A property of one or more cells.
pub fn cells(vm: &'static str, property: &'static str, cells: &[u32]) -> Change {
    Change { vm, property, value: cells.iter().flat_map(|cell| cell.to_be_bytes()).collect() }
}

/// A property that is a string.
pub fn text(vm: &'static str, property: &'static str, text: &str) -> Change {
    Change { vm, property, value: [text.as_bytes(), &[0]].concat() }
}
