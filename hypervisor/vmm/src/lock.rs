//! Locking, for the many places that do so seldom.

use spin::{Mutex, MutexGuard};

/// Locks `mutex`: one call, where [`Mutex::lock`] puts its loop into each place. That is for locks taken at an exit.
#[inline(never)]
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Hidden from the compiler, which would make a copy of this for each static that is locked.
    core::hint::black_box(mutex).lock()
}
