//! A spin lock and a write-once cell.

use core::cell::UnsafeCell;
use core::hint::spin_loop;
use core::sync::atomic::{AtomicBool, Ordering};

use crate::smp;

/// Mutual exclusion between vCPUs. Interrupts stay enabled: interrupt handlers must not lock.
pub struct SpinLock {
    taken: AtomicBool,
}

impl SpinLock {
    /// A free lock.
    pub const fn new() -> Self {
        Self { taken: AtomicBool::new(false) }
    }

    /// Runs `body` with the lock held. While only one vCPU has ever run nothing is locked, so that guests with
    /// their MMU off need no exclusive accesses.
    pub fn with<R>(&self, body: impl FnOnce() -> R) -> R {
        if !smp::started() {
            return body();
        }
        while self.taken.swap(true, Ordering::Acquire) {
            spin_loop();
        }
        let result = body();
        self.taken.store(false, Ordering::Release);
        result
    }
}

impl Default for SpinLock {
    fn default() -> Self {
        Self::new()
    }
}

/// A value set once by the boot vCPU before any other runs.
pub struct SetOnce<T> {
    set: AtomicBool,
    value: UnsafeCell<Option<T>>,
}

// SAFETY: the value is written once, before `set`, by `set()`'s caller; afterwards it is only read.
unsafe impl<T: Sync + Send> Sync for SetOnce<T> {}

impl<T> SetOnce<T> {
    /// An empty cell.
    pub const fn new() -> Self {
        Self { set: AtomicBool::new(false), value: UnsafeCell::new(None) }
    }

    /// Fills the cell.
    ///
    /// # Panics
    /// If it is full already.
    pub fn set(&'static self, value: T) -> &'static T {
        assert!(!self.set.load(Ordering::Acquire), "set twice");
        // SAFETY: `set` is false, so no reference to the value exists; only the boot vCPU gets here.
        unsafe { *self.value.get() = Some(value) };
        self.set.store(true, Ordering::Release);
        self.get().expect("just set")
    }

    /// The value, if it was set.
    pub fn get(&'static self) -> Option<&'static T> {
        if !self.set.load(Ordering::Acquire) {
            return None;
        }
        // SAFETY: `set` was seen true, so the value is written and never changes again.
        unsafe { (*self.value.get()).as_ref() }
    }
}

impl<T> Default for SetOnce<T> {
    fn default() -> Self {
        Self::new()
    }
}
