//! `cargo xtask bench`: what each operation costs in instructions, natively at EL1 and under the hypervisor.
//!
//! The guest of `tests/bench` reads the counter around each operation on a board that counts instructions, so a number
//! is the same on every machine and at every load; a run is made until two agree, and one that differs is reported.

pub mod baseline;
mod chart;
mod linux;
pub mod matrix;
mod page;
mod peers;
mod repeat;
mod report;
mod restart;
pub mod results;
mod rows;
pub mod run;
mod whole;

use crate::toolchain::Toolchain;
use crate::{Result, build, process, workspace};
use baseline::Change;
use matrix::{Configuration, System};
use results::{Costs, Results};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Samples of each operation that the baseline is made of.
const SAMPLES: u32 = 2000;
/// What the guest is told that measures worst cases: every sample is of the same state.
const WORST: &str = "worst samples=20 warm=2";
/// What their names begin with.
const WORST_NAMES: &str = "worst-";
/// Instructions from the hypervisor's entry to the first guest's that a board may take, without copying and zeroing.
const ENTRY_LIMIT: u64 = 1_000_000;

/// Options of `cargo xtask bench`.
#[derive(clap::Args)]
pub struct Arguments {
    /// Write the medians as the new baseline, scripts/xtask/bench-baseline.toml, with --peers theirs too, and the tables
    /// and plots of hypervisor/docs/results.md
    #[arg(long)]
    update: bool,
    /// Measure this revision's hypervisor too, and show the difference
    #[arg(long, value_name = "REVISION")]
    against: Option<String>,
    /// Leave out operations whose names do not begin with this
    #[arg(long, default_value = "", conflicts_with = "update")]
    only: String,
    /// Measure Xen and KVM too, which Debian has; says first what is to be downloaded
    #[arg(long)]
    peers: bool,
    /// Measure Debian's Linux instead: its boot, and work of several kinds in it, over the bare board
    #[arg(long, conflicts_with_all = ["update", "against", "only", "peers", "samples"])]
    linux: bool,
    /// Measure the whole system instead, or a part: FreeRTOS's jitter, Linux's exits, growth with VMs and vCPUs
    #[arg(long, value_name = "PART", num_args = 0..=1, default_missing_value = "all")]
    #[arg(conflicts_with_all = ["update", "against", "only", "peers", "samples", "linux"])]
    whole: Option<whole::Part>,
    /// Samples of each operation
    #[arg(long, default_value_t = SAMPLES, value_parser = clap::value_parser!(u32).range(1..=8192))]
    samples: u32,
}

pub fn main(arguments: &Arguments) -> Result<()> {
    let toolchain = Toolchain::load()?;
    build::all()?;
    let folder = emptied_folder()?;
    if arguments.linux {
        return linux::measure(&toolchain, &folder);
    }
    if let Some(part) = arguments.whole {
        return whole::measure(&toolchain, &folder, part);
    }
    let boards = [&matrix::boards(System::Native)[..], &matrix::HYPERVISOR, &matrix::WORST].concat();
    let mut results = measure(&toolchain, &workspace::image(), &boards, arguments)?;
    if arguments.peers {
        peers::measure(&toolchain, &mut results, &folder.join("peers"), &bootargs(arguments))?;
    }
    peers::entries(&mut results);
    let against = match &arguments.against {
        Some(revision) => {
            let image = image_of(&toolchain, revision, &folder)?;
            measure(&toolchain, &image, &matrix::HYPERVISOR, arguments)?.named(revision)
        }
        None if baseline::is_there() => baseline::load()?,
        None => Results::default(),
    };
    let text = report::markdown(&results, &against);
    print!("{text}");
    std::fs::write(folder.join("report.md"), text)?;
    std::fs::write(folder.join("results.json"), serde_json::to_string_pretty(&results)? + "\n")?;
    for gic in [2, 3] {
        chart::draw(&folder.join(format!("gicv{gic}.svg")), &results, gic)?;
    }
    println!("{}: report.md, results.json, gicv2.svg, gicv3.svg", workspace::shown(&folder));
    if arguments.update {
        baseline::store(&results)?;
        if arguments.peers && results.left_out.is_empty() {
            peers::known::store(&results)?;
        }
        peers::known::complete(&mut results)?;
        page::update(&results)?;
    }
    // Others may differ: a host with two cores shares them out by more than what it counts.
    let ours = |name: &&String| ["native", "bulkhead"].iter().any(|system| name.starts_with(system));
    match results.not_exact.iter().filter(ours).map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => Ok(()),
        differ => Err(format!("not exact, no two runs agree: {}", differ.join(", ")).into()),
    }
}

