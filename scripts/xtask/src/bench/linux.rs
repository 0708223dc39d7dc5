//! `cargo xtask bench --linux`: how long Debian's Linux takes to its first process and for work of several kinds, on the
//! bare board and under the hypervisor, in instructions.

use super::matrix::{Configuration, System, boards};
use super::run;
use crate::initramfs::{self, Measured};
use crate::toolchain::Toolchain;
use crate::{Result, process, workspace};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// What Linux is told that works: where its programs lie is random else, and costs 2 % either way.
const WORKING: &str = "console=ttyAMA0 quiet norandmaps";

/// What `initramfs/bench` does and notes, and what that is.
const WORK: [(&str, &str); 4] = [
    ("processor", "20,000 turns of a shell's loop"),
    ("memory", "64 MiB of zeroes written to a file in memory"),
    ("system_calls", "200,000 reads and writes of a byte"),
    ("page_faults", "500 forks of a shell"),
];
/// Where guest-loader puts the kernel and the RAM disk.
const ADDRESSES: [u64; 2] = [0x5000_0000, 0x5800_0000];
const MEMORY: &str = "512M";
/// Seconds after which a board is ended.
const LIMIT: &str = "300";
/// Of QEMU's random numbers, of which the board's seeds are made: the kernel lies at the same place each time.
const SEED: &str = "1";

/// Nanoseconds, which are instructions, by what was done.
type Times = BTreeMap<String, u64>;

/// Measures, prints a table for each board, and leaves it in `folder`.
pub fn measure(toolchain: &Toolchain, folder: &Path) -> Result<()> {
    let disk = folder.join("initramfs.cpio");
    initramfs::for_bench(Measured::Work, &disk)?;
    let mut text = String::from("# Linux, in instructions\n");
    for (native, ours) in boards(System::Native).into_iter().zip(boards(System::Bulkhead)) {
        println!("Linux on {native} and {ours} ...");
        let bare = times(toolchain, &disk, &native)?;
        let under = times(toolchain, &disk, &ours)?;
        table(&mut text, &ours, &bare, &under)?;
    }
    print!("{text}");
    let file = folder.join("linux.md");
    std::fs::write(&file, text)?;
    println!("{}", workspace::shown(&file));
    Ok(())
}

/// What each took on one board: the boot with messages on the console, and the rest without.
fn times(toolchain: &Toolchain, disk: &Path, configuration: &Configuration) -> Result<Times> {
    let loud = boot(toolchain, disk, configuration, "console=ttyAMA0")?;
    let mut times = boot(toolchain, disk, configuration, WORKING)?;
    times.insert("loud".into(), *loud.get("boot").ok_or("no boot")?);
    Ok(times)
}

fn boot(toolchain: &Toolchain, disk: &Path, configuration: &Configuration, bootargs: &str) -> Result<Times> {
    let mut command = command(&toolchain.qemu(), disk, configuration, bootargs)?;
    let output =
        command.stdin(Stdio::null()).output().map_err(|error| format!("{}: {error}", process::line(&command)))?;
    let told = match configuration.system {
        System::Native => String::from_utf8_lossy(&output.stdout).into_owned(),
        _ => run::port(&output.stdout, "guest"),
    };
    let times = read(&told);
    if output.status.success() && times.len() == WORK.len() + 1 {
        return Ok(times);
    }
    Err(format!("{} ended with {}\n{told}", process::line(&command), output.status).into())
}

fn command(qemu: &Path, disk: &Path, configuration: &Configuration, bootargs: &str) -> Result<Command> {
    let kernel = workspace::linux()?.join("Image");
    let board = run::board(qemu, configuration.cores, MEMORY);
    let mut command = Command::new("timeout");
    command.args(["--kill-after=10", LIMIT]).arg(board.get_program()).args(board.get_args()).args(["-seed", SEED]);
    let is_native = configuration.system == System::Native;
    command.args(["-M", &run::machine(configuration.gic, !is_native)]);
    if is_native {
        command.arg("-kernel").arg(kernel).arg("-initrd").arg(disk).args(["-append", bootargs]);
    } else {
        let [at, disk_at] = ADDRESSES;
        command.arg("-kernel").arg(workspace::image());
        command.args(["-device", &crate::run::module_at(at, &kernel, bootargs)]);
        command.args(["-device", &crate::run::ramdisk_at(disk_at, disk)]);
    }
    Ok(command)
}

/// Reads lines such as `[    0.787153] bench: begin memory`.
fn read(told: &str) -> Times {
    let mut begun = BTreeMap::new();
    let mut times = Times::new();
    for line in told.lines() {
        let Some((stamp, note)) = line.split_once("] bench: ") else { continue };
        let Some(at) = stamp.rsplit('[').next().and_then(nanoseconds) else { continue };
        match note.trim().split_once(' ') {
            None => drop(times.insert("boot".into(), at)),
            Some(("begin", name)) => drop(begun.insert(name, at)),
            Some((_, name)) => drop(begun.get(name).map(|begin| times.insert(name.into(), at - begin))),
        }
    }
    times
}

/// `0.787153` in seconds.
fn nanoseconds(seconds: &str) -> Option<u64> {
    let (whole, part) = seconds.trim().split_once('.')?;
    let micros: u64 = part.get(..6)?.parse().ok()?;
    Some(whole.parse::<u64>().ok()? * 1_000_000_000 + micros * 1000)
}

fn table(text: &mut String, board: &Configuration, bare: &Times, under: &Times) -> Result<()> {
    writeln!(text, "\n## GICv{}, cores: {}\n", board.gic, board.cores)?;
    writeln!(text, "| work | bare board | Bulkhead | ratio |\n|---|---:|---:|---:|")?;
    let boots = [("loud", "entry to the first process"), ("boot", "the same with `quiet`")];
    for (name, what) in boots.into_iter().chain(WORK) {
        let (bare, under) = (*bare.get(name).ok_or(name)?, *under.get(name).ok_or(name)?);
        let thousands = |nanoseconds: u64| (nanoseconds + 500) / 1000;
        writeln!(
            text,
            "| {what} | {} k | {} k | {:.4} |",
            thousands(bare),
            thousands(under),
            under as f64 / bare as f64
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_become_times() {
        let told =
            "[    0.787153] bench: begun\r\nx\n[    0.787200] bench: begin memory\n[    1.000001] bench: end memory\n";
        let expected = [("boot", 787_153_000), ("memory", 212_801_000)].map(|(name, time)| (name.to_owned(), time));
        assert_eq!(read(told), expected.into_iter().collect());
        assert!(read("[    x] bench: begun\n[    0.1] bench: end memory").is_empty());
    }
}
