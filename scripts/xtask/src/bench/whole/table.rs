//! The results as tables in Markdown.

use super::exits;
use super::jitter::{Beside, Case, Jitter, Latency};
use super::scaling::{Grows, OPERATIONS, Point};
use super::shape::Shape;
use super::{Row, Whole, not_exact};
use bulkhead_vmm::exit::Cause;
use std::fmt::Write;

/// All tables.
pub fn markdown(whole: &Whole) -> String {
    let mut text = String::from("# The whole system, in instructions\n");
    if !whole.jitter.is_empty() {
        jitter(&mut text, &whole.jitter);
    }
    if !whole.exits.is_empty() {
        exits(&mut text, &whole.exits);
    }
    for (gic, grows) in [(2, Grows::Vms), (2, Grows::Vcpus), (3, Grows::Vms), (3, Grows::Vcpus)] {
        let rows = whole.scaling.iter().filter(|row| row.case.gic == gic && row.case.grows == grows);
        let points: Vec<&Point> = rows.map(|row| &row.value).collect();
        if !points.is_empty() {
            growth(&mut text, gic, grows, &points);
        }
    }
    let differ = [not_exact(&whole.jitter), not_exact(&whole.exits), not_exact(&whole.scaling)].concat();
    match differ.as_slice() {
        [] => text += "\nTwo runs of each gave the same numbers.\n",
        differ => drop(writeln!(text, "\nNot exact, two runs differ: {}.", differ.join(", "))),
    }
    text
}

fn jitter(text: &mut String, rows: &[Row<Case, Jitter>]) {
    *text += "\n## FreeRTOS's 1 kHz loop: how late a period begins\n\n";
    *text += "| GIC | on | minimum | median | p99 | maximum | missed |\n|---|---|---:|---:|---:|---:|---:|\n";
    for row in rows {
        // On the same board but with short turns Linux boots the same.
        if matches!(row.case.beside, Beside::Linux("work")) {
            latency(text, row.case.gic, "Bulkhead, beside a Linux that boots", &row.value.booting);
        }
        latency(text, row.case.gic, &beside(&row.case), &row.value.loaded);
    }
}

/// What FreeRTOS runs on, and beside what.
pub fn beside(case: &Case) -> String {
    match case.beside {
        Beside::Nothing => "the bare board".into(),
        Beside::Hypervisor => "Bulkhead, alone".into(),
        Beside::Linux("work") => "Bulkhead, beside a Linux at work".into(),
        Beside::Linux(_) => format!("Bulkhead, beside a console's flood, turns of {} µs", case.turn),
    }
}

fn latency(text: &mut String, gic: u8, beside: &str, latency: &Latency) {
    let Latency { periods, minimum, median, p99, maximum, missed } = *latency;
    let [minimum, median, p99, maximum] = [minimum, median, p99, maximum].map(grouped);
    let _ = writeln!(
        text,
        "| v{gic} | {beside} | {minimum} | {median} | {p99} | {maximum} | {missed} of {} |",
        grouped(periods as u64)
    );
}

fn exits(text: &mut String, rows: &[Row<exits::Case, exits::Loads>]) {
    *text += "\n## Linux's exits in a virtual second\n\n";
    let loads =
        || rows.iter().flat_map(|row| row.value.loads.iter().map(move |(load, exits)| (&row.case, load, exits)));
    let taken = |cause: &&Cause| loads().any(|(.., exits)| exits.counts.get(cause.label()).is_some_and(|it| *it > 0));
    let causes: Vec<&str> = Cause::ALL.iter().filter(taken).map(|cause| cause.label()).collect();
    let _ = writeln!(text, "| GIC | vCPUs | Linux | all | {} |", causes.join(" | "));
    let _ = writeln!(text, "|---|---:|---|---:|{}", "---:|".repeat(causes.len()));
    for (exits::Case { gic, vcpus }, load, exits) in loads() {
        let rate = |cause| grouped_rate(exits.per_second(cause));
        let by_cause: Vec<String> = causes.iter().map(|cause| rate(Some(cause))).collect();
        let _ = writeln!(text, "| v{gic} | {vcpus} | {load} | {} | {} |", rate(None), by_cause.join(" | "));
    }
}

