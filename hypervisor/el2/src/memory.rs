//! The machine's memory for guests: frames of 4 KiB, by a buddy allocator that keeps its lists outside of them.

use alloc::vec::Vec;
use buddy_system_allocator::FrameAllocator;
use bulkhead_vmm::address::{PAGE_SIZE, Pa, Range};
use spin::Mutex;

/// Orders of the allocator: the largest piece is 2^32 frames.
const ORDERS: usize = 33;

static FRAMES: Mutex<FrameAllocator<ORDERS>> = Mutex::new(FrameAllocator::new());

fn frame(address: u64) -> usize {
    (address / PAGE_SIZE) as usize
}

/// Adds the whole frames of `free` memory. Called by the first core, with ranges that do not overlap.
pub fn add(free: Range<Pa>) {
    let first = free.start().get().div_ceil(PAGE_SIZE) as usize;
    let end = frame(free.start().get() + free.size());
    if first < end {
        FRAMES.lock().add_frame(first, end);
    }
}

/// `size` bytes (rounded up to frames) in naturally aligned pieces, largest first; `None` if there is not so
/// much. A size that is no power of two takes no more than it says, and a piece that is not to be had is taken
/// as two halves.
pub fn allocate(size: u64) -> Option<Vec<Range<Pa>>> {
    let mut pieces = Vec::new();
    let mut frames = size.div_ceil(PAGE_SIZE) as usize;
    let mut largest = usize::MAX;
    while frames > 0 {
        let wanted = largest.min(1 << frames.ilog2());
        let found = FRAMES.lock().alloc(wanted);
        match found {
            Some(first) => {
                pieces.push(piece(first, wanted));
                frames -= wanted;
            }
            None if wanted > 1 => largest = wanted / 2,
            None => {
                free(&pieces);
                return None;
            }
        }
    }
    Some(pieces)
}

fn piece(first: usize, frames: usize) -> Range<Pa> {
    let (start, size) = (first as u64 * PAGE_SIZE, frames as u64 * PAGE_SIZE);
    Range::<Pa>::new(Pa::new(start), size).expect("the allocator's frames do not wrap")
}

/// Takes back pieces from [`allocate`].
pub fn free(pieces: &[Range<Pa>]) {
    for piece in pieces {
        FRAMES.lock().dealloc(frame(piece.start().get()), frame(piece.size()));
    }
}
