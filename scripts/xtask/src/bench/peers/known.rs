//! What the other hypervisors took when they were last measured, as committed: it takes a quarter of an hour.

use crate::bench::matrix::PEERS;
use crate::bench::results::{Cost, Results};
use crate::{Result, workspace};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

#[derive(Default, Serialize, Deserialize)]
struct Known {
    /// What of Debian's they are.
    packages: BTreeMap<String, String>,
    /// By board and operation.
    medians: BTreeMap<String, BTreeMap<String, u64>>,
}

/// Writes what was measured of them.
pub fn store(results: &Results) -> Result<()> {
    let text = toml::to_string(&known(results))?;
    let head = "# Other hypervisors' medians in instructions. Written by cargo xtask bench --peers --update.\n";
    std::fs::write(path(), head.to_owned() + &text)?;
    println!("{} written", workspace::shown(&path()));
    Ok(())
}

fn known(results: &Results) -> Known {
    let theirs = |board: &str| PEERS.iter().any(|peer| board.starts_with(&peer.name().to_lowercase()));
    let boards = results.boards.iter().filter(|(board, _)| theirs(board));
    let medians = boards
        .map(|(board, costs)| (board.clone(), costs.iter().map(|(name, cost)| (name.clone(), cost.median)).collect()));
    Known { packages: results.packages.clone(), medians: medians.collect() }
}

/// Adds what is known of those that were not measured now.
pub fn complete(results: &mut Results) -> Result<()> {
    if path().is_file() {
        let text = std::fs::read_to_string(path())?;
        let known = toml::from_str(&text).map_err(|error| format!("{}: {error}", workspace::shown(&path())))?;
        add(results, known);
    }
    Ok(())
}

fn add(results: &mut Results, known: Known) {
    for (board, medians) in known.medians {
        let costs = || medians.into_iter().map(|(name, median)| (name, Cost::of(median))).collect();
        results.boards.entry(board).or_insert_with(costs);
    }
    for (name, package) in known.packages {
        results.packages.entry(name).or_insert(package);
    }
}

fn path() -> PathBuf {
    workspace::root().join("scripts/xtask/bench-peers.toml")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_measured_now_counts_more_than_what_was_known() {
        let with = |board: &str, median| {
            let mut results = Results::default();
            results.boards.insert(board.into(), [("call".to_owned(), Cost::of(median))].into());
            results
        };
        let mut results = with("xen-gicv3-1", 5);
        add(&mut results, known(&with("xen-gicv3-1", 7)));
        add(&mut results, known(&with("kvm-gicv2-2", 9)));
        add(&mut results, known(&with("bulkhead-gicv2-1", 1)));
        let median = |board| results.get(board, "call").map(|cost| cost.median);
        assert_eq!([median("xen-gicv3-1"), median("kvm-gicv2-2")], [Some(5), Some(9)]);
        assert_eq!(median("bulkhead-gicv2-1"), None, "it is not another's");
    }
}
