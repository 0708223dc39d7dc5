//! What was measured.

use super::matrix::Configuration;
use super::repeat::Repeated;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What one operation costs, in instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Cost {
    pub median: u64,
    pub minimum: u64,
    pub p99: u64,
    pub maximum: u64,
}

impl Cost {
    /// Of what was done once, or of which only the median is known.
    pub const fn of(median: u64) -> Self {
        Self { median, minimum: median, p99: median, maximum: median }
    }
}

/// Costs by operation.
pub type Costs = BTreeMap<String, Cost>;

/// Costs by board and operation.
#[derive(Default, Serialize)]
pub struct Results {
    /// The revision, if it is not the work tree.
    pub revision: Option<String>,
    /// By the board's name.
    pub boards: BTreeMap<String, Costs>,
    /// Operations of boards of which no two runs agreed, as `BOARD/OPERATION`, and what the first and another run had.
    pub not_exact: Vec<String>,
    /// The same of a run that two others contradicted by agreeing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub strayed: Vec<String>,
    /// Other hypervisors that were measured: what of Debian's they are.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub packages: BTreeMap<String, String>,
    /// Other hypervisors that were to be measured and could not be, and why.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub left_out: BTreeMap<String, String>,
    /// Why a board's operations, or some of them, are not there.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub unanswered: BTreeMap<String, String>,
}

impl Results {
    /// Takes what the runs of a board came to.
    pub fn add(&mut self, configuration: &Configuration, runs: Repeated) {
        let board = configuration.to_string();
        let differ = runs.differ.iter().map(|operation| format!("{board}/{operation}"));
        if runs.exact { &mut self.strayed } else { &mut self.not_exact }.extend(differ);
        self.boards.insert(board, runs.costs);
    }

    /// The results as those of `revision`.
    pub fn named(self, revision: &str) -> Self {
        Self { revision: Some(revision.to_owned()), ..self }
    }

    /// The cost of `operation` on `board`.
    pub fn get(&self, board: &str, operation: &str) -> Option<Cost> {
        self.boards.get(board)?.get(operation).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::super::matrix::HYPERVISOR;
    use super::*;

    #[test]
    fn runs_that_differ_are_told() {
        let costs: Costs = [("call".to_owned(), Cost::of(2))].into();
        let runs = |exact| Repeated { costs: costs.clone(), exact, differ: vec!["call 2 and 3".to_owned()] };
        let mut results = Results::default();
        results.add(&HYPERVISOR[0], runs(true));
        assert_eq!(
            (results.strayed.join(""), results.not_exact.len()),
            ("bulkhead-gicv2-1/call 2 and 3".to_owned(), 0)
        );
        results.add(&HYPERVISOR[1], runs(false));
        assert_eq!((results.strayed.len(), results.not_exact.len()), (1, 1));
        assert_eq!(results.get("bulkhead-gicv2-1", "call").map(|cost| cost.median), Some(2));
    }
}
