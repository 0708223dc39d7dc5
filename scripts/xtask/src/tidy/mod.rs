//! `cargo xtask tidy`: what a reader would otherwise have to look for.

mod boards;
mod lengths;
mod links;
mod lints;
mod readmes;
mod words;

use crate::Result;

/// Options of `cargo xtask tidy`.
#[derive(clap::Args)]
pub struct Arguments {
    /// Run only the checks whose names contain this
    #[arg(long)]
    filter: Option<String>,
}

/// One check: its problems, each a sentence that starts with a place.
pub struct Check {
    /// What the developer types for `--filter`.
    pub name: &'static str,
    /// Finds the problems. An error means that the check could not be made.
    pub run: fn() -> Result<Vec<String>>,
}

/// The checks that read files.
pub const FILES: [Check; 7] = [
    Check { name: "tidy::file-length", run: lengths::check },
    Check { name: "tidy::readme", run: readmes::check },
    Check { name: "tidy::words", run: words::check },
    Check { name: "tidy::links", run: links::check },
    Check { name: "tidy::board-names", run: boards::check },
    Check { name: "tidy::board-length", run: boards::check_length },
    Check { name: "tidy::trusted-code", run: crate::size::check_trusted },
];

/// The checks that compile.
pub const LINTS: [Check; 6] = [
    Check { name: "tidy::format", run: lints::format },
    Check { name: "tidy::clippy-host", run: lints::clippy_host },
    Check { name: "tidy::clippy-bare-metal", run: lints::clippy_bare_metal },
    Check { name: "tidy::fuzz-targets", run: lints::fuzz_targets },
    Check { name: "tidy::documentation-host", run: lints::documentation_host },
    Check { name: "tidy::documentation-bare-metal", run: lints::documentation_bare_metal },
];

pub fn main(arguments: &Arguments) -> Result<()> {
    let wanted = |check: &&Check| arguments.filter.as_ref().is_none_or(|filter| check.name.contains(filter.as_str()));
    let (mut ran, mut failed) = (0, 0);
    for check in FILES.iter().chain(&LINTS).filter(wanted) {
        let problems = (check.run)()?;
        println!("{}: {}", check.name, if problems.is_empty() { "ok" } else { "FAILED" });
        problems.iter().for_each(|problem| println!("  {problem}"));
        ran += 1;
        failed += usize::from(!problems.is_empty());
    }
    if arguments.filter.is_none() {
        lengths::warn()?;
    }
    match (ran, failed) {
        (0, _) => Err("no check has that in its name".into()),
        (_, 0) => Ok(()),
        (ran, failed) => Err(format!("{failed} of {ran} checks failed").into()),
    }
}
