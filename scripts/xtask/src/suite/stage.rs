//! The list of what is run, in order.

use super::outcome::Outcome;
use super::{cargo, checks};
use crate::Result;

/// What the caller asked for.
pub struct Plan {
    /// What the names of the tests must contain; empty for all.
    pub filter: String,
    /// With campaigns.
    pub long: bool,
}

/// The stage that runs only when it is asked for.
const LINTS: &str = "lints";

/// The stage that makes what others boot.
const BUILD: &str = "build";

/// One part of the suites.
pub struct Stage {
    /// A word for reports.
    pub name: &'static str,
    /// The heading.
    pub title: &'static str,
    /// Whether it boots what the stage "build" makes.
    pub needs_build: bool,
    /// Runs it.
    pub run: fn(&Plan) -> Result<Vec<Outcome>>,
    /// Names its tests.
    pub list: fn(&Plan) -> Result<Vec<String>>,
}

/// The stages of these names, and the build if they boot it, in their order; all of them if none is named.
pub fn chosen(lints: bool, names: &[String]) -> Result<Vec<Stage>> {
    let mut stages = all(lints || names.iter().any(|name| name == LINTS));
    if let Some(unknown) = names.iter().find(|name| !stages.iter().any(|stage| stage.name == **name)) {
        let known: Vec<_> = stages.iter().map(|stage| stage.name).collect();
        return Err(format!("--stage {unknown}: expected one of {}", known.join(", ")).into());
    }
    let is_named = |stage: &Stage| names.is_empty() || names.iter().any(|name| name == stage.name);
    let boots = stages.iter().any(|stage| stage.needs_build && is_named(stage));
    stages.retain(|stage| is_named(stage) || boots && stage.name == BUILD);
    Ok(stages)
}

/// What fails fastest comes first.
fn all(lints: bool) -> Vec<Stage> {
    type Run = fn(&Plan) -> Result<Vec<Outcome>>;
    type List = fn(&Plan) -> Result<Vec<String>>;
    let stage = |name, title, run: Run, list: List| Stage { name, title, needs_build: false, run, list };
    let booted = |name, title, run: Run, list: List| Stage { needs_build: true, ..stage(name, title, run, list) };
    let mut stages: Vec<Stage> = vec![
        stage("tidy", "Files, links and words", checks::files, checks::list_files),
        stage("host", "Unit tests on this machine", cargo::host, cargo::list_host),
        stage(BUILD, "The image and the guests", checks::build, checks::list_build),
        booted("freertos", "FreeRTOS without the hypervisor", checks::freertos, checks::list_freertos),
        booted("qemu", "Boards in QEMU", cargo::qemu, cargo::list_qemu),
        booted("linux", "Unmodified Linux as a guest", cargo::linux, cargo::list_linux),
        booted("demo", "The demo's checks and their sabotages", cargo::demo, cargo::list_demo),
        booted("bench", "Costs in instructions", checks::bench, checks::list_bench),
        stage("model", "The real thing against simple models", cargo::model, cargo::list_model),
    ];
    if lints {
        stages.push(stage(LINTS, "Formatter, linters, documentation", checks::lints, checks::list_lints));
    }
    stages
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_are_chosen_by_name_and_unknown_ones_refused() {
        let names = |wanted: &[&str]| {
            let wanted: Vec<_> = wanted.iter().map(|name| (*name).to_owned()).collect();
            chosen(false, &wanted).map(|stages| stages.iter().map(|stage| stage.name).collect::<Vec<_>>())
        };
        assert_eq!(names(&["qemu", "build"]).unwrap(), ["build", "qemu"]);
        assert!(names(&[]).unwrap().len() > 2);
        assert_eq!(names(&["lints"]).unwrap(), ["lints"]);
        assert_eq!(names(&["bench"]).unwrap(), ["build", "bench"], "what is booted is not what was built some day");
        assert!(!names(&[]).unwrap().contains(&"lints"));
        assert!(names(&["lint"]).is_err());
    }
}
