//! Free memory of the machine: frames of 4 KiB, kept in a list outside of them.

use crate::address::{PAGE_SIZE, Pa, Range};
use alloc::vec::Vec;

/// Free frames. A VM takes and gives back few large pieces, so a list that is searched whole is short.
#[derive(Debug, Default)]
pub struct Frames {
    /// First frame of each stretch and the frame behind it, in any order and never side by side. There are less than
    /// 2^52 frames.
    free: Vec<(u64, u64)>,
}

impl Frames {
    /// No frame.
    pub const fn new() -> Self {
        Self { free: Vec::new() }
    }

    /// Adds the whole frames of `range`, none of which is free already.
    pub fn add(&mut self, range: Range<Pa>) {
        let first = range.start().get().div_ceil(PAGE_SIZE);
        // The space has 2^64 bytes, so the byte behind its last is not to be counted.
        let end = range.last().get() / PAGE_SIZE + u64::from(range.last().get() % PAGE_SIZE == PAGE_SIZE - 1);
        if first < end {
            self.insert(first, end);
        }
    }

    fn insert(&mut self, mut first: u64, mut end: u64) {
        let mut place = 0;
        while let Some(stretch) = self.free.get(place).copied() {
            if stretch.1 == first {
                first = stretch.0;
            } else if stretch.0 == end {
                end = stretch.1;
            } else {
                place += 1;
                continue;
            }
            self.remove(place);
        }
        self.free.push((first, end));
    }

    /// Removes the stretch at `place`; the last takes it.
    fn remove(&mut self, place: usize) {
        let last = self.free.pop().unwrap_or_default();
        if let Some(stretch) = self.free.get_mut(place) {
            *stretch = last;
        }
    }

    /// `size` bytes (rounded up to frames) in naturally aligned pieces, largest first; `None` if there is not so
    /// much. A size that is no power of two takes no more than it says, and a piece that is not to be had is taken
    /// as two halves.
    pub fn allocate(&mut self, size: u64) -> Option<Vec<Range<Pa>>> {
        let mut pieces = Vec::new();
        let mut frames = size.div_ceil(PAGE_SIZE);
        let mut largest = u64::MAX;
        while frames > 0 {
            let wanted = largest.min(1 << frames.ilog2());
            match self.take(wanted) {
                Some(piece) => {
                    pieces.push(piece);
                    frames -= wanted;
                }
                None if wanted > 1 => largest = wanted / 2,
                None => {
                    pieces.iter().for_each(|piece| self.add(*piece));
                    return None;
                }
            }
        }
        Some(pieces)
    }

    /// `count` frames, a power of two, aligned to themselves, out of the shortest stretch that has them, and of several
    /// the lowest.
    fn take(&mut self, count: u64) -> Option<Range<Pa>> {
        let mut best: Option<(usize, u64, u64)> = None;
        for (place, (first, end)) in self.free.iter().enumerate() {
            let fits = align(*first, count) + count <= *end;
            let better = best.is_none_or(|(_, low, high)| (end - first, *first) < (high - low, low));
            if fits && better {
                best = Some((place, *first, *end));
            }
        }
        let (place, first, end) = best?;
        let start = align(first, count);
        self.remove(place);
        for (first, end) in [(first, start), (start + count, end)] {
            if first < end {
                self.free.push((first, end));
            }
        }
        Range::<Pa>::new(Pa::new(start * PAGE_SIZE), count * PAGE_SIZE)
    }
}

/// The first multiple of `count`, a power of two, from `frame` on.
fn align(frame: u64, count: u64) -> u64 {
    (frame + count - 1) & !(count - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(start: u64, size: u64) -> Range<Pa> {
        Range::<Pa>::new(Pa::new(start), size).unwrap()
    }

    fn free(mut frames: Frames) -> Vec<(u64, u64)> {
        frames.free.sort();
        frames.free
    }

    fn frames(ranges: &[Range<Pa>]) -> Frames {
        let mut frames = Frames::new();
        ranges.iter().for_each(|range| frames.add(*range));
        frames
    }

    #[test]
    fn only_whole_frames_are_added() {
        assert!(frames(&[range(0x1001, 0x1ffe)]).free.is_empty());
        assert_eq!(frames(&[range(0x1001, 0x1fff)]).free, [(2, 3)]);
        assert_eq!(frames(&[range(u64::MAX - 0xfff, 0x1000)]).free, [(u64::MAX >> 12, 1 << 52)]);
    }

    #[test]
    fn neighbours_become_one_stretch_in_any_order() {
        let parts = [range(0x3000, 0x1000), range(0x1000, 0x1000), range(0x6000, 0x1000), range(0x2000, 0x1000)];
        assert_eq!(free(frames(&parts)), [(1, 4), (6, 7)]);
    }

    #[test]
    fn pieces_are_aligned_to_themselves_largest_first() {
        let mut frames = frames(&[range(0x4010_0000, 0x1000_0000)]);
        let pieces = frames.allocate(0x0140_3000).unwrap();
        let sizes: Vec<_> = pieces.iter().map(|piece| piece.size()).collect();
        assert_eq!(sizes, [0x100_0000, 0x40_0000, 0x2000, 0x1000]);
        assert!(pieces.iter().all(|piece| piece.start().is_aligned(piece.size())));
        pieces.iter().for_each(|piece| frames.add(*piece));
        assert_eq!(free(frames), [(0x40100, 0x50100)]);
    }

    #[test]
    fn a_piece_that_is_not_to_be_had_is_taken_as_halves() {
        let mut frames = frames(&[range(0x1000, 0x1000), range(0x3000, 0x2000)]);
        assert_eq!(frames.allocate(0x2000).unwrap(), [range(0x1000, 0x1000), range(0x3000, 0x1000)]);
        assert_eq!(frames.free, [(4, 5)]);
    }

    #[test]
    fn what_is_not_there_leaves_everything_free() {
        let mut frames = frames(&[range(0x1000, 0x7000)]);
        assert_eq!(frames.allocate(0x8000), None);
        assert_eq!(frames.free, [(1, 8)]);
        assert_eq!(frames.allocate(0), Some(Vec::new()));
    }

    #[test]
    fn all_that_is_free_is_to_be_had_however_it_was_cut() {
        let mut frames = frames(&[range(0x4000_0000, 0x800_0000)]);
        let mut held: Vec<Vec<Range<Pa>>> = Vec::new();
        for step in 0..2000u64 {
            // A fixed sequence: sizes of 1 to 512 frames, given back in another order.
            let size = (step * 7919 % 512 + 1) * PAGE_SIZE;
            held.extend(frames.allocate(size));
            if step % 3 == 0 {
                let place = usize::try_from(step).unwrap() * 31 % held.len();
                held.swap_remove(place).iter().for_each(|piece| frames.add(*piece));
            }
            let taken: u64 = held.iter().flatten().map(|piece| piece.size()).sum();
            let free: u64 = frames.free.iter().map(|(first, end)| (end - first) * PAGE_SIZE).sum();
            assert_eq!(taken + free, 0x800_0000);
        }
        held.iter().flatten().for_each(|piece| frames.add(*piece));
        assert_eq!(free(frames), [(0x40000, 0x48000)]);
    }
}
