//! Checks that report and go on: one line each, counted, with a verdict at the end.

use core::fmt::{Debug, Display};
use core::sync::atomic::{AtomicU32, Ordering};

use crate::{cpu, machine, println, psci};

static PASSED: AtomicU32 = AtomicU32::new(0);
static FAILED: AtomicU32 = AtomicU32::new(0);

/// Adds one to `counter`. Checks run on one vCPU at a time, so load and store do (and need no exclusives, which
/// are not promised to work while the MMU is off).
fn bump(counter: &AtomicU32) {
    counter.store(counter.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
}

/// Reports whether `seen` equals `expected`; if not, both are shown in hexadecimal.
pub fn equal<T: PartialEq<U> + Debug, U: Debug>(name: impl Display, seen: T, expected: U) {
    if seen == expected {
        passed(name);
    } else {
        failed(name, format_args!("expected {expected:x?} got {seen:x?}"));
    }
}

/// Reports whether `condition`, whose source text is `text`, holds.
pub fn holds(name: impl Display, condition: bool, text: &str) {
    if condition {
        passed(name);
    } else {
        failed(name, format_args!("expected {text} got false"));
    }
}

/// Counts and prints a success.
pub fn passed(name: impl Display) {
    bump(&PASSED);
    println!("check {name}: ok");
}

/// Counts and prints a failure; `what` reads `expected .. got ..`.
pub fn failed(name: impl Display, what: impl Display) {
    bump(&FAILED);
    println!("check {name}: FAILED {what}");
}

/// Prints the verdict and switches the machine off.
pub fn finish() -> ! {
    let (passed, failed) = (PASSED.load(Ordering::Relaxed), FAILED.load(Ordering::Relaxed));
    println!("guest: {passed} passed, {failed} failed");
    if failed == 0 { psci::system_off() } else { end_failed() }
}

/// Ends a guest that did not do what it should: switches the machine off, as its words tell the rest. With the word
/// `stay-if-failed` among the bootargs it stays on instead, for boards where only the end can be seen.
pub fn end_failed() -> ! {
    if machine::known().is_some_and(|machine| !machine.arguments.flag("stay-if-failed")) {
        psci::system_off()
    }
    loop {
        cpu::wait_for_interrupt();
    }
}

/// `expect!(name, condition)`: prints `check name: ok`, or FAILED with the condition's text, and goes on.
#[macro_export]
macro_rules! expect {
    ($name:expr, $condition:expr $(,)?) => {
        $crate::check::holds($name, $condition, stringify!($condition))
    };
}

/// `expect_eq!(name, seen, expected)`: prints `check name: ok`, or FAILED with both values, and goes on.
#[macro_export]
macro_rules! expect_eq {
    ($name:expr, $seen:expr, $expected:expr $(,)?) => {
        $crate::check::equal($name, $seen, $expected)
    };
}
