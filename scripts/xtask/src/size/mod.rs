//! `cargo xtask size`: how large the image and its trusted part are, and how much of EL2's stacks and heap the demo
//! uses, against their limits.

mod baseline;
pub mod demo;
pub mod marks;
mod sections;
mod trusted;

use crate::build::{self, Profile};
use crate::toolchain::Toolchain;
use crate::{Result, workspace};
use baseline::Baseline;
use sections::{Room, Sections};
use trusted::Trusted;

/// Bytes of text and read-only data that a release image is to hold at most.
const TEXT_AND_RODATA_GOAL: u64 = 128 << 10;
/// Percent by which an image above the goal may exceed the committed baseline: compilers differ by as much.
const TOLERANCE: u64 = 2;
/// Lines of code in `hypervisor/el2`, tests left out.
const EL2_LINE_LIMIT: usize = 3_500;
/// Unsafe blocks in `hypervisor/el2`.
const UNSAFE_LIMIT: usize = 120;

/// Options of `cargo xtask size`.
#[derive(clap::Args)]
pub struct Arguments {
    /// Write the sizes as the new baseline, scripts/xtask/size-baseline.toml
    #[arg(long)]
    update: bool,
    /// Do not boot the demo's guests, whose run tells how much of stacks and heap is used
    #[arg(long)]
    no_boot: bool,
}

pub fn main(arguments: &Arguments) -> Result<()> {
    let (sections, rooms) = measured()?;
    let trusted = trusted::count()?;
    show_sections(&sections);
    show_rooms(&rooms, &Baseline::load()?);
    println!(
        "el2: {} lines of code (limit {EL2_LINE_LIMIT}), {} unsafe blocks (limit {UNSAFE_LIMIT})",
        trusted.lines, trusted.blocks
    );
    if arguments.update {
        baseline::store(&sections, &rooms)?;
    }
    let baseline = Baseline::load()?;
    let mut problems = image_problems(&sections, &baseline.sections);
    problems.extend(trusted_problems(&trusted));
    if !arguments.no_boot {
        problems.extend(show_marks()?);
    }
    if problems.is_empty() { Ok(()) } else { Err(problems.join("\n").into()) }
}

/// Shows how much of stacks and heap the demo used; what is too much.
fn show_marks() -> Result<Vec<String>> {
    let marks = match read_marks()? {
        Ok(marks) => marks,
        Err(missing) => {
            println!("stacks and heap: not measured, {missing}");
            return Ok(Vec::new());
        }
    };
    println!("most that the demo used, of:");
    marks.iter().for_each(|mark| println!("  {mark}"));
    Ok(marks.iter().filter_map(marks::Mark::problem).collect())
}

/// How much of stacks and heap the demo uses; why that cannot be known, if one of its files is missing.
fn read_marks() -> Result<std::result::Result<Vec<marks::Mark>, String>> {
    build::all()?;
    let elf = build::output_folder(Profile::Release).join("bulkhead");
    match demo::memory(&Toolchain::load()?)? {
        Ok(memory) => marks::read(&std::fs::read(elf)?, &memory).map(Ok),
        Err(missing) => Ok(Err(missing)),
    }
}

/// Whether the demo uses too much of EL2's stacks or of its heap; for the test suites.
pub fn check_marks() -> Result<Vec<String>> {
    Ok(match read_marks()? {
        Ok(marks) => marks.iter().filter_map(marks::Mark::problem).collect(),
        Err(missing) => vec![missing],
    })
}

/// What is wrong with the size of the release image; for the test suites.
pub fn check_image() -> Result<Vec<String>> {
    Ok(image_problems(&measured()?.0, &Baseline::load()?.sections))
}

/// What is wrong with the size and the reasons of the trusted code; for the test suites.
pub fn check_trusted() -> Result<Vec<String>> {
    Ok(trusted_problems(&trusted::count()?))
}

fn measured() -> Result<(Sections, Vec<Room>)> {
    let elf = build::hypervisor(&Toolchain::load()?, Profile::Release, false)?;
    let bytes = std::fs::read(&elf).map_err(|error| format!("{}: {error}", workspace::shown(&elf)))?;
    Ok((sections::measure(&bytes)?, sections::rooms(&bytes)?))
}

/// The goal holds where it was reached once. Until then an image must not grow beyond the baseline.
fn image_problems(sections: &Sections, baseline: &Sections) -> Vec<String> {
    let total = sections.text + sections.rodata;
    let before = baseline.text + baseline.rodata;
    let limit = TEXT_AND_RODATA_GOAL.max(before + before * TOLERANCE / 100);
    let problem = format!(
        "text and rodata take {total} bytes; the limit is {limit}, by the goal of {TEXT_AND_RODATA_GOAL} and the baseline of {before}"
    );
    (total > limit).then_some(problem).into_iter().collect()
}

fn trusted_problems(trusted: &Trusted) -> Vec<String> {
    let mut problems = trusted.without_reason.clone();
    if trusted.lines > EL2_LINE_LIMIT {
        problems.push(format!("el2 has {} lines of code, the limit is {EL2_LINE_LIMIT}", trusted.lines));
    }
    if trusted.blocks > UNSAFE_LIMIT {
        problems.push(format!("el2 has {} unsafe blocks, the limit is {UNSAFE_LIMIT}", trusted.blocks));
    }
    problems
}

fn show_sections(sections: &Sections) {
    let total = sections.text + sections.rodata;
    println!(
        "text {:>8}  rodata {:>8}  data {:>8}  bss {:>8}  bytes",
        sections.text, sections.rodata, sections.data, sections.bss
    );
    println!("text and rodata {total}, the goal is {TEXT_AND_RODATA_GOAL} ({} %)", total * 100 / TEXT_AND_RODATA_GOAL);
}

fn show_rooms(rooms: &[Room], baseline: &Baseline) {
    println!("text by room, in bytes, and against the baseline:");
    for room in rooms {
        match baseline.rooms.get(&room.name) {
            Some(&before) => println!("  {:<40} {:>8}  {:+}", room.name, room.bytes, room.bytes as i64 - before as i64),
            None => println!("  {:<40} {:>8}  new", room.name, room.bytes),
        }
    }
    for gone in baseline.rooms.keys().filter(|name| !rooms.iter().any(|room| room.name == **name)) {
        println!("  {gone:<40} {:>8}  gone", 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_limit_is_the_largest_value_allowed() {
        let sections = |text| Sections { text, rodata: 1000, data: 1 << 20, bss: 1 << 20 };
        let reached = sections(50_000);
        assert!(image_problems(&sections(TEXT_AND_RODATA_GOAL - 1000), &reached).is_empty());
        assert_eq!(image_problems(&sections(TEXT_AND_RODATA_GOAL - 999), &reached).len(), 1);
        let missed = sections(199_000);
        assert!(image_problems(&sections(203_000), &missed).is_empty());
        assert_eq!(image_problems(&sections(203_001), &missed).len(), 1);
        let trusted = |lines, blocks| Trusted { lines, blocks, without_reason: Vec::new() };
        assert!(trusted_problems(&trusted(EL2_LINE_LIMIT, UNSAFE_LIMIT)).is_empty());
        assert_eq!(trusted_problems(&trusted(EL2_LINE_LIMIT + 1, UNSAFE_LIMIT + 1)).len(), 2);
    }
}
