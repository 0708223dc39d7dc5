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

/// Bytes of text and read-only data that the image without optional capabilities is to hold at most.
const TEXT_AND_RODATA_GOAL: u64 = 128 << 10;
/// Percent by which the shipped image may exceed the committed baseline: compilers differ by as much.
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
    let (core, sections, rooms) = measured()?;
    let trusted = trusted::count()?;
    show_sections("without optional capabilities", &core);
    println!("the limit of its text and rodata is {TEXT_AND_RODATA_GOAL}");
    show_sections("as shipped", &sections);
    show_rooms(&rooms, &Baseline::load()?);
    println!(
        "el2: {} lines of code (limit {EL2_LINE_LIMIT}), {} unsafe blocks (limit {UNSAFE_LIMIT})",
        trusted.lines, trusted.blocks
    );
    if arguments.update {
        baseline::store(&sections, &rooms)?;
    }
    let baseline = Baseline::load()?;
    let mut problems = image_problems(&core, &sections, &baseline.sections);
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

/// What is wrong with the size of the images; for the test suites.
pub fn check_image() -> Result<Vec<String>> {
    let (core, sections, _) = measured()?;
    Ok(image_problems(&core, &sections, &Baseline::load()?.sections))
}

/// What is wrong with the size and the reasons of the trusted code; for the test suites.
pub fn check_trusted() -> Result<Vec<String>> {
    Ok(trusted_problems(&trusted::count()?))
}

/// The image without optional capabilities; the shipped one, and its rooms.
fn measured() -> Result<(Sections, Sections, Vec<Room>)> {
    let core = sections::measure(&elf(Profile::Core)?)?;
    let shipped = elf(Profile::Release)?;
    Ok((core, sections::measure(&shipped)?, sections::rooms(&shipped)?))
}

fn elf(profile: Profile) -> Result<Vec<u8>> {
    let elf = build::hypervisor(&Toolchain::load()?, profile, false)?;
    std::fs::read(&elf).map_err(|error| format!("{}: {error}", workspace::shown(&elf)).into())
}

/// What every image has must stay within the goal, and what is shipped must not grow unseen.
fn image_problems(core: &Sections, shipped: &Sections, baseline: &Sections) -> Vec<String> {
    let [core, shipped, before] = [core, shipped, baseline].map(|sections| sections.text + sections.rodata);
    let limit = before + before * TOLERANCE / 100;
    let mut problems = Vec::new();
    if core > TEXT_AND_RODATA_GOAL {
        problems.push(format!(
            "without optional capabilities text and rodata take {core} bytes; the limit is {TEXT_AND_RODATA_GOAL}"
        ));
    }
    if shipped > limit {
        problems.push(format!(
            "text and rodata take {shipped} bytes; the limit is {limit}, by the baseline of {before}: cargo xtask size --update"
        ));
    }
    problems
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

fn show_sections(which: &str, sections: &Sections) {
    let Sections { text, rodata, data, bss } = sections;
    println!("{which}: text {text} + rodata {rodata} = {}, data {data}, bss {bss} bytes", text + rodata);
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
        let problems = |core, shipped| image_problems(&sections(core), &sections(shipped), &sections(199_000)).len();
        assert_eq!(problems(TEXT_AND_RODATA_GOAL - 1000, 203_000), 0);
        assert_eq!([problems(TEXT_AND_RODATA_GOAL - 999, 203_000), problems(0, 203_001)], [1, 1]);
        let trusted = |lines, blocks| Trusted { lines, blocks, without_reason: Vec::new() };
        assert!(trusted_problems(&trusted(EL2_LINE_LIMIT, UNSAFE_LIMIT)).is_empty());
        assert_eq!(trusted_problems(&trusted(EL2_LINE_LIMIT + 1, UNSAFE_LIMIT + 1)).len(), 2);
    }
}
