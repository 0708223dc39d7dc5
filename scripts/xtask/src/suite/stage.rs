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

/// One part of the suites.
pub struct Stage {
    /// A word for reports.
    pub name: &'static str,
    /// The heading.
    pub title: &'static str,
    /// Runs it.
    pub run: fn(&Plan) -> Result<Vec<Outcome>>,
    /// Names its tests.
    pub list: fn(&Plan) -> Result<Vec<String>>,
}

/// The stages of these names in their order; all of them if none is named.
pub fn chosen(lints: bool, names: &[String]) -> Result<Vec<Stage>> {
    let mut stages = all(lints);
    if let Some(unknown) = names.iter().find(|name| !stages.iter().any(|stage| stage.name == **name)) {
        let known: Vec<_> = stages.iter().map(|stage| stage.name).collect();
        return Err(format!("--stage {unknown}: expected one of {}", known.join(", ")).into());
    }
    stages.retain(|stage| names.is_empty() || names.iter().any(|name| name == stage.name));
    Ok(stages)
}

/// What fails fastest comes first.
fn all(lints: bool) -> Vec<Stage> {
    let mut stages = vec![
        Stage { name: "tidy", title: "Files, links and words", run: checks::files, list: checks::list_files },
        Stage { name: "host", title: "Unit tests on this machine", run: cargo::host, list: cargo::list_host },
        Stage { name: "build", title: "The image and the guests", run: checks::build, list: checks::list_build },
        Stage {
            name: "freertos",
            title: "FreeRTOS without the hypervisor",
            run: checks::freertos,
            list: checks::list_freertos,
        },
        Stage { name: "qemu", title: "Boards in QEMU", run: cargo::qemu, list: cargo::list_qemu },
        Stage {
            name: "model",
            title: "The real thing against simple models",
            run: cargo::model,
            list: cargo::list_model,
        },
    ];
    if lints {
        stages.push(Stage {
            name: "lints",
            title: "Formatter, linters, documentation",
            run: checks::lints,
            list: checks::list_lints,
        });
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
        assert!(names(&["lints"]).is_err());
    }
}
