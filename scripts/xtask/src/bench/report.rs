//! The results as a table in Markdown.

use super::results::Results;
use std::collections::BTreeSet;
use std::fmt::Write;

/// A table for each interrupt controller and number of cores: native, under the hypervisor, and `against`.
pub fn markdown(results: &Results, against: &Results) -> String {
    let mut text = String::from("# Costs in instructions\n\nMedian (and maximum) of each operation.\n");
    let other = against.revision.as_deref().unwrap_or("before");
    for (gic, cores) in [(2, 1), (2, 2), (3, 1), (3, 2)] {
        let (native, ours) = (format!("native-gicv{gic}-{cores}"), format!("bulkhead-gicv{gic}-{cores}"));
        let _ = writeln!(text, "\n## GICv{gic}, {cores} core{}\n", if cores == 1 { "" } else { "s" });
        let _ = writeln!(text, "| operation | native | Bulkhead | maximum | {other} | difference |");
        let _ = writeln!(text, "|---|---:|---:|---:|---:|---:|");
        for operation in operations(results, &[&native, &ours]) {
            let median = |results: &Results, board| results.get(board, operation).map(|cost| cost.median);
            let (now, before) = (median(results, &ours), median(against, &ours));
            let difference = now.zip(before).map(|(now, before)| format!("{:+}", now as i64 - before as i64));
            let _ = writeln!(
                text,
                "| {operation} | {} | {} | {} | {} | {} |",
                shown(median(results, &native)),
                shown(now),
                shown(results.get(&ours, operation).map(|cost| cost.maximum)),
                shown(before),
                difference.unwrap_or_default()
            );
        }
    }
    text
}

fn operations<'r>(results: &'r Results, boards: &[&str]) -> BTreeSet<&'r str> {
    let boards = boards.iter().filter_map(|board| results.boards.get(*board));
    boards.flat_map(|costs| costs.keys().map(String::as_str)).collect()
}

fn shown(value: Option<u64>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::matrix::ALL;
    use super::super::results::Cost;
    use super::*;

    #[test]
    fn a_row_has_native_ours_and_the_difference() {
        let results = |medians: [u64; 2]| {
            let mut results = Results::default();
            for (configuration, median) in [(&ALL[2], medians[0]), (&ALL[6], medians[1])] {
                let cost = Cost { median, minimum: 1, p99: 3, maximum: 700 };
                results.add(configuration, [("call".to_owned(), cost)].into());
            }
            results
        };
        let text = markdown(&results([2, 500]), &results([2, 620]).named("v1"));
        assert!(text.contains("| operation | native | Bulkhead | maximum | v1 | difference |"), "{text}");
        assert!(text.contains("| call | 2 | 500 | 700 | 620 | -120 |"), "{text}");
    }
}
