//! The results as a table in Markdown.

use super::matrix::{Configuration, PEERS, System, WORST, boards};
use super::results::Results;
use std::collections::BTreeSet;
use std::fmt::Write;

/// A table for each interrupt controller and number of cores: native, under the hypervisor, under the others that were
/// measured, and `against`.
pub fn markdown(results: &Results, against: &Results) -> String {
    let mut text = String::from("# Costs in instructions\n\nMedian (and maximum) of each operation.\n");
    text += &others(results);
    for board in boards(System::Bulkhead).into_iter().chain(WORST) {
        table(&mut text, results, against, board);
    }
    if !results.not_exact.is_empty() {
        let _ = writeln!(text, "\nNot exact, no two runs agree: {}.", results.not_exact.join(", "));
    }
    if !results.strayed.is_empty() {
        let _ = writeln!(text, "\nOne run was not exact, and two others agree: {}.", results.strayed.join(", "));
    }
    text
}

/// Which other hypervisors were measured, and which were not and why.
fn others(results: &Results) -> String {
    let measured = results.packages.iter().map(|(name, package)| format!("- {name}: Debian's {package}\n"));
    let left_out = results.left_out.iter().map(|(name, reason)| format!("- {name} was left out: {reason}\n"));
    let lines: String = measured.chain(left_out).collect();
    if lines.is_empty() {
        return lines;
    }
    format!(
        "\n{lines}\nTheir way to the guest's first instruction has waiting, zeroing and copying in it; ours has not.\n"
    )
}

fn table(text: &mut String, results: &Results, against: &Results, board: Configuration) {
    let columns = Columns::of(results, against, board);
    let Configuration { gic, cores, .. } = board;
    let _ = writeln!(text, "\n## GICv{gic}, {cores} core{}\n", if cores == 1 { "" } else { "s" });
    let _ = writeln!(text, "{}", columns.head());
    for operation in operations(results, &columns.boards()) {
        let _ = writeln!(text, "{}", columns.row(operation));
    }
    for (name, board) in &columns.peers {
        if let Some(reason) = results.unanswered.get(board) {
            let _ = writeln!(text, "\n– of {name}: not measured, because its board {reason}");
        }
    }
}

/// One table's boards.
struct Columns<'r> {
    results: &'r Results,
    against: &'r Results,
    native: String,
    ours: String,
    /// The other hypervisors' names and boards.
    peers: Vec<(&'static str, String)>,
}

impl<'r> Columns<'r> {
    fn of(results: &'r Results, against: &'r Results, board: Configuration) -> Self {
        let with = |system| Configuration { system, ..board }.to_string();
        let peers = PEERS.into_iter().filter(|system| results.packages.contains_key(system.name()));
        let peers = peers.map(|system| (system.name(), with(system))).collect();
        Self { results, against, native: with(System::Native), ours: with(System::Bulkhead), peers }
    }

    fn boards(&self) -> Vec<&str> {
        let peers = self.peers.iter().map(|(_, board)| board.as_str());
        [self.native.as_str(), &self.ours].into_iter().chain(peers).collect()
    }

    fn head(&self) -> String {
        let names: String = self.peers.iter().map(|(name, _)| format!(" {name} |")).collect();
        let other = self.against.revision.as_deref().unwrap_or("before");
        let lines = "---:|".repeat(self.peers.len());
        format!(
            "| operation | native | Bulkhead | maximum |{names} {other} | difference |\n|---|---:|---:|---:|{lines}---:|---:|"
        )
    }

    fn row(&self, operation: &str) -> String {
        let median = |board: &str| self.results.get(board, operation).map(|cost| cost.median);
        let (now, before) = (median(&self.ours), self.against.get(&self.ours, operation).map(|cost| cost.median));
        let difference = now.zip(before).map(|(now, before)| format!("{:+}", now as i64 - before as i64));
        let theirs =
            self.peers.iter().map(|(_, board)| median(board).map_or("–".into(), |median| median.to_string()));
        let theirs: String = theirs.map(|median| format!(" {median} |")).collect();
        format!(
            "| {operation} | {} | {} | {} |{theirs} {} | {} |",
            shown(median(&self.native)),
            shown(now),
            shown(self.results.get(&self.ours, operation).map(|cost| cost.maximum)),
            shown(before),
            difference.unwrap_or_default()
        )
    }
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
    use super::super::results::Cost;
    use super::*;

    fn add(results: &mut Results, system: System, name: &str, median: u64) {
        let cost = Cost { median, minimum: 1, p99: 3, maximum: 700 };
        let board = boards(system)[2];
        results.boards.entry(board.to_string()).or_default().insert(name.to_owned(), cost);
    }

    fn results(native: u64, ours: u64) -> Results {
        let mut results = Results::default();
        add(&mut results, System::Native, "call", native);
        add(&mut results, System::Bulkhead, "call", ours);
        results
    }

    #[test]
    fn a_row_has_native_ours_and_the_difference() {
        let text = markdown(&results(2, 500), &results(2, 620).named("v1"));
        assert!(text.contains("| operation | native | Bulkhead | maximum | v1 | difference |"), "{text}");
        assert!(text.contains("| call | 2 | 500 | 700 | 620 | -120 |"), "{text}");
        assert!(!text.contains("Xen") && !text.contains("KVM"), "{text}");
    }

    #[test]
    fn others_have_columns_dashes_and_reasons() {
        let mut results = results(2, 500);
        results.packages.insert("Xen".into(), "xen-hypervisor 4".into());
        results.left_out.insert("KVM".into(), "there is none".into());
        add(&mut results, System::Xen, "only-there", 470);
        results.unanswered.insert(boards(System::Xen)[2].to_string(), "ended".into());
        let text = markdown(&results, &Results::default());
        for line in [
            "- Xen: Debian's xen-hypervisor 4\n",
            "- KVM was left out: there is none\n",
            "| operation | native | Bulkhead | maximum | Xen | before | difference |",
            "| call | 2 | 500 | 700 | – |  |  |",
            "| only-there |  |  |  | 470 |  |  |",
            "– of Xen: not measured, because its board ended\n",
        ] {
            assert!(text.contains(line), "{line} is not in {text}");
        }
    }
}
