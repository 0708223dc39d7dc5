//! What the command line asks for.

use super::board::Gic;
use super::check::{self, CHECKS, Check};
use super::files::{self, Files};
use super::show;
use crate::error::ToolError;
use crate::output;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// Shows Linux and FreeRTOS side by side on one simulated board, or proves what is claimed of them.
#[derive(clap::Args)]
pub struct Arguments {
    /// Run unattended and judge: a line for each check, exit status 1 if one is not ok
    #[arg(long)]
    check: bool,
    /// The board's interrupt controller
    #[arg(long, value_name = "VERSION", default_value = "3")]
    gic: Gic,
    /// Sabotage this check, which must then fail
    #[arg(long = "break", value_name = "NAME", value_parser = check::named, requires = "check")]
    broken: Option<&'static Check>,
    /// Run only this check; may be given more than once
    #[arg(long, value_name = "NAME", value_parser = check::named, requires = "check")]
    only: Vec<&'static Check>,
    /// Name the checks, and what sabotages each
    #[arg(long)]
    list: bool,
    /// Play the acts with captions, in a minute
    #[arg(long, conflicts_with = "check")]
    tour: bool,
    /// Print lines instead of panes
    #[arg(long, conflicts_with = "check")]
    plain: bool,
    /// Make a picture (SVG, on standard output) from the tour.log that a showing left
    #[arg(long, value_name = "LOG", conflicts_with_all = ["check", "tour"])]
    picture: Option<PathBuf>,
    /// The picture's moment, in milliseconds after the start [default: after the second act]
    #[arg(long, value_name = "MILLISECONDS", requires = "picture")]
    at: Option<u64>,
    /// Where the logs go [default: target/demo]
    #[arg(long, value_name = "FOLDER")]
    output: Option<PathBuf>,
    /// How long to wait for any one thing before giving up
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    limit: u64,
}

/// Exit status if something that the demo needs is missing.
const MISSING: u8 = 2;

/// Does what `arguments` ask for.
///
/// # Errors
/// The board cannot be started, or a file not be read or written.
pub fn run(arguments: Arguments) -> Result<ExitCode, ToolError> {
    if arguments.list {
        list()?;
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(log) = &arguments.picture {
        output::print(&show::picture(log, arguments.at)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let files = match Files::find(arguments.gic) {
        Ok(files) => files,
        Err(error) => {
            output::complain(&error.to_string());
            return Ok(ExitCode::from(MISSING));
        }
    };
    let folder = arguments.output.unwrap_or_else(|| files::target().join("demo"));
    std::fs::create_dir_all(&folder).map_err(|error| ToolError::file(&folder, &error))?;
    if !arguments.check {
        let Arguments { gic, tour, plain, .. } = arguments;
        show::run(&show::Options { gic, tour, plain, folder }, &files)?;
        return Ok(ExitCode::SUCCESS);
    }
    let options = check::Options {
        gic: arguments.gic,
        broken: arguments.broken,
        checks: if arguments.only.is_empty() { CHECKS.iter().collect() } else { arguments.only },
        folder,
        limit: Duration::from_secs(arguments.limit),
    };
    let good = check::run(&options, &files)?;
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn list() -> Result<(), ToolError> {
    CHECKS.iter().try_for_each(|check| {
        output::line(&format!("{:<12} {}\n{:12} --break: {}", check.name, check.claim, "", check.sabotage))
    })
}
