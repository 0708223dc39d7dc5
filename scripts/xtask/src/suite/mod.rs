//! `cargo xtask suite`: every test suite, one after the other, and one verdict.
//!
//! `scripts/test` calls it after set-up. The last line is `N passed, N failed`; the report for machines is
//! `target/test/junit.xml`.

mod campaigns;
mod cargo;
mod checks;
mod junit;
mod kept;
mod libtest;
mod outcome;
mod report;
mod stage;

use crate::{Result, workspace};
use outcome::{Outcome, Verdict};
use stage::Plan;
use std::io::Write as _;
use std::time::{Instant, SystemTime};

/// Options of `cargo xtask suite`.
#[derive(clap::Args)]
pub struct Arguments {
    /// Name the tests and run none
    #[arg(long)]
    list: bool,
    /// Run only the tests whose names contain this
    #[arg(long, default_value = "")]
    filter: String,
    /// Run only these stages; may be given more than once
    #[arg(long)]
    stage: Vec<String>,
    /// Turn samples into campaigns, which go on where they stopped (BULKHEAD_LONG=1 in the tests)
    #[arg(long)]
    long: bool,
    /// Run the formatter, the linters and rustdoc as well
    #[arg(long)]
    lints: bool,
}

/// The result of one stage.
pub struct StageResult {
    name: &'static str,
    seconds: f64,
    outcomes: Vec<Outcome>,
}

impl StageResult {
    fn is_failed_build(&self) -> bool {
        self.outcomes.iter().any(|outcome| outcome.name == checks::BUILT && outcome.verdict == Verdict::Failed)
    }
}

pub fn main(arguments: &Arguments) -> Result<()> {
    let plan = Plan { filter: arguments.filter.clone(), long: arguments.long };
    let stages = stage::chosen(arguments.lints, &arguments.stage)?;
    if arguments.list {
        return list(&stages, &plan);
    }
    let mut results = Vec::new();
    for stage in &stages {
        let is_unbuilt = results.iter().any(StageResult::is_failed_build);
        results.push(run(stage, &plan, is_unbuilt));
    }
    junit::write(&results, &workspace::target().join("test"))?;
    report::conclude(&results)?;
    if plan.long { campaigns::forget() } else { Ok(()) }
}

fn list(stages: &[stage::Stage], plan: &Plan) -> Result<()> {
    let mut output = std::io::stdout().lock();
    for stage in stages {
        for name in (stage.list)(plan)? {
            match writeln!(output, "{} {name}", stage.name) {
                // Who reads it has seen enough.
                Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => return Ok(()),
                result => result?,
            }
        }
    }
    Ok(())
}

/// Runs a stage. One that could not run, or that ran nothing though nothing was filtered out, has failed.
fn run(stage: &stage::Stage, plan: &Plan, is_unbuilt: bool) -> StageResult {
    println!("==> {}", stage.title);
    let (start, began) = (Instant::now(), SystemTime::now());
    let failed = |why: &str| vec![Outcome::failed(&format!("{}::runs", stage.name), why)];
    let outcomes = if stage.needs_build && is_unbuilt {
        Err("what it boots could not be built".into())
    } else {
        (stage.run)(plan)
    };
    let outcomes = match outcomes {
        Err(error) => failed(&error.to_string()),
        Ok(outcomes) if outcomes.is_empty() && plan.filter.is_empty() => failed("not a single test ran"),
        Ok(outcomes) => outcomes,
    };
    let result = StageResult { name: stage.name, seconds: start.elapsed().as_secs_f64(), outcomes };
    report::stage(&result);
    campaigns::report(began);
    result
}
