//! Samples and what is said of them.

use core::cell::UnsafeCell;

use arrayvec::ArrayString;
use bulkhead_guests::println;

/// Samples that there is room for.
const MAXIMUM: usize = 8192;

struct Store(UnsafeCell<[u64; MAXIMUM]>);

// SAFETY: only `take` uses it, on the boot vCPU, and what it returns borrows it until it is printed.
unsafe impl Sync for Store {}

static STORE: Store = Store(UnsafeCell::new([0; MAXIMUM]));

/// The samples of one operation, in ascending order.
pub struct Samples(&'static [u64]);

/// Runs `operation` `count` times and keeps what it returns.
///
/// # Panics
/// If `count` is zero or more than there is room for.
pub fn take(count: usize, mut operation: impl FnMut() -> u64) -> Samples {
    assert!((1..=MAXIMUM).contains(&count), "samples= is 1 to {MAXIMUM}");
    // SAFETY: see the `Sync` implementation.
    let store = unsafe { &mut (&mut *STORE.0.get())[..count] };
    store.iter_mut().for_each(|sample| *sample = operation());
    store.sort_unstable();
    Samples(store)
}

impl Samples {
    /// The smallest sample that `percent` of all do not exceed.
    fn percentile(&self, percent: usize) -> u64 {
        self.0[(self.0.len() * percent).div_ceil(100).max(1) - 1]
    }

    /// What is said of the operation `name`.
    pub fn line(&self, name: &str) -> Line {
        let name = ArrayString::from(name).expect("operations have short names");
        let maximum = self.0[self.0.len() - 1];
        Line { name, median: self.percentile(50), minimum: self.0[0], p99: self.percentile(99), maximum }
    }
}

/// What is said of an operation.
pub struct Line {
    name: ArrayString<40>,
    median: u64,
    minimum: u64,
    p99: u64,
    maximum: u64,
}

impl Line {
    /// Prints it.
    pub fn print(&self) {
        let Self { name, median, minimum, p99, maximum } = self;
        println!("bench {name} median={median} minimum={minimum} p99={p99} maximum={maximum}");
    }
}
