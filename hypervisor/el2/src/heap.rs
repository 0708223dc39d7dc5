//! EL2's small heap: a fixed part of the image, not zeroed. It never holds anything of a guest's.

use buddy_system_allocator::LockedHeap;
use core::cell::UnsafeCell;
use core::mem::MaybeUninit;

/// Bytes in the heap. The largest user is the copy of the firmware's tree while the machine boots.
const SIZE: usize = 256 * 1024;

#[repr(C, align(4096))]
struct Memory(UnsafeCell<MaybeUninit<[u8; SIZE]>>);

// SAFETY: only the allocator, which locks, hands out parts of it.
unsafe impl Sync for Memory {}

// The last of the image: of it only the start is near the code that takes its address.
#[unsafe(link_section = ".heap")]
static MEMORY: Memory = Memory(UnsafeCell::new(MaybeUninit::uninit()));

#[global_allocator]
static HEAP: LockedHeap<20> = LockedHeap::empty();

/// Makes the heap usable. Called once, by the first core, before anything allocates.
pub fn init() {
    // SAFETY: the memory is the heap's alone, and this is called once.
    unsafe { HEAP.lock().init(MEMORY.0.get() as usize, SIZE) };
}

/// Bytes that are allocated now, rounding by the allocator included.
pub fn in_use() -> usize {
    HEAP.lock().stats_alloc_actual()
}