/// What grew beyond the committed baseline; for the test suites.
pub fn check() -> Result<Vec<String>> {
    let arguments = Arguments {
        update: false,
        against: None,
        only: String::new(),
        peers: false,
        linux: false,
        whole: None,
        samples: SAMPLES,
    };
    let boards = [&matrix::HYPERVISOR[..], &matrix::WORST].concat();
    let results = measure(&Toolchain::load()?, &workspace::image(), &boards, &arguments)?;
    let entries = results.boards.iter().filter_map(|(board, costs)| Some((board, costs.get("entry-to-guest")?.median)));
    let late = entries.filter(|(_, cost)| *cost > ENTRY_LIMIT);
    let late =
        late.map(|(board, cost)| format!("{board}: {cost} instructions to the first guest, at most {ENTRY_LIMIT}"));
    let inexact = results.not_exact.iter().map(|operation| format!("{operation}: no two runs agree"));
    let before = baseline::load()?;
    let grown = baseline::changes(&results, &before).into_iter().filter(Change::is_too_much);
    let grown = grown.map(|change| change.to_string());
    Ok(late.chain(inexact).chain(baseline::missing(&results, &before)).chain(grown).collect())
}

fn measure(
    toolchain: &Toolchain,
    image: &Path,
    configurations: &[Configuration],
    arguments: &Arguments,
) -> Result<Results> {
    let mut results = Results::default();
    for configuration in configurations {
        println!("{configuration} ...");
        let run = || run_once(&toolchain.qemu(), image, configuration, arguments);
        results.add(configuration, repeat::repeat(repeat::LIMIT, run)?);
    }
    Ok(results)
}

/// What one run on one board says.
fn run_once(qemu: &Path, image: &Path, configuration: &Configuration, arguments: &Arguments) -> Result<Costs> {
    if matrix::WORST.contains(configuration) {
        let mut costs = run::run(qemu, image, configuration, &format!("{WORST} only={}", arguments.only))?;
        costs.retain(|name, _| name.starts_with(WORST_NAMES));
        // The same state each time: what a sample has beyond the least is what another core did in its turns.
        costs.values_mut().for_each(|cost| cost.median = cost.minimum);
        return Ok(costs);
    }
    let mut costs = run::run(qemu, image, configuration, &bootargs(arguments))?;
    if configuration.system == System::Bulkhead && restart::NAME.starts_with(&arguments.only) {
        costs.extend(restart::measure(qemu, image, configuration)?);
    }
    Ok(costs)
}

fn bootargs(arguments: &Arguments) -> String {
    format!("samples={} only={}", arguments.samples, arguments.only)
}

fn emptied_folder() -> Result<PathBuf> {
    let folder = workspace::target().join("bench");
    if folder.is_dir() {
        std::fs::remove_dir_all(&folder)?;
    }
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// The image that the recipe of `revision` makes, built in a work tree of its own, which is gone afterwards.
fn image_of(toolchain: &Toolchain, revision: &str, folder: &Path) -> Result<PathBuf> {
    let (tree, image) = (folder.join("revision"), folder.join("revision.img"));
    let mut add = Command::new("git");
    add.current_dir(workspace::root()).args(["worktree", "add", "--quiet", "--detach"]).arg(&tree).arg(revision);
    process::run(&mut add)?;
    let target = tree.join("target");
    let mut build = toolchain.host_cargo();
    build.current_dir(&tree).env("CARGO_TARGET_DIR", &target).args(["xtask", "build", "--no-guests"]);
    let built = process::run(&mut build).and_then(|()| Ok(std::fs::copy(target.join("bulkhead.img"), &image)?));
    let mut remove = Command::new("git");
    remove.current_dir(workspace::root()).args(["worktree", "remove", "--force"]).arg(&tree);
    process::run(&mut remove)?;
    built.map(|_| image)
}
