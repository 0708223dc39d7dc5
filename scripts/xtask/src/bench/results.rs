//! What was measured.

use super::matrix::Configuration;
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
    /// Operations whose two runs differed, as `BOARD/OPERATION`, and what either had.
    pub not_exact: Vec<String>,
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
    /// Takes the costs of one run; from the second on they are compared with the first.
    pub fn add(&mut self, configuration: &Configuration, costs: Costs) {
        let board = configuration.to_string();
        let Some(first) = self.boards.get(&board) else {
            self.boards.insert(board, costs);
            return;
        };
        let names = first.keys().chain(costs.keys().filter(|name| !first.contains_key(*name)));
        // The largest samples hold other cores' turns and the simulator's own ends of sleep, which the host may shift.
        let exact = |cost: &Cost| (cost.median, cost.minimum);
        let both = names.map(|name| (name, [first, &costs].map(|run| run.get(name).map(exact))));
        let differ = both.filter(|(_, [first, second])| first != second);
        self.not_exact.extend(differ.map(|(name, runs)| {
            let [first, second] = runs.map(|run| {
                run.map_or_else(|| "nothing".to_owned(), |(median, least)| format!("{median} (least {least})"))
            });
            format!("{board}/{name} {first} and {second}")
        }));
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

    fn costs(median: u64) -> Costs {
        [("call".to_owned(), Cost { median, minimum: 1, p99: 3, maximum: 4 })].into()
    }

    #[test]
    fn runs_that_differ_are_told() {
        let mut results = Results::default();
        results.add(&HYPERVISOR[0], costs(2));
        results.add(&HYPERVISOR[0], costs(2));
        assert!(results.not_exact.is_empty());
        results.add(&HYPERVISOR[0], costs(3));
        assert_eq!(results.not_exact, ["bulkhead-gicv2-1/call 2 (least 1) and 3 (least 1)"]);
        results.add(&HYPERVISOR[0], Costs::new());
        assert_eq!(results.not_exact[1..], ["bulkhead-gicv2-1/call 2 (least 1) and nothing"]);
        assert_eq!(results.get("bulkhead-gicv2-1", "call").map(|cost| cost.median), Some(2));
    }
}
