//! The machine's memory for guests, shared by all cores.

use alloc::vec::Vec;
use bulkhead_vmm::address::{Pa, Range};
use bulkhead_vmm::frames::Frames;
use bulkhead_vmm::lock::lock;
use spin::Mutex;

static FRAMES: Mutex<Frames> = Mutex::new(Frames::new());

/// Adds the whole frames of `free` memory. Called by the first core, with ranges that do not overlap.
pub fn add(free: Range<Pa>) {
    lock(&FRAMES).add(free);
}

/// `size` bytes in pieces, as [`Frames::allocate`] cuts them; `None` if there is not so much.
pub fn allocate(size: u64) -> Option<Vec<Range<Pa>>> {
    lock(&FRAMES).allocate(size)
}

/// Takes back pieces from [`allocate`].
pub fn free(pieces: &[Range<Pa>]) {
    let mut frames = lock(&FRAMES);
    pieces.iter().for_each(|piece| frames.add(*piece));
}
