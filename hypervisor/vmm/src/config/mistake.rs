//! How a mistake in a tree is said.

use crate::fault::ConfigError;
use crate::fdt::{Node, Property};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// A value is said with at most this many cells, bytes or strings,
const SHOWN: usize = 12;
/// of at most so many characters.
const SHOWN_LENGTH: usize = 160;

// Both are kept out of line: they are called from everywhere, and mistakes are rare.

/// The mistake that `node`'s property `name` is not what was `expected`. The value is taken from the node.
#[cold]
#[inline(never)]
pub(super) fn mistake(node: &Node<'_>, name: &str, expected: &str) -> ConfigError {
    let value = node.property(name).map_or_else(|| String::from("absent"), |property| show(&property));
    mistake_at(&node.path(), name, &value, expected)
}

/// The mistake that the value of `property` of the node at `node` is not what was `expected`.
#[cold]
#[inline(never)]
pub(super) fn mistake_at(node: &str, property: &str, value: &str, expected: &str) -> ConfigError {
    ConfigError::new(node, property, value, expected)
}

/// The value of `property` as a device-tree source has it, cut short if it is long.
fn show(property: &Property<'_>) -> String {
    if property.value.is_empty() {
        return "empty".into();
    }
    if is_text(property.value) {
        return shorten(property.strings().map(|text| format!("\"{text}\"")), ", ");
    }
    match property.cells() {
        Some(cells) => format!("<{}>", shorten(cells.iter().map(|cell| format!("{cell:#x}")), " ")),
        None => format!("[{}]", shorten(property.value.iter().map(|byte| format!("{byte:02x}")), " ")),
    }
}

/// Whether `value` is strings, none of them empty or strange.
fn is_text(value: &[u8]) -> bool {
    let strings = value.strip_suffix(&[0]).map(|text| text.split(|byte| *byte == 0));
    let good = |text: &[u8]| !text.is_empty() && text.iter().all(|sign| sign.is_ascii_graphic() || *sign == b' ');
    strings.is_some_and(|mut strings| strings.all(good))
}

/// `parts` with `separator` between them; only the first few of many.
fn shorten(parts: impl Iterator<Item = String>, separator: &str) -> String {
    let mut parts: Vec<String> = parts.take(SHOWN + 1).collect();
    if let Some(last) = parts.get_mut(SHOWN) {
        *last = String::from("...");
    }
    let joined = parts.join(separator);
    match joined.split_at_checked(SHOWN_LENGTH) {
        Some((first, rest)) if !rest.is_empty() => format!("{first}..."),
        _ => joined,
    }
}
