//! From the firmware's hands to `main`: entry.s, the MMU, and what the firmware told us.

pub mod image;
mod tree;

use crate::{CORES, mmu};
use core::arch::global_asm;
use core::cell::UnsafeCell;
use core::mem::MaybeUninit;
use core::ops::Range;
pub use tree::{TreeError, firmware_tree, packed_tree};

/// Bytes from one core's stack to the next: a guard page, then the stack. Unoptimised frames are several times larger.
const STACK_STRIDE: usize = if cfg!(debug_assertions) { 128 } else { 16 } * 1024;
const GUARD: usize = 4096;
/// Bytes of the emergency stack, with its guard page.
const EMERGENCY_STACK_SIZE: usize = GUARD + if cfg!(debug_assertions) { 32 } else { 8 } * 1024;
/// Bytes from `stacks` to the emergency stack's end, a multiple of a page.
pub(crate) const EMERGENCY_STACK_TOP: usize = size_of::<Stacks>();

global_asm!(include_str!("entry.s"), stack_stride = const STACK_STRIDE, cores = const CORES);

/// The stacks of all cores, and after them the emergency stack. Only assembly and the stack pointers reach into it.
#[repr(C, align(4096))]
struct Stacks {
    cores: UnsafeCell<MaybeUninit<[[u8; STACK_STRIDE]; CORES]>>,
    /// Where an exception of our own is reported from: the stack in use may be what broke. Shared by all cores,
    /// because the report ends the machine.
    emergency: UnsafeCell<MaybeUninit<[u8; EMERGENCY_STACK_SIZE]>>,
}

// SAFETY: Rust code takes only addresses in it, never a reference to its bytes.
unsafe impl Sync for Stacks {}

#[unsafe(export_name = "stacks")]
#[unsafe(link_section = ".stacks")]
static STACKS: Stacks =
    Stacks { cores: UnsafeCell::new(MaybeUninit::uninit()), emergency: UnsafeCell::new(MaybeUninit::uninit()) };

/// The page below each core's stack, and below the emergency stack, which follows the last.
pub(crate) fn stack_guards() -> impl Iterator<Item = u64> {
    let base = STACKS.cores.get() as u64;
    (0..=CORES).map(move |core| base + (core * STACK_STRIDE) as u64)
}

/// What lies from `address` up in the stack of some core, of which the page below is no part: words of 8 bytes.
/// Nothing, where `address` lies elsewhere.
pub(crate) fn stack_from(address: u64) -> Range<u64> {
    let base = STACKS.cores.get() as u64;
    let offset = address.wrapping_sub(base) as usize;
    if offset >= CORES * STACK_STRIDE {
        return 0..0;
    }
    let guard = base + (offset - offset % STACK_STRIDE) as u64;
    address.next_multiple_of(8).max(guard + GUARD as u64)..guard + STACK_STRIDE as u64
}

unsafe extern "Rust" {
    // The three stories that the image tells, given by `entry!`.
    safe fn bulkhead_primary(tree: u64) -> !;
    safe fn bulkhead_secondary(core: usize) -> !;
    safe fn bulkhead_below_el2(tree: u64) -> !;
}

/// Names the functions that go on after the boot: on the first core (it gets the physical address at which the
/// firmware says that the tree is), on each further one (it gets its index), and at EL1, where nothing can be
/// done but say so.
#[macro_export]
macro_rules! entry {
    (primary = $primary:path, secondary = $secondary:path, below_el2 = $below:path) => {
        #[unsafe(no_mangle)]
        fn bulkhead_primary(tree: u64) -> ! {
            $primary(tree)
        }
        #[unsafe(no_mangle)]
        fn bulkhead_secondary(core: usize) -> ! {
            $secondary(core)
        }
        #[unsafe(no_mangle)]
        fn bulkhead_below_el2(tree: u64) -> ! {
            $below(tree)
        }
    };
}

/// The first core, from entry.s, with the MMU off.
#[unsafe(no_mangle)]
extern "C" fn boot_primary(tree: u64) -> ! {
    mmu::map_image();
    // SAFETY: the image has just been mapped.
    unsafe { mmu::enable_el2(&mmu::Registers::for_el2()) };
    crate::vectors::install();
    bulkhead_primary(tree)
}

/// A further core, from entry.s, with the MMU on.
#[unsafe(no_mangle)]
extern "C" fn boot_secondary(core: usize) -> ! {
    crate::vectors::install();
    bulkhead_secondary(core)
}

/// Entered at EL1, from entry.s, with the MMU off.
#[unsafe(no_mangle)]
extern "C" fn boot_below_el2(tree: u64) -> ! {
    mmu::map_image();
    // SAFETY: the image has just been mapped.
    unsafe { mmu::enable_el1(&mmu::Registers::for_el1()) };
    bulkhead_below_el2(tree)
}
