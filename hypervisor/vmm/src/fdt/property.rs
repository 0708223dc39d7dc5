//! A property's value and the ways to read it (Devicetree Specification 0.4 2.2.4). All are total.

use alloc::vec::Vec;

/// The value of a node's property.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Property<'t> {
    /// Its bytes.
    pub value: &'t [u8],
}

impl<'t> Property<'t> {
    /// The value if it is exactly one cell.
    pub fn u32(&self) -> Option<u32> {
        self.number().filter(|_| self.value.len() == 4).and_then(|number| u32::try_from(number).ok())
    }

    /// The value if it is exactly two cells, the more significant first.
    pub fn u64(&self) -> Option<u64> {
        self.number().filter(|_| self.value.len() == 8)
    }

    /// The value if it is exactly one or two cells.
    pub fn number(&self) -> Option<u64> {
        if matches!(self.value.len(), 4 | 8) { Some(big_endian(self.value)) } else { None }
    }

    /// The value as cells; `None` if it is no whole number of them.
    pub fn cells(&self) -> Option<Vec<u32>> {
        let (words, rest) = self.value.as_chunks();
        let cells = words.iter().map(|word: &[u8; 4]| cell(word)).collect();
        if rest.is_empty() { Some(cells) } else { None }
    }

    /// The value if it is exactly one string.
    pub fn string(&self) -> Option<&'t str> {
        let text = before(self.value, 0);
        if text.len() + 1 == self.value.len() { core::str::from_utf8(text).ok() } else { None }
    }

    /// The value as a list of strings; those that are not UTF-8 are left out.
    pub fn strings(&self) -> impl Iterator<Item = &'t str> + use<'t> {
        self.texts().filter_map(|text| core::str::from_utf8(text).ok())
    }

    /// The same with those that are not UTF-8.
    pub(super) fn texts(&self) -> impl Iterator<Item = &'t [u8]> + use<'t> {
        let mut rest = self.value;
        core::iter::from_fn(move || {
            let text = before(rest, 0);
            let there = !rest.is_empty();
            rest = rest.get(text.len() + 1..).unwrap_or_default();
            there.then_some(text)
        })
    }
}

/// What stands before the first `sign` in `bytes`, or all.
pub(crate) fn before(bytes: &[u8], sign: u8) -> &[u8] {
    let end = bytes.iter().position(|byte| *byte == sign);
    end.and_then(|end| bytes.get(..end)).unwrap_or(bytes)
}

/// What follows `start`, which is not empty, in `text` if that begins with it. Most differ in the first byte.
#[inline(always)]
pub(super) fn behind<'t>(text: &'t [u8], start: &[u8]) -> Option<&'t [u8]> {
    if text.first() == start.first() { text.strip_prefix(start) } else { None }
}

/// The number that `bytes`, at most 8, stand for, the most significant first.
fn big_endian(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// The cell that the four `bytes` stand for. A loop, because a whole word may not be read where it is misaligned.
pub(super) fn cell(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |number, byte| number << 8 | u32::from(*byte))
}

/// Takes a number of `width` cells off the beginning of `value`. `None` if it is wider than 64 bits, or ends too early.
pub(super) fn take_number(value: &mut &[u8], width: u32) -> Option<u64> {
    let (number, rest) = value.split_at_checked(width as usize * 4)?;
    *value = rest;
    if number.len() <= 8 { Some(big_endian(number)) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn property(value: &[u8]) -> Property<'_> {
        Property { value }
    }

    #[test]
    fn a_value_of_another_shape_is_none() {
        assert_eq!(property(&[0, 0, 0, 5]).u32(), Some(5));
        assert_eq!(property(&[0, 0, 0, 5, 0]).u32(), None);
        assert_eq!(property(&[0, 0, 0, 1, 0, 0, 0, 2]).number(), Some(1 << 32 | 2));
        assert_eq!(property(&[1, 2, 3]).cells(), None);
        assert_eq!(property(b"text\0").string(), Some("text"));
        for text in [&b"text"[..], b"", b"two\0strings\0", b"\xff\0"] {
            assert_eq!(property(text).string(), None, "{text:?}");
        }
    }

    #[test]
    fn strings_are_listed_in_order() {
        assert!(property(b"arm,pl011\0arm,primecell\0").strings().eq(["arm,pl011", "arm,primecell"]));
        assert!(property(b"cut short").strings().eq(["cut short"]));
    }
}
