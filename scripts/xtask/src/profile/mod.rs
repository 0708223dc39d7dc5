//! `cargo xtask profile OPERATION`: which functions of the hypervisor an operation's instructions belong to.
//!
//! The board and the guest are those of `cargo xtask bench`; QEMU executes one instruction a block and logs each. Calls
//! are followed from the first instruction on, so a function's callers are the real ones, and what the compiler put
//! into other functions is told apart by the debugging information.

mod board;
mod calls;
mod entry;
mod names;
mod operation;
mod report;
mod trace;
mod windows;

use crate::bench::baseline;
use crate::bench::matrix::{Configuration, System};
use crate::build::{self, Profile};
use crate::toolchain::Toolchain;
use crate::{Result, workspace};
use calls::{Calls, Place};
use clap::error::ErrorKind;
use names::Names;
use report::{Stacks, table};

/// The operation that is the boot.
const ENTRY: &str = "entry";
/// What `cargo xtask bench` calls its cost.
const ENTRY_COST: &str = "entry-to-guest";
/// Functions that are printed; the file has all.
const SHOWN: usize = 40;
/// Instructions by which trace and measurement may differ: QEMU does not count one that a trap ends before its time.
const TOLERANCE: u64 = 1;

/// Options of `cargo xtask profile`.
#[derive(clap::Args)]
pub struct Arguments {
    /// An operation of `cargo xtask bench`, or `entry`: from the hypervisor's first instruction to the first guest's
    operation: String,
    /// Version of the interrupt controller
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(2..=3))]
    gic: u8,
    /// Cores of the board, all of them the guest's
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=2))]
    cores: u8,
}

/// What was traced of an operation.
struct Traced {
    /// The hypervisor's instructions.
    places: Vec<Place>,
    calls: Calls,
    /// How that fits what was measured, in sentences.
    words: String,
    /// Instructions that were measured beyond those traced.
    difference: i64,
}

/// Both files that run, for what they are made of.
struct Programs {
    hypervisor: Vec<u8>,
    guest: Vec<u8>,
}

pub fn main(arguments: &Arguments) -> Result<()> {
    let board = Configuration { system: System::Bulkhead, gic: arguments.gic, cores: arguments.cores };
    if let Err(message) = known(&arguments.operation, &board) {
        clap::Error::raw(ErrorKind::InvalidValue, message).exit();
    }
    build::all()?;
    let (traced, stacks) = trace(&arguments.operation, &board)?;
    write(&arguments.operation, &board, &stacks, &traced.words)?;
    match misfit(&traced) {
        Some(problem) => Err(problem.into()),
        None => Ok(()),
    }
}

/// What is wrong with the profile of one operation; for the test suites.
pub fn check() -> Result<Vec<String>> {
    let board = Configuration { system: System::Bulkhead, gic: 3, cores: 1 };
    let (traced, stacks) = trace("psci-version", &board)?;
    let rows = stacks.rows();
    let expected = ["guest_exit", "bulkhead_vmm::psci::own", "guest_enter"];
    let missing = expected.iter().filter(|name| !rows.iter().any(|row| row.function == **name && row.own > 0));
    Ok(misfit(&traced).into_iter().chain(missing.map(|name| format!("no instruction of {name}"))).collect())
}

fn trace(operation: &str, board: &Configuration) -> Result<(Traced, Stacks)> {
    let qemu = Toolchain::load()?.qemu();
    let programs = Programs { hypervisor: built("bulkhead")?, guest: built("bench")? };
    let traced = match operation {
        ENTRY => entry::trace(&qemu, board, &programs)?,
        _ => operation::trace(&qemu, board, &programs, operation)?,
    };
    let stacks = Stacks::new(&traced.places, &traced.calls, &mut Names::new(&programs.hypervisor)?, board.cores)?;
    Ok((traced, stacks))
}

fn misfit(traced: &Traced) -> Option<String> {
    let difference = traced.difference;
    (difference.unsigned_abs() > TOLERANCE).then(|| {
        format!("{difference} instructions were measured beyond those traced: the profile is of something else")
    })
}

/// The bytes of a file that was built for the board.
fn built(name: &str) -> Result<Vec<u8>> {
    let path = build::output_folder(Profile::Release).join(name);
    Ok(std::fs::read(&path).map_err(|error| format!("{}: {error}", workspace::shown(&path)))?)
}

/// Whether `board` has `operation`; if not, what there is.
fn known(operation: &str, board: &Configuration) -> std::result::Result<(), String> {
    let baseline = baseline::load().map_err(|error| format!("{error}\n"))?;
    let of = |board: &str| baseline.boards.get(board).into_iter().flat_map(|costs| costs.keys()).map(String::as_str);
    let own: Vec<_> = of(&board.to_string()).filter(|name| *name != ENTRY_COST).chain([ENTRY]).collect();
    if own.contains(&operation) {
        return Ok(());
    }
    let others: Vec<_> = baseline.boards.keys().filter(|other| of(other).any(|name| name == operation)).collect();
    Err(match others.as_slice() {
        [] => format!("{operation}: no operation of {board}; it has {}\n", own.join(", ")),
        others => format!("{operation}: no operation of {board}, but of {others:?} (--gic, --cores)\n"),
    })
}

fn write(operation: &str, board: &Configuration, stacks: &Stacks, words: &str) -> Result<()> {
    let folder = workspace::target().join("profile");
    std::fs::create_dir_all(&folder)?;
    let (rows, total) = (stacks.rows(), stacks.total());
    let title = format!("{operation} on {board}: {total} instructions at EL2");
    let head = format!("# {title}\n\n{words}\n");
    std::fs::write(folder.join(format!("{operation}.md")), format!("{head}{}", table(&rows, total)))?;
    std::fs::write(folder.join(format!("{operation}.folded")), stacks.folded())?;
    let picture = folder.join(format!("{operation}.svg"));
    match total {
        // There is nothing to draw; an older picture would be of something else.
        0 if picture.is_file() => std::fs::remove_file(&picture)?,
        0 => {}
        _ => stacks.draw(&picture, &title)?,
    }
    print!("{head}{}", table(&rows[..rows.len().min(SHOWN)], total));
    if rows.len() > SHOWN {
        println!("and {} more functions", rows.len() - SHOWN);
    }
    println!("{}: {operation}.md, .folded, .svg", workspace::shown(&folder));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_those_of_the_baseline_and_the_entry() {
        let board = |gic, cores| Configuration { system: System::Bulkhead, gic, cores };
        for (operation, board) in [("entry", board(2, 2)), ("psci-version", board(3, 1)), ("cpu-on", board(3, 2))] {
            assert_eq!(known(operation, &board), Ok(()));
        }
        let message = known("cpu-off", &board(3, 1)).unwrap_err();
        assert!(message.contains("psci-version") && message.contains("entry"), "{message}");
        assert!(!message.contains(ENTRY_COST), "{message}");
        let message = known("cpu-on", &board(3, 1)).unwrap_err();
        assert!(message.contains("bulkhead-gicv3-2") && !message.contains("psci-version"), "{message}");
    }
}
