//! The stages that are no cargo tests: builds, sizes, tidiness, and the FreeRTOS guest's own script.

use super::outcome::{Outcome, Verdict};
use super::stage::Plan;
use crate::tidy::Check;
use crate::{Result, bench, build, process, profile, size, tidy, toolchain, workspace};
use std::process::{Command, Stdio};

/// The check without which nothing can be booted.
pub const BUILT: &str = "build::image-and-guests";

const BUILD: [Check; 3] = [
    Check { name: BUILT, run: build_all },
    Check { name: "build::image-size", run: size::check_image },
    Check { name: "build::errata", run: build::check_errata },
];

const BENCH: [Check; 3] = [
    Check { name: "bench::costs", run: bench::check },
    Check { name: "bench::profile", run: profile::check },
    Check { name: "bench::stacks-and-heap", run: size::check_marks },
];

const FREERTOS: &str = "freertos::alone";

fn build_all() -> Result<Vec<String>> {
    match build::all() {
        Ok(()) => Ok(Vec::new()),
        Err(error) => Ok(vec![error.to_string()]),
    }
}

/// Runs the checks that read files.
pub fn files(plan: &Plan) -> Result<Vec<Outcome>> {
    Ok(run(&tidy::FILES, &plan.filter))
}

/// Names them.
pub fn list_files(plan: &Plan) -> Result<Vec<String>> {
    Ok(names(&tidy::FILES, &plan.filter))
}

/// Runs the checks that compile.
pub fn lints(plan: &Plan) -> Result<Vec<Outcome>> {
    Ok(run(&tidy::LINTS, &plan.filter))
}

/// Names them.
pub fn list_lints(plan: &Plan) -> Result<Vec<String>> {
    Ok(names(&tidy::LINTS, &plan.filter))
}

/// Builds what the boards boot, whatever the filter: the tests that it selects may need it.
pub fn build(_: &Plan) -> Result<Vec<Outcome>> {
    Ok(run(&BUILD, ""))
}

/// Names the checks of the build.
pub fn list_build(_: &Plan) -> Result<Vec<String>> {
    Ok(names(&BUILD, ""))
}

/// Holds the costs of operations against the baseline, and a profile against the cost.
pub fn bench(plan: &Plan) -> Result<Vec<Outcome>> {
    Ok(run(&BENCH, &plan.filter))
}

/// Names those checks.
pub fn list_bench(plan: &Plan) -> Result<Vec<String>> {
    Ok(names(&BENCH, &plan.filter))
}

fn run(checks: &[Check], filter: &str) -> Vec<Outcome> {
    let wanted = checks.iter().filter(|check| check.name.contains(filter));
    wanted
        .map(|check| match (check.run)() {
            Ok(problems) => Outcome::of_problems(check.name, &problems),
            Err(error) => Outcome::failed(check.name, &error.to_string()),
        })
        .collect()
}

fn names(checks: &[Check], filter: &str) -> Vec<String> {
    checks.iter().filter(|check| check.name.contains(filter)).map(|check| check.name.to_owned()).collect()
}

/// Runs the FreeRTOS guest's own checks on a board without the hypervisor.
pub fn freertos(plan: &Plan) -> Result<Vec<Outcome>> {
    if !FREERTOS.contains(plan.filter.as_str()) {
        return Ok(Vec::new());
    }
    let mut command = Command::new(workspace::root().join("tests/guests/freertos/smoke"));
    command.arg(workspace::guests()).env("QEMU", toolchain::Toolchain::load()?.qemu()).stdin(Stdio::null());
    let output = command.output().map_err(|error| format!("{}: {error}", process::line(&command)))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    let mut outcomes: Vec<_> = text.lines().filter_map(smoke_line).collect();
    let has_failed = outcomes.iter().any(|outcome| outcome.verdict == Verdict::Failed);
    if output.status.success() == has_failed {
        outcomes.push(Outcome::failed(FREERTOS, &format!("ended with {}\n{text}", output.status)));
    }
    Ok(outcomes)
}

/// Names the script; it names its checks only by running them.
pub fn list_freertos(plan: &Plan) -> Result<Vec<String>> {
    Ok(FREERTOS.contains(plan.filter.as_str()).then(|| FREERTOS.to_owned()).into_iter().collect())
}

/// `check NAME: ok`, or `check NAME: FAILED: WHY`.
fn smoke_line(line: &str) -> Option<Outcome> {
    let (name, verdict) = line.strip_prefix("check ")?.split_once(": ")?;
    let name = format!("freertos::{}", name.replace(' ', "::"));
    match verdict {
        "ok" => Some(Outcome::of_problems(&name, &[])),
        why => Some(Outcome::failed(&name, why)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_script_are_outcomes() {
        assert_eq!(smoke_line("check gicv3 periods: ok"), Some(Outcome::of_problems("freertos::gicv3::periods", &[])));
        let failed = smoke_line("check gicv3 periods: FAILED: 3 missed").unwrap();
        assert_eq!((failed.verdict, failed.message.as_str()), (Verdict::Failed, "FAILED: 3 missed"));
        assert_eq!(smoke_line("all is well"), None);
    }
}
