//! The tables and plots of hypervisor/docs/results.md, made of what was measured, so that no number is typed.

use super::matrix::{Configuration, PEERS, System, WORST};
use super::results::Results;
use super::{chart, rows};
use crate::{Result, workspace};
use std::fmt::Write;
use std::path::PathBuf;

const PAGE: &str = "hypervisor/docs/results.md";

/// Writes the tables into the page, and the plots beside it.
pub fn update(results: &Results) -> Result<()> {
    let path = workspace::root().join(PAGE);
    let mut text = std::fs::read_to_string(&path)?;
    for gic in [3, 2] {
        text = replaced(&text, &format!("gicv{gic}"), &operations(results, gic))?;
        chart::draw(&plot(gic), results, gic)?;
    }
    text = replaced(&text, "registers", &registers(results))?;
    text = replaced(&text, "worst", &worst(results))?;
    std::fs::write(&path, text)?;
    println!("{PAGE} written, with its plots");
    Ok(())
}

fn plot(gic: u8) -> PathBuf {
    workspace::root().join(format!("hypervisor/docs/costs-gicv{gic}.svg"))
}

/// `text` with `table` between the markers of `name`.
fn replaced(text: &str, name: &str, table: &str) -> Result<String> {
    let (begin, end) = (format!("<!-- costs: {name} -->\n"), "<!-- end -->");
    let parts = text.split_once(&begin).and_then(|(before, rest)| Some((before, rest.split_once(end)?.1)));
    let (before, after) = parts.ok_or_else(|| format!("{PAGE}: no table between {} and {end}", begin.trim_end()))?;
    Ok(format!("{before}{begin}\n{table}\n{end}{after}"))
}

/// What each operation costs with the interrupt controller `gic`, beside the bare board and the others.
fn operations(results: &Results, gic: u8) -> String {
    let mut text = String::from("| operation | bare board | Bulkhead |");
    PEERS.iter().for_each(|peer| text.extend([" ", &title(results, *peer), " |"]));
    text += "\n|---|---:|---:|---:|---:|\n";
    for row in rows::OPERATIONS {
        let median = |system| results.get(&board(system, gic, row.cores), row.operation).map(|cost| cost.median);
        let Some(ours) = median(System::Bulkhead) else { continue };
        let cells = [median(System::Native), Some(ours)].into_iter().chain(PEERS.map(median));
        let _ = writeln!(text, "| {} |{}", row.title, cells.map(|value| cell(value, row.is_long)).collect::<String>());
    }
    text
}

/// What each register of the interrupt controller costs, with both of them.
fn registers(results: &Results) -> String {
    let mut text = String::from("| register |");
    for gic in [3, 2] {
        let _ = write!(text, " GICv{gic}: Bulkhead | Xen | KVM |");
    }
    text += "\n|---|---:|---:|---:|---:|---:|---:|\n";
    for row in rows::REGISTERS {
        let systems = [System::Bulkhead].into_iter().chain(PEERS);
        let cells = [3, 2].into_iter().flat_map(|gic| systems.clone().map(move |system| board(system, gic, row.cores)));
        let cells = cells.map(|board| cell(results.get(&board, row.operation).map(|cost| cost.median), false));
        let _ = writeln!(text, "| {} |{}", row.title, cells.collect::<String>());
    }
    text
}

/// What each exit costs at worst, and what bounds it.
fn worst(results: &Results) -> String {
    let mut text = String::from("| exit | GICv3 | GICv2 | what bounds it |\n|---|---:|---:|---|\n");
    let [v2, v3] = WORST.map(|board| board.to_string());
    for row in rows::WORST {
        // Two operations in one row: that which costs more.
        let most =
            |board: &str| row.operations.iter().filter_map(|name| results.get(board, name)).max_by_key(|it| it.median);
        let cells = [&v3, &v2].map(|board| cell(most(board).map(|cost| cost.median), false));
        let _ = writeln!(text, "| {} |{} {} |", row.title, cells.concat(), row.bound);
    }
    text
}

fn board(system: System, gic: u8, cores: u8) -> String {
    Configuration { system, gic, cores }.to_string()
}

/// A system with its version, where that is known.
fn title(results: &Results, system: System) -> String {
    let version = results.packages.get(system.name()).and_then(|package| package.split_whitespace().last());
    let version = version.map(|text| text.split(['+', '-', '~']).next().unwrap_or(text));
    version.map_or_else(|| system.name().to_owned(), |version| format!("{} {version}", system.name()))
}

fn cell(value: Option<u64>, is_long: bool) -> String {
    let text = value.map_or_else(|| "–".to_owned(), |value| if is_long { rounded(value) } else { grouped(value) });
    format!(" {text} |")
}

/// `12345` as `12,345`.
fn grouped(value: u64) -> String {
    let digits = value.to_string();
    let places = digits.chars().enumerate();
    places.fold(String::new(), |text, (place, digit)| {
        let comma = place > 0 && (digits.len() - place).is_multiple_of(3);
        text + if comma { "," } else { "" } + &digit.to_string()
    })
}

/// Three digits of a large number.
fn rounded(value: u64) -> String {
    let (unit, word) = if value < 1_000_000 { (1000.0, "thousand") } else { (1e6, "million") };
    let scaled = value as f64 / unit;
    let decimals = usize::from(scaled < 100.0);
    format!("{scaled:.decimals$} {word}")
}

#[cfg(test)]
mod tests {
    use super::super::results::Cost;
    use super::*;

    fn results() -> Results {
        let mut results = Results::default();
        let cost = |median| Cost { median, minimum: 1, p99: 3, maximum: 700 };
        for (board, name, median) in [
            ("bulkhead-gicv3-1", "psci-version", 1710),
            ("native-gicv3-1", "psci-version", 2),
            ("xen-gicv3-1", "psci-version", 472),
            ("bulkhead-gicv3-1", "entry-to-guest", 734_402),
            ("bulkhead-gicv3-16", "worst-virtual-timer", 56_472),
        ] {
            results.boards.entry(board.into()).or_default().insert(name.into(), cost(median));
        }
        results.packages.insert("Xen".into(), "xen-hypervisor-4.17-arm64 4.17.7+13-g2".into());
        results
    }

    #[test]
    fn a_table_has_a_row_for_each_operation_that_was_measured() {
        let text = operations(&results(), 3);
        assert!(text.starts_with("| operation | bare board | Bulkhead | Xen 4.17.7 | KVM |\n|---|"), "{text}");
        assert!(text.contains("| PSCI_VERSION | 2 | 1,710 | 472 | – |\n"), "{text}");
        assert!(text.contains(" | – | 734 thousand | – | – |\n"), "{text}");
        assert_eq!(text.lines().count(), 4);
        assert!(worst(&results()).contains(" | 56,472 | – | "));
    }

    #[test]
    fn a_table_takes_the_place_of_the_one_before() {
        let text = "before\n<!-- costs: a -->\nold\n<!-- end -->\nafter\n<!-- costs: b -->\n<!-- end -->\n";
        let new = "before\n<!-- costs: a -->\n\nnew\n\n<!-- end -->\nafter\n<!-- costs: b -->\n<!-- end -->\n";
        assert_eq!(replaced(text, "a", "new\n").unwrap(), new);
        assert!(replaced(text, "c", "new\n").is_err());
    }

    #[test]
    fn numbers_are_easy_to_read() {
        assert_eq!([7, 999, 1000, 1_234_567].map(grouped), ["7", "999", "1,000", "1,234,567"]);
        assert_eq!([734_402, 58_490_000, 921_600_000].map(rounded), ["734 thousand", "58.5 million", "922 million"]);
    }
}
