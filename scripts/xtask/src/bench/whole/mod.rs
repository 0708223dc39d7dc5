//! `cargo xtask bench --whole`: the whole system. The jitter of FreeRTOS's control loop, Linux's exits by cause, and how
//! boot and a trap's cost change with the number of VMs and vCPUs.

mod board;
mod configuration;
mod exits;
mod jitter;
mod linux;
mod picture;
mod repeat;
mod scaling;
mod shape;
mod table;

use crate::initramfs::{self, Measured};
use crate::toolchain::Toolchain;
use crate::{Result, workspace};
use repeat::Repeated;
use serde::Serialize;
use std::fmt::Display;
use std::path::{Path, PathBuf};

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Part {
    /// Everything.
    All,
    /// When FreeRTOS's control loop begins its periods.
    Jitter,
    /// Linux's exits by cause.
    Exits,
    /// Boot and a trap's cost over the number of VMs and vCPUs.
    Growth,
}

/// What every measurement needs.
pub struct Setting<'s> {
    toolchain: &'s Toolchain,
    /// For files that go when their measurement is over.
    folder: &'s Path,
    /// Linux's initial RAM disk.
    ramdisk: PathBuf,
}

/// One board's measurement.
#[derive(Debug, Serialize)]
pub struct Row<C, T> {
    /// The board.
    pub case: C,
    /// What was measured.
    #[serde(flatten)]
    pub value: T,
    /// Whether two runs gave the same.
    pub is_exact: bool,
}

/// All that was measured.
#[derive(Default, Serialize)]
pub struct Whole {
    /// FreeRTOS's control loop.
    pub jitter: Vec<Row<jitter::Case, jitter::Jitter>>,
    /// Linux's exits.
    pub exits: Vec<Row<exits::Case, exits::Loads>>,
    /// Growth.
    pub scaling: Vec<Row<scaling::Case, scaling::Point>>,
}

/// Measures `part`, prints its tables, and leaves them in `folder` with pictures.
pub fn measure(toolchain: &Toolchain, folder: &Path, part: Part) -> Result<()> {
    let boards = folder.join("boards");
    std::fs::create_dir_all(&boards)?;
    let ramdisk = boards.join("initramfs.cpio");
    initramfs::for_bench(Measured::Load, &ramdisk)?;
    let setting = Setting { toolchain, folder: &boards, ramdisk };
    let whole = Whole {
        scaling: rows(part, Part::Growth, scaling::cases(), |case, name| scaling::measure(&setting, case, name))?,
        jitter: rows(part, Part::Jitter, jitter::cases(), |case, name| jitter::measure(&setting, case, name))?,
        exits: rows(part, Part::Exits, exits::cases(), |case, name| exits::measure(&setting, case, name))?,
    };
    std::fs::remove_dir_all(&boards)?;
    let text = table::markdown(&whole);
    print!("{text}");
    std::fs::write(folder.join("whole.md"), text)?;
    std::fs::write(folder.join("whole.json"), serde_json::to_string_pretty(&whole)? + "\n")?;
    if !whole.jitter.is_empty() {
        picture::jitter(&folder.join("jitter.svg"), &whole.jitter)?;
    }
    if !whole.scaling.is_empty() {
        picture::growth(&folder.join("growth.svg"), &whole.scaling)?;
    }
    println!("{}: whole.md, whole.json and pictures", workspace::shown(folder));
    Ok(())
}

/// A row for each of `cases` if they are `of` the part that is `wanted`; else none.
fn rows<C: Display + Sync, T: PartialEq + Send>(
    wanted: Part,
    of: Part,
    cases: Vec<C>,
    measure: impl Fn(&C, &str) -> Result<T> + Sync,
) -> Result<Vec<Row<C, T>>> {
    if ![of, Part::All].contains(&wanted) {
        return Ok(Vec::new());
    }
    let measured = repeat::twice(&cases, measure)?.into_iter();
    let row = |(case, Repeated { first, is_exact })| Row { case, value: first, is_exact };
    Ok(cases.into_iter().zip(measured).map(row).collect())
}

/// The names of the boards of `rows` whose two runs differed.
fn not_exact<C: Display, T>(rows: &[Row<C, T>]) -> Vec<String> {
    rows.iter().filter(|row| !row.is_exact).map(|row| row.case.to_string()).collect()
}
