//! Lists of ranges of memory.

use crate::address::{PAGE_SIZE, Pa, Range};
use alloc::vec::Vec;

/// What is left of the whole pages of `ranges` without any page that `hole` touches.
pub(super) fn subtract(ranges: &[Range<Pa>], hole: &Range<Pa>) -> Vec<Range<Pa>> {
    let hole_start = hole.start().get() & !(PAGE_SIZE - 1);
    // The first byte behind the hole; `None` if that is the end of the address space.
    let hole_end = hole.last().get().checked_add(1).and_then(|end| end.checked_next_multiple_of(PAGE_SIZE));
    let piece = |start: u64, end: u64| Range::<Pa>::new(Pa::new(start), end.checked_sub(start)?);
    let mut left = Vec::with_capacity(ranges.len() + 1);
    for range in ranges {
        // Ranges of RAM are whole pages below the last page of the address space.
        let (start, end) = (range.start().get(), range.last().get().saturating_add(1));
        left.extend(piece(start, end.min(hole_start)));
        left.extend(hole_end.and_then(|hole_end| piece(start.max(hole_end), end)));
    }
    left
}

/// Bytes in all of `ranges`.
pub(super) fn total(ranges: &[Range<Pa>]) -> u64 {
    ranges.iter().fold(0, |total, range| total.saturating_add(range.size()))
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
        assert_eq!(subtract(&ram, &range(0x2fff, 2)), [range(0x1000, 0x1000), range(0x4000, 0x1000), ram[1]]);
        assert_eq!(subtract(&ram, &range(0, 0x5000)), [ram[1]]);
        assert_eq!(subtract(&ram, &range(0x5000, 0x3000)), ram);
        assert_eq!(subtract(&ram, &range(0x4001, u64::MAX - 0x4001)), [range(0x1000, 0x3000)]);
        assert_eq!(total(&ram), 0x5000);
    }
}
