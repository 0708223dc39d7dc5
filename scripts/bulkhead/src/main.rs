//! `bulkhead`: checks, draws, packs and inspects configurations, and shows the demo.

use bulkhead_tool::check::{Report, Setup, check};
use bulkhead_tool::error::ToolError;
use bulkhead_tool::modules::{self, Files, Given};
use bulkhead_tool::output::{complain, line, print};
use bulkhead_tool::pack::{EarlyConsole, bare_header, pack_with, parse_address};
use bulkhead_tool::source::{Source, read};
use bulkhead_tool::{demo, inspect, map, svg};
use clap::{Args, Parser, Subcommand};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Checks, draws, packs and inspects configurations of the Bulkhead hypervisor.
#[derive(Parser)]
#[command(name = "bulkhead", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Say every mistake in a configuration: file, node, property, value and what was expected; and draw the memory,
    /// cores and interrupts that it results in
    Check(Target),
    /// Draw those alone, and write them as SVG
    Map {
        #[command(flatten)]
        target: Target,
        /// Write the drawing as SVG to this file
        #[arg(long)]
        svg: Option<PathBuf>,
    },
    /// Put hypervisor, configuration and guests into one file that needs only -kernel
    Pack(Pack),
    /// Say what is in an image
    Inspect {
        /// The image, bare or packed
        image: PathBuf,
    },
    /// Show Linux and FreeRTOS side by side on one simulated board, or prove what is claimed of them
    Demo(demo::Arguments),
}

/// A configuration and the board that it is for.
#[derive(Args)]
struct Target {
    /// The configuration: .dts, .dtb or a packed image
    config: PathBuf,
    /// The board's device tree [default: the configuration holds it]
    #[arg(long, value_name = "FILE")]
    board_dtb: Option<PathBuf>,
    /// The hypervisor's image, for its size [default: 2 MiB is assumed]
    #[arg(long, value_name = "FILE")]
    image: Option<PathBuf>,
    /// Where the firmware loads the hypervisor [default: 2 MiB above the start of RAM]
    #[arg(long, value_name = "ADDRESS", value_parser = parse_address)]
    image_base: Option<u64>,
    /// A module's file, such as linux/kernel=Image, in the place of what the configuration names
    #[arg(long, value_name = "NAME=FILE")]
    module: Vec<Given>,
}

#[derive(Args)]
struct Pack {
    /// The hypervisor's bare image
    image: PathBuf,
    /// The configuration: .dts or .dtb
    config: PathBuf,
    /// The file to write
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// A module's file, such as linux/kernel=Image, in the place of what the configuration names
    #[arg(long, value_name = "NAME=FILE")]
    module: Vec<Given>,
    /// A UART to use before a device tree is read, such as pl011@0x9000000
    #[arg(long, value_name = "KIND@ADDRESS")]
    early_uart: Option<EarlyConsole>,
    /// Check the configuration for the board of this device tree first
    #[arg(long, value_name = "FILE")]
    board_dtb: Option<PathBuf>,
}

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Check(target) => run_check(&target),
        Command::Map { target, svg } => run_map(&target, svg.as_deref()),
        Command::Pack(arguments) => run_pack(arguments),
        Command::Inspect { image } => run_inspect(&image),
        Command::Demo(arguments) => demo::run(arguments),
    };
    result.unwrap_or_else(|error| {
        complain(&format!("bulkhead: {error}"));
        ExitCode::FAILURE
    })
}

fn report(target: &Target) -> Result<Report, ToolError> {
    let config = Source::read(&target.config)?;
    let board = Source::read(target.board_dtb.as_deref().unwrap_or(&target.config))?;
    if target.board_dtb.is_none() && board.tree.view().find("/cpus").is_none() {
        return Err(ToolError("the configuration holds no board; give the board's device tree by --board-dtb".into()));
    }
    let image = target.image.as_deref().map(read).transpose()?;
    let image_size = image.map(|image| bare_header(&image).map(|header| header.bare_size)).transpose()?;
    check(&config, &board, &Setup { image_size, image_base: target.image_base, given: target.module.clone() })
}

/// Says warnings and mistakes; whether there are none of the latter.
fn say(report: &Report) -> bool {
    report.warnings.iter().for_each(|warning| complain(&format!("warning: {warning}")));
    report.mistakes.iter().for_each(|mistake| complain(&format!("error: {mistake}")));
    report.mistakes.is_empty()
}

fn exit(good: bool) -> ExitCode {
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The picture of what results, unless the board's tree is too bad for one.
fn draw(report: &Report) -> Result<(), ToolError> {
    report.outcome.as_ref().map_or(Ok(()), |outcome| print(&map::draw(outcome)))
}

fn run_check(target: &Target) -> Result<ExitCode, ToolError> {
    let report = report(target)?;
    let good = say(&report);
    draw(&report)?;
    if let (true, Some(outcome)) = (good, &report.outcome) {
        let vms = outcome.plan.vms.len();
        let warnings = report.warnings.len();
        line(&format!("\n{}: VMs: {vms}, warnings: {warnings}, no mistakes", target.config.display()))?;
    } else {
        complain(&format!("{}: mistakes: {}", target.config.display(), report.mistakes.len()));
    }
    Ok(exit(good))
}

fn run_inspect(image: &Path) -> Result<ExitCode, ToolError> {
    print(&inspect::inspect(image)?)?;
    Ok(ExitCode::SUCCESS)
}

fn run_map(target: &Target, svg_file: Option<&Path>) -> Result<ExitCode, ToolError> {
    let report = report(target)?;
    let good = say(&report);
    draw(&report)?;
    if let (Some(outcome), Some(path)) = (&report.outcome, svg_file) {
        std::fs::write(path, svg::draw(outcome)).map_err(|error| ToolError::file(path, &error))?;
    }
    Ok(exit(good))
}

fn run_pack(arguments: Pack) -> Result<ExitCode, ToolError> {
    let image = read(&arguments.image)?;
    let config = Source::read(&arguments.config)?;
    if let Some(board) = &arguments.board_dtb {
        let image_size = Some(bare_header(&image)?.bare_size);
        let setup = Setup { image_size, image_base: None, given: arguments.module.clone() };
        if !say(&check(&config, &Source::read(board)?, &setup)?) {
            return Ok(ExitCode::FAILURE);
        }
    }
    let Files { files, missing } = modules::files(&config, &arguments.module)?;
    if !missing.is_empty() {
        missing.iter().for_each(|(_, error)| complain(&format!("error: {error}")));
        return Ok(ExitCode::FAILURE);
    }
    let packed = pack_with(&image, config.tree.as_bytes(), &files, arguments.early_uart)?;
    std::fs::write(&arguments.output, &packed).map_err(|error| ToolError::file(&arguments.output, &error))?;
    let checked = if arguments.board_dtb.is_some() { "" } else { "; not checked: --board-dtb FILE does" };
    line(&format!("{}: {} bytes, modules: {}{checked}", arguments.output.display(), packed.len(), files.len()))?;
    Ok(ExitCode::SUCCESS)
}
