//! `cargo xtask size`: how large the image and its trusted part are, against their limits.

mod baseline;
mod sections;
mod trusted;

use crate::build::{self, Profile};
use crate::toolchain::Toolchain;
use crate::{Result, workspace};
use baseline::Baseline;
use sections::{Room, Sections};
use trusted::Trusted;

/// Bytes of text and read-only data that a release image may hold.
const TEXT_AND_RODATA_LIMIT: u64 = 128 << 10;
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
    let problems: Vec<_> = image_problems(&sections).into_iter().chain(trusted_problems(&trusted)).collect();
    if problems.is_empty() { Ok(()) } else { Err(problems.join("\n").into()) }
}

/// What is wrong with the size of the release image; for the test suites.
pub fn check_image() -> Result<Vec<String>> {
    Ok(image_problems(&measured()?.0))
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

fn image_problems(sections: &Sections) -> Vec<String> {
    let total = sections.text + sections.rodata;
    let over = total > TEXT_AND_RODATA_LIMIT;
    over.then(|| format!("text and rodata take {total} bytes, the limit is {TEXT_AND_RODATA_LIMIT}"))
        .into_iter()
        .collect()
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
    println!("text and rodata {total} of {TEXT_AND_RODATA_LIMIT} bytes ({} %)", total * 100 / TEXT_AND_RODATA_LIMIT);
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
        assert!(image_problems(&sections(TEXT_AND_RODATA_LIMIT - 1000)).is_empty());
        assert_eq!(image_problems(&sections(TEXT_AND_RODATA_LIMIT - 999)).len(), 1);
        let trusted = |lines, blocks| Trusted { lines, blocks, without_reason: Vec::new() };
        assert!(trusted_problems(&trusted(EL2_LINE_LIMIT, UNSAFE_LIMIT)).is_empty());
        assert_eq!(trusted_problems(&trusted(EL2_LINE_LIMIT + 1, UNSAFE_LIMIT + 1)).len(), 2);
    }
}
