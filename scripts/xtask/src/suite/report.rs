//! What the developer reads at the end.

use super::outcome::{Outcome, Verdict};
use super::{StageResult, kept};
use crate::{Result, workspace};

/// Lines of a failed test's words that are shown.
const SHOWN: usize = 40;

/// One line when a stage is over.
pub fn stage(result: &StageResult) {
    let count = |verdict| result.outcomes.iter().filter(|outcome| outcome.verdict == verdict).count();
    let (passed, failed, ignored) = (count(Verdict::Passed), count(Verdict::Failed), count(Verdict::Ignored));
    println!("    {}: {passed} passed, {failed} failed, {ignored} ignored in {:.1} s", result.name, result.seconds);
}

/// Every failure with the way to it, then the sum. Nothing passed is a failure.
pub fn conclude(results: &[StageResult]) -> Result<()> {
    let outcomes = || results.iter().flat_map(|result| &result.outcomes);
    let count = |verdict| outcomes().filter(|outcome| outcome.verdict == verdict).count();
    for result in results {
        result
            .outcomes
            .iter()
            .filter(|outcome| outcome.verdict == Verdict::Failed)
            .for_each(|outcome| failure(result, outcome));
    }
    let (passed, failed) = (count(Verdict::Passed), count(Verdict::Failed));
    if passed + failed == 0 {
        println!("no test has that in its name");
    }
    match count(Verdict::Ignored) {
        0 => {}
        ignored => println!("{ignored} ignored: they did not run, as the lines that begin with SKIPPED say"),
    }
    println!("{passed} passed, {failed} failed");
    if failed == 0 && passed > 0 { Ok(()) } else { std::process::exit(1) }
}

fn failure(result: &StageResult, outcome: &Outcome) {
    println!("\nFAILED {}", outcome.name);
    let lines: Vec<_> = outcome.message.lines().collect();
    for line in &lines[lines.len().saturating_sub(SHOWN)..] {
        println!("  {line}");
    }
    for line in kept::lines(&workspace::target().join("test"), result.name, &outcome.name) {
        println!("  {line}");
    }
}
