//! Lists of ranges of memory.

use crate::address::{PAGE_SIZE, Pa, Range};
use alloc::vec::Vec;
use core::fmt;

/// Takes every page that `hole` touches from the whole pages of `ranges`.
pub(super) fn subtract(ranges: &mut Vec<Range<Pa>>, hole: &Range<Pa>) {
    let hole_start = hole.start().get() & !(PAGE_SIZE - 1);
    // The first byte behind the hole; the last if that is the end of the address space, where no page of RAM is.
    let hole_end = hole.last().get() | (PAGE_SIZE - 1);
    let hole_end = hole_end.saturating_add(1);
    for range in core::mem::take(ranges) {
        // Ranges of RAM are whole pages below the last page of the address space.
        let (start, end) = (range.start().get(), range.last().get().saturating_add(1));
        for (start, end) in &[(start, end.min(hole_start)), (start.max(hole_end), end)] {
            let size = end.saturating_sub(*start);
            ranges.extend(Range::<Pa>::new(Pa::new(*start), size));
        }
    }
}

/// Bytes in all of `ranges`.
pub(super) fn total(ranges: &[Range<Pa>]) -> u64 {
    ranges.iter().fold(0, |total, range| total.saturating_add(range.size()))
}

/// Ranges as a message lists them: with commas between them.
pub(super) struct List<'r>(pub &'r [Range<Pa>]);

impl fmt::Display for List<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut before = "";
        for range in self.0 {
            write!(formatter, "{before}{range}")?;
            before = ", ";
        }
        formatter.write_str(if before.is_empty() { "none" } else { "" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(start: u64, size: u64) -> Range<Pa> {
        Range::<Pa>::new(Pa::new(start), size).unwrap()
    }

    #[test]
    fn a_hole_takes_every_page_that_it_touches() {
        let ram = [range(0x1000, 0x4000), range(0x8000, 0x1000)];
        let left = |hole| {
            let mut left = ram.to_vec();
            subtract(&mut left, &hole);
            left
        };
        assert_eq!(left(range(0x2fff, 2)), [range(0x1000, 0x1000), range(0x4000, 0x1000), ram[1]]);
        assert_eq!(left(range(0, 0x5000)), [ram[1]]);
        assert_eq!(left(range(0x5000, 0x3000)), ram);
        assert_eq!(left(range(0x4001, u64::MAX - 0x4001)), [range(0x1000, 0x3000)]);
        assert_eq!(total(&ram), 0x5000);
    }
}
