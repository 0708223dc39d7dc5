//! How a mistake in a tree is said, and how the commonest kinds of property are read.

use crate::fault::ConfigError;
use crate::fdt::Node;
use alloc::vec::Vec;
use core::fmt::{self, Write};

/// Mistakes that were found, in order.
pub(super) type Mistakes = Vec<ConfigError>;

/// Of a value so many bytes are said at most: 16 cells.
const SHOWN: usize = 64;

/// Notes that `node`'s property `name` is not what was `expected`. The value is taken from the node.
#[cold]
#[inline(never)]
pub(super) fn mistake(mistakes: &mut Mistakes, node: &Node<'_>, name: &str, expected: fmt::Arguments<'_>) {
    let value = Value(node.property(name).map(|property| property.value));
    mistakes.push(ConfigError::new(&node.path(), name, format_args!("{value}"), expected));
}

/// Notes that something at the path `node` is not there: `what` says how it is.
#[cold]
#[inline(never)]
pub(super) fn missing(mistakes: &mut Mistakes, node: &str, what: &str, expected: &str) {
    mistakes.push(ConfigError::new(node, "", format_args!("{what}"), format_args!("{expected}")));
}

/// Warns of every property of `node` that is not among `known`.
pub(super) fn warn_of_unknown(warnings: &mut Mistakes, node: &Node<'_>, known: &[&str]) {
    for (name, _) in node.properties() {
        if !known.contains(&name) {
            let expected = format_args!("a property that is known: this one has no effect");
            mistake(warnings, node, name, expected);
        }
    }
}

/// The string in `node`'s property `name`, if that is exactly one.
pub(super) fn text<'t>(node: &Node<'t>, name: &'static str) -> Option<&'t str> {
    node.property(name)?.string()
}

/// The number in the one or two cells of `node`'s property `name`, if that is there. One that is no multiple of
/// `multiple` is a mistake.
pub(super) fn number(
    mistakes: &mut Mistakes,
    node: &Node<'_>,
    name: &'static str,
    multiple: u64,
    expected: &str,
) -> Option<u64> {
    let number = node.property(name)?.number().filter(|number| number % multiple == 0);
    if number.is_none() {
        mistake(mistakes, node, name, format_args!("{expected}"));
    }
    number
}

/// The value of a property as a device-tree source has it, cut short if it is long.
struct Value<'v>(Option<&'v [u8]>);

impl fmt::Display for Value<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(value) = self.0 else { return formatter.write_str("absent") };
        let (shown, rest) = value.split_at_checked(SHOWN).unwrap_or((value, &[]));
        if value.is_empty() {
            formatter.write_str("empty")?;
        } else if is_text(value) {
            show_text(formatter, shown)?;
        } else if value.len().is_multiple_of(4) {
            show_numbers(formatter, shown, 4)?;
        } else {
            show_numbers(formatter, shown, 1)?;
        }
        formatter.write_str(if rest.is_empty() { "" } else { "..." })
    }
}

/// Whether `value` is strings, none of them empty or strange.
fn is_text(value: &[u8]) -> bool {
    let mut previous = 0;
    for byte in value {
        if !matches!(byte, b' '..=b'~') && (*byte != 0 || previous == 0) {
            return false;
        }
        previous = *byte;
    }
    previous == 0
}

fn show_text(formatter: &mut fmt::Formatter<'_>, text: &[u8]) -> fmt::Result {
    let mut quote = "\"";
    for byte in text {
        if *byte == 0 {
            formatter.write_str("\"")?;
            quote = ", \"";
            continue;
        }
        formatter.write_str(core::mem::take(&mut quote))?;
        formatter.write_char(char::from(*byte))?;
    }
    Ok(())
}

/// Cells of 4 bytes or single bytes.
fn show_numbers(formatter: &mut fmt::Formatter<'_>, value: &[u8], width: usize) -> fmt::Result {
    let mut before = if width == 4 { '<' } else { '[' };
    for bytes in value.chunks(width) {
        let number = bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
        formatter.write_char(core::mem::replace(&mut before, ' '))?;
        if width == 4 { write!(formatter, "{number:#x}") } else { write!(formatter, "{number:02x}") }?;
    }
    formatter.write_str(if width == 4 { ">" } else { "]" })
}
