//! The committed costs that a change is held against.

use super::results::{Cost, Results};
use crate::{Result, workspace};
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

/// Percent by which a cost may exceed the baseline: compilers differ by as much.
const TOLERANCE: u64 = 2;

/// Medians by operation, by board.
type Medians = BTreeMap<String, BTreeMap<String, u64>>;

/// A median that is not what it was.
pub struct Change {
    board: String,
    operation: String,
    before: u64,
    now: u64,
}

impl Change {
    /// Whether it grew by more than is allowed.
    pub fn is_too_much(&self) -> bool {
        self.now * 100 > self.before * (100 + TOLERANCE)
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { board, operation, before, now } = self;
        write!(f, "{board}/{operation}: {now} instructions, {before} before")
    }
}

/// Every operation whose median differs from that of `before`, where it has one.
pub fn changes(results: &Results, before: &Results) -> Vec<Change> {
    let all =
        results.boards.iter().flat_map(|(board, costs)| costs.iter().map(move |(name, cost)| (board, name, cost)));
    all.filter_map(|(board, operation, cost)| {
        let (before, now) = (before.get(board, operation)?.median, cost.median);
        (before != now).then(|| Change { board: board.clone(), operation: operation.clone(), before, now })
    })
    .collect()
}

/// Every operation of `before` that was not measured, as a sentence.
pub fn missing(results: &Results, before: &Results) -> Vec<String> {
    let all = before.boards.iter().flat_map(|(board, costs)| costs.keys().map(move |operation| (board, operation)));
    let missing = all.filter(|(board, operation)| results.get(board, operation).is_none());
    missing.map(|(board, operation)| format!("{board}/{operation}: not measured")).collect()
}

/// Whether there is a committed file.
pub fn is_there() -> bool {
    path().is_file()
}

/// Reads the committed file.
pub fn load() -> Result<Results> {
    let text = std::fs::read_to_string(path()).map_err(|error| format!("{}: {error}", workspace::shown(&path())))?;
    let medians: Medians = toml::from_str(&text).map_err(|error| format!("{}: {error}", workspace::shown(&path())))?;
    let boards = medians.into_iter().map(|(board, costs)| {
        (board, costs.into_iter().map(|(operation, median)| (operation, Cost::of(median))).collect())
    });
    Ok(Results { boards: boards.collect(), ..Results::default() }.named("baseline"))
}

/// Writes the file.
pub fn store(results: &Results) -> Result<()> {
    let hypervisor = results.boards.iter().filter(|(board, _)| board.starts_with("bulkhead"));
    let medians: Medians = hypervisor
        .map(|(board, costs)| (board.clone(), costs.iter().map(|(name, cost)| (name.clone(), cost.median)).collect()))
        .collect();
    let text = toml::to_string(&medians)?;
    std::fs::write(path(), format!("# Medians in instructions. Written by cargo xtask bench --update.\n{text}"))?;
    println!("{} written", workspace::shown(&path()));
    Ok(())
}

fn path() -> PathBuf {
    workspace::root().join("scripts/xtask/bench-baseline.toml")
}

#[cfg(test)]
mod tests {
    use super::super::matrix::HYPERVISOR;
    use super::*;

    fn results(median: u64) -> Results {
        let mut results = Results::default();
        let cost = Cost { median, minimum: 0, p99: 0, maximum: 0 };
        results.boards.insert(HYPERVISOR[0].to_string(), [("call".to_owned(), cost)].into());
        results
    }

    #[test]
    fn two_percent_more_is_allowed() {
        let too_much = |now| changes(&results(now), &results(100)).iter().filter(|it| it.is_too_much()).count();
        assert_eq!([90, 100, 102, 103].map(too_much), [0, 0, 0, 1]);
        assert!(changes(&results(100), &results(100)).is_empty());
        assert!(changes(&results(100), &Results::default()).is_empty());
    }

    #[test]
    fn what_was_measured_once_must_be_measured_again() {
        assert!(missing(&results(1), &results(2)).is_empty());
        assert_eq!(missing(&Results::default(), &results(2)), ["bulkhead-gicv2-1/call: not measured"]);
    }
}
