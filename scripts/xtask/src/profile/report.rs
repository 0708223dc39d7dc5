//! Instructions added up by function, as a table and as stacks, and drawn as a flame graph.

use super::calls::{Calls, Place};
use super::names::Names;
use crate::Result;
use inferno::flamegraph;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;
use std::path::Path;

/// Instructions by stack of functions, the outermost first.
pub struct Stacks(BTreeMap<Vec<String>, u64>);

/// A line of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The function's path.
    pub function: String,
    /// Instructions of its own.
    pub own: u64,
    /// With those of what it called.
    pub with_callees: u64,
}

impl Stacks {
    /// Names what was executed. Several `cores` are kept apart.
    pub fn new(places: &[Place], calls: &Calls, names: &mut Names<'_>, cores: u8) -> Result<Self> {
        let mut counts = HashMap::new();
        for place in places {
            *counts.entry(place).or_insert(0) += 1;
        }
        let mut stacks = BTreeMap::new();
        for (place, count) in counts {
            let mut stack: Vec<_> = (cores > 1).then(|| format!("core {}", place.core)).into_iter().collect();
            for offset in calls.path(place.chain).into_iter().chain([place.offset]) {
                stack.extend(names.at(offset)?.iter().cloned());
            }
            *stacks.entry(stack).or_insert(0) += count;
        }
        Ok(Self(stacks))
    }

    /// All instructions.
    pub fn total(&self) -> u64 {
        self.0.values().sum()
    }

    /// The functions, those with the most instructions of their own first.
    pub fn rows(&self) -> Vec<Row> {
        let mut counts: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
        for (stack, count) in &self.0 {
            if let Some(last) = stack.last() {
                counts.entry(last).or_default().0 += count;
            }
            // A function that calls itself is counted once.
            for function in stack.iter().collect::<BTreeSet<_>>() {
                counts.entry(function).or_default().1 += count;
            }
        }
        let row = |(function, (own, with_callees)): (&str, _)| Row { function: function.to_owned(), own, with_callees };
        let mut rows: Vec<_> = counts.into_iter().map(row).collect();
        rows.sort_by_key(|row| Reverse((row.own, row.with_callees)));
        rows
    }

    /// A line a stack, functions separated by semicolons, then the count: what tools for flame graphs read.
    pub fn folded(&self) -> String {
        self.0.iter().map(|(stack, count)| format!("{} {count}\n", stack.join(";"))).collect()
    }

    /// Draws the flame graph.
    pub fn draw(&self, path: &Path, title: &str) -> Result<()> {
        let mut options = flamegraph::Options::default();
        options.title = title.to_owned();
        options.count_name = "instructions".to_owned();
        options.deterministic = true;
        let folded = self.folded();
        Ok(flamegraph::from_lines(&mut options, folded.lines(), std::fs::File::create(path)?)?)
    }
}

/// The table in Markdown, of `rows` that add up to `total`.
pub fn table(rows: &[Row], total: u64) -> String {
    let width = rows.iter().map(|row| row.function.len() + 2).max().unwrap_or(0).max("function".len());
    let mut text = format!("| {:<width$} |      own | with callees | own share |\n", "function");
    let _ = writeln!(text, "|{:-<1$}|---------:|-------------:|----------:|", "", width + 2);
    for Row { function, own, with_callees } in rows {
        let share = *own as f64 * 100.0 / total.max(1) as f64;
        let function = format!("`{function}`");
        let _ = writeln!(text, "| {function:<width$} | {own:>8} | {with_callees:>12} | {share:>7.1} % |");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stacks() -> Stacks {
        let stack = |names: &str| names.split(';').map(str::to_owned).collect::<Vec<_>>();
        Stacks([(stack("run"), 2), (stack("run;call"), 5), (stack("run;call;run"), 1)].into())
    }

    #[test]
    fn own_instructions_add_up_to_the_total() {
        let rows = stacks().rows();
        let row = |function: &str, own, with_callees| Row { function: function.to_owned(), own, with_callees };
        assert_eq!(rows, [row("call", 5, 6), row("run", 3, 8)]);
        assert_eq!(rows.iter().map(|row| row.own).sum::<u64>(), stacks().total());
    }

    #[test]
    fn a_stack_is_a_line() {
        assert_eq!(stacks().folded(), "run 2\nrun;call 5\nrun;call;run 1\n");
    }

    #[test]
    fn the_table_has_shares_of_the_total() {
        let text = table(&stacks().rows(), 8);
        assert!(text.contains("| `call`   |        5 |            6 |    62.5 % |\n"), "{text}");
        assert_eq!(text.lines().count(), 4);
    }

    #[test]
    fn the_picture_names_the_functions() {
        let path = std::env::temp_dir().join(format!("bulkhead-flame-{}.svg", std::process::id()));
        stacks().draw(&path, "a title").unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert!(text.contains("a title") && text.contains("call (6 instructions"), "{text}");
    }
}