fn growth(text: &mut String, gic: u8, grows: Grows, points: &[&Point]) {
    let what = if grows == Grows::Vms { "VMs" } else { "vCPUs of one VM" };
    let _ = writeln!(text, "\n## GICv{gic}: {what}\n\n| {what} | {} |", columns().join(" | "));
    let _ = writeln!(text, "|---|{}", "---:|".repeat(columns().len()));
    for (index, point) in points.iter().enumerate() {
        let _ = writeln!(text, "| {} | {} |", index + 1, values(point).map(grouped).join(" | "));
    }
    let all: Vec<_> = points.iter().map(|point| values(point)).collect();
    let shape = |column: usize| Shape::of(&all.iter().filter_map(|row| row.get(column).copied()).collect::<Vec<_>>());
    let shapes: Vec<String> = (0..columns().len()).map(|column| shape(column).to_string()).collect();
    let _ = writeln!(text, "| shape | {} |", shapes.join(" | "));
}

fn columns() -> Vec<&'static str> {
    let boot = ["a guest runs, zeroing and copying left out", "all run, with it", "RAM kept, KiB", "heap used, bytes"];
    boot.into_iter().chain(OPERATIONS).collect()
}

/// One for each of [`columns`].
fn values(point: &Point) -> [u64; 4 + OPERATIONS.len()] {
    let [psci, typer, sgi, timer] = OPERATIONS.map(|name| point.costs.get(name).map_or(0, |cost| cost.median));
    let Point { guest, all_guests, kept, heap, .. } = *point;
    [guest, all_guests, kept, heap, psci, typer, sgi, timer]
}

/// `1234567` as `1,234,567`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A rate: with a digit after the point where it is small.
fn grouped_rate(rate: f64) -> String {
    if rate == 0.0 || rate >= 100.0 { grouped(rate.round() as u64) } else { format!("{rate:.1}") }
}

#[cfg(test)]
mod tests {
    use super::super::scaling;
    use super::*;
    use crate::bench::results::Cost;

    fn point(count: u64) -> Point {
        let cost = |median| Cost { median, minimum: 1, p99: 9, maximum: 9 };
        let costs = OPERATIONS.map(|name| (name.to_owned(), cost(171)));
        Point { guest: 100_000 + 1000 * count, all_guests: 7, kept: 948, heap: 8, costs: costs.into() }
    }

    #[test]
    fn growth_has_a_row_for_each_count_and_says_its_shape() {
        let case = |count| scaling::Case { gic: 3, grows: Grows::Vms, count };
        let row = |count| Row { case: case(count), value: point(count as u64), is_exact: count != 2 };
        let text = markdown(&Whole { scaling: [1, 2, 3].map(row).into(), ..Whole::default() });
        for line in [
            "| 2 | 102,000 | 7 | 948 | 8 | 171 | 171 | 171 | 171 |",
            "| shape | linear, +1000 each | constant |",
            "Not exact, two runs differ: scaling-gicv3-vms-2.",
        ] {
            assert!(text.contains(line), "{line} is not in {text}");
        }
    }

    #[test]
    fn exits_have_a_column_for_each_cause_that_there_was() {
        let case = exits::Case { gic: 3, vcpus: 1 };
        let exits = exits::Exits { counts: [("hvc".to_owned(), 3000)].into(), time: 2_000_000_000 };
        let value = exits::Loads { loads: vec![("idle", exits)] };
        let text = markdown(&Whole { exits: vec![Row { case, value, is_exact: true }], ..Whole::default() });
        assert!(text.contains("| GIC | vCPUs | Linux | all | hvc |\n"), "{text}");
        assert!(text.contains("| v3 | 1 | idle | 1,500 | 1,500 |\n"), "{text}");
        assert!(text.contains("Two runs of each gave the same numbers."), "{text}");
    }

    #[test]
    fn digits_are_grouped() {
        assert_eq!([0, 999, 1000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([0.0, 12.34, 1234.5].map(grouped_rate), ["0", "12.3", "1,235"]);
    }
}
