//! Locking, for the many places that do so seldom.

use spin::{Mutex, MutexGuard};

/// Locks `mutex`: one call, where [`Mutex::lock`] puts its loop into each place. That is for locks taken at an exit.
#[inline(never)]
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock()
}
