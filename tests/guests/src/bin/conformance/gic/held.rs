//! Other vCPUs take their interrupts by polling, one by one, while the boot vCPU looks on.

use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use bulkhead_guests::interrupt;
use bulkhead_guests::smp::MAXIMUM;

use super::interface::{SPURIOUS, acknowledge, end, is_signalled};
use crate::crew;

/// Interrupts that one vCPU notes.
const MOST: usize = 40;

/// What a vCPU acknowledged, as its interface gave it: GICv2 with the source.
static TAKEN: [[AtomicU32; MOST]; MAXIMUM] = [const { [const { AtomicU32::new(0) }; MOST] }; MAXIMUM];
static COUNT: [AtomicUsize; MAXIMUM] = [const { AtomicUsize::new(0) }; MAXIMUM];
/// How many it waits for before it goes.
static WANTED: [AtomicUsize; MAXIMUM] = [const { AtomicUsize::new(0) }; MAXIMUM];

/// Has vCPU `index` acknowledge and end interrupts until it had `wanted` and no more are signalled.
pub fn take(index: usize, wanted: usize) {
    WANTED[index].store(wanted, Ordering::SeqCst);
    crew::ask(index, take_here);
}

/// What vCPU `index` took, in order.
pub fn taken(index: usize) -> Taken {
    crew::wait(index);
    let count = COUNT[index].load(Ordering::SeqCst).min(MOST);
    (0..count).map(|slot| TAKEN[index][slot].load(Ordering::SeqCst)).collect()
}

/// What [`taken`] gives.
pub type Taken = arrayvec::ArrayVec<u32, MOST>;

fn take_here(index: usize) {
    COUNT[index].store(0, Ordering::SeqCst);
    let wanted = WANTED[index].load(Ordering::SeqCst);
    while COUNT[index].load(Ordering::SeqCst) < wanted || is_signalled() {
        take_one(index);
    }
}

fn take_one(index: usize) {
    let gic = interrupt::controller();
    let value = acknowledge(gic);
    if value & 0x3ff == SPURIOUS {
        return;
    }
    end(gic, value);
    if value & 0x3ff != crew::WAKE {
        let slot = COUNT[index].fetch_add(1, Ordering::SeqCst);
        TAKEN[index].get(slot).inspect(|place| place.store(value, Ordering::SeqCst));
    }
}
