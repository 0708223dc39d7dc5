//! Runs of a board until two agree.
//!
//! A simulator that counts instructions repeats itself, but for the ends of all cores' sleep: its main thread makes the
//! clock jump there, and a host that delays it may shift what follows by some instructions. A run that two others
//! contradict by agreeing is such a one.

use super::results::Costs;
use crate::Result;

/// Runs at most, where the first two differ.
pub const LIMIT: usize = 4;

/// What the runs of a board came to.
#[derive(Debug, PartialEq, Eq)]
pub struct Repeated {
    /// Of the first run that another one repeated; of the very first if none was.
    pub costs: Costs,
    /// Whether two runs agreed.
    pub exact: bool,
    /// Each operation of another run that differs from `costs`, with what either had.
    pub differ: Vec<String>,
}

/// Runs until two runs have the same medians and least samples, at most `limit` times, at least once.
pub fn repeat(limit: usize, mut run: impl FnMut() -> Result<Costs>) -> Result<Repeated> {
    let mut runs = vec![run()?];
    while runs.len() < limit {
        let next = run()?;
        let repeated = runs.iter().position(|earlier| differences(earlier, &next).is_empty());
        runs.push(next);
        if let Some(index) = repeated {
            return Ok(Repeated::of(runs, index, true));
        }
    }
    Ok(Repeated::of(runs, 0, false))
}

impl Repeated {
    fn of(mut runs: Vec<Costs>, index: usize, exact: bool) -> Self {
        let costs = runs.swap_remove(index);
        let mut differ: Vec<String> = runs.iter().flat_map(|run| differences(&costs, run)).collect();
        differ.sort();
        differ.dedup();
        Self { costs, exact, differ }
    }
}

/// Operations that differ by median or least sample: the largest samples hold other cores' turns too.
fn differences(first: &Costs, second: &Costs) -> Vec<String> {
    let names = first.keys().chain(second.keys().filter(|name| !first.contains_key(*name)));
    let both = names.map(|name| (name, [first, second].map(|run| told(run, name))));
    let differ = both.filter(|(_, [first, second])| first != second);
    differ.map(|(name, [first, second])| format!("{name} {first} and {second}")).collect()
}

fn told(run: &Costs, name: &str) -> String {
    run.get(name).map_or_else(|| "nothing".to_owned(), |cost| format!("{} (least {})", cost.median, cost.minimum))
}

#[cfg(test)]
mod tests {
    use super::super::results::Cost;
    use super::*;

    /// The costs of runs with these medians, and how many there were.
    fn medians(limit: usize, medians: &[u64]) -> (Repeated, usize) {
        let mut count = 0;
        let repeated = repeat(limit, || {
            count += 1;
            let cost = Cost { median: medians[count - 1], minimum: 1, p99: 3, maximum: count as u64 };
            Ok([("call".to_owned(), cost)].into())
        });
        (repeated.unwrap(), count)
    }

    #[test]
    fn two_runs_that_agree_are_enough() {
        let (repeated, count) = medians(LIMIT, &[2, 2]);
        assert_eq!((repeated.exact, repeated.differ.len(), count), (true, 0, 2));
    }

    #[test]
    fn a_run_that_strays_is_told_and_another_decides() {
        let (repeated, count) = medians(LIMIT, &[3, 2, 2]);
        assert_eq!((repeated.costs["call"].median, repeated.exact, count), (2, true, 3));
        assert_eq!(repeated.differ, ["call 2 (least 1) and 3 (least 1)"]);
    }

    #[test]
    fn runs_of_which_no_two_agree_are_not_exact() {
        let (repeated, count) = medians(LIMIT, &[2, 3, 4, 5]);
        assert_eq!((repeated.costs["call"].median, repeated.exact, count), (2, false, 4));
        assert_eq!(repeated.differ.len(), 3);
        assert!(!medians(2, &[2, 3]).0.exact);
    }

    #[test]
    fn an_operation_that_one_run_lacks_differs() {
        let some: Costs = [("call".to_owned(), Cost::of(2))].into();
        assert_eq!(differences(&some, &Costs::new()), ["call 2 (least 2) and nothing"]);
        assert_eq!(differences(&Costs::new(), &some), ["call nothing and 2 (least 2)"]);
    }
}
