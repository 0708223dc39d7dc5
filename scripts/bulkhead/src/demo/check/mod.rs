//! `demo --check`: drives the board by what it prints, and judges from the raw logs alone.

mod config;
mod evidence;
mod focus;
mod isolation;
mod linux_shell;
mod movable;
mod periods;
mod quiet;
mod rtos_shell;
mod run;
mod survive;

pub use evidence::Evidence;
pub use run::{Options, named, run};

use super::board::Change;
use super::session::{Session, Stopped};
use std::fmt;

/// A claim that the demo proves.
pub struct Check {
    /// Its name.
    pub name: &'static str,
    /// What it claims.
    pub claim: &'static str,
    /// How `--break` sabotages it.
    pub sabotage: &'static str,
    /// The configuration's changes if it is sabotaged.
    changes: fn() -> Vec<Change>,
    /// Makes the board do what is judged.
    drive: fn(&mut Driver) -> Result<(), Stopped>,
    /// What the raw logs prove, in words.
    judge: fn(&Evidence) -> Result<String, Mismatch>,
}

/// Every check, in the order in which they are driven.
pub static CHECKS: [Check; 8] = [
    linux_shell::CHECK,
    rtos_shell::CHECK,
    focus::CHECK,
    periods::CHECK,
    isolation::CHECK,
    survive::CHECK,
    quiet::CHECK,
    movable::CHECK,
];

/// What a driver works with.
pub struct Driver {
    /// The board.
    pub session: Session,
    /// What nobody could have printed before this run.
    pub nonce: String,
    /// Whether the check is to be sabotaged.
    pub broken: bool,
}

/// What a check claims, and what is so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// What was expected.
    pub expected: String,
    /// What was seen.
    pub seen: String,
}

impl Mismatch {
    /// Expected this, and saw that.
    pub fn new(expected: impl Into<String>, seen: impl Into<String>) -> Self {
        Self { expected: expected.into(), seen: seen.into() }
    }
}

impl From<Stopped> for Mismatch {
    fn from(stopped: Stopped) -> Self {
        Self { expected: stopped.awaited, seen: stopped.seen }
    }
}

/// A log that cannot be read as it should be.
impl From<String> for Mismatch {
    fn from(seen: String) -> Self {
        Self::new("a log of everything that was typed and answered", seen)
    }
}

/// In one line, whatever was seen.
impl fmt::Display for Mismatch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seen: Vec<&str> = self.seen.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        write!(formatter, "expected {}, seen {}", self.expected, seen.join(" / "))
    }
}

/// Nothing if it is `so`.
fn expect(so: bool, expected: impl Into<String>, seen: impl Into<String>) -> Result<(), Mismatch> {
    if so { Ok(()) } else { Err(Mismatch::new(expected, seen)) }
}
