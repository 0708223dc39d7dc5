//! How a mistake in a tree is said.

use crate::fault::ConfigError;
use crate::fdt::{Node, Property};
use alloc::format;
use alloc::string::{String, ToString};

/// A value is said with at most this many bytes or cells.
const SHOWN: usize = 12;

/// The mistake that `node`'s property `name` is not what was `expected`. The value is taken from the node.
pub(super) fn mistake(node: &Node<'_>, name: &str, expected: impl Into<String>) -> ConfigError {
    let value = node.property(name).map_or_else(|| String::from("absent"), |property| show(&property));
    mistake_at(node.path(), name, value, expected)
}

/// The mistake that the value of `property` of the node at `node` is not what was `expected`.
pub(super) fn mistake_at(
    node: impl Into<String>,
    property: &str,
    value: impl Into<String>,
    expected: impl Into<String>,
) -> ConfigError {
    ConfigError { node: node.into(), property: property.into(), value: value.into(), expected: expected.into() }
}

/// The value of `property` as a device-tree source has it, cut short if it is long.
pub(super) fn show(property: &Property<'_>) -> String {
    if property.value.is_empty() {
        return "empty".into();
    }
    let text = property.strings().all(|text| !text.is_empty() && text.chars().all(|sign| !sign.is_control()));
    if text && property.value.ends_with(&[0]) {
        let strings: alloc::vec::Vec<String> = property.strings().map(|text| format!("\"{text}\"")).collect();
        return shorten(&strings, ", ");
    }
    match property.cells() {
        Some(cells) => format!(
            "<{}>",
            shorten(&cells.iter().map(|cell| format!("{cell:#x}")).collect::<alloc::vec::Vec<_>>(), " ")
        ),
        None => {
            let bytes: alloc::vec::Vec<String> = property.value.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("[{}]", shorten(&bytes, " "))
        }
    }
}

/// `parts` with `separator` between them; only the first few of many.
fn shorten(parts: &[String], separator: &str) -> String {
    match parts.get(..SHOWN) {
        Some(first) if parts.len() > SHOWN => format!("{}{separator}...", first.join(separator)),
        _ => parts.join(separator).to_string(),
    }
}
