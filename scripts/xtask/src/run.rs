//! `cargo xtask run`: one board with the image and, if asked for, one guest.

use crate::toolchain::Toolchain;
use crate::{Result, process, workspace};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where the guest's kernel is put, in bytes: above the hypervisor, and below the tree that QEMU places 128 MiB above
/// the start of RAM.
const GUEST_ADDRESS: u64 = 0x4600_0000;

/// Options of `cargo xtask run`.
#[derive(clap::Args)]
pub struct Arguments {
    /// A guest of target/guests by name, or a kernel by file
    guest: Option<String>,
    /// Command line of the guest
    #[arg(long, default_value = "")]
    append: String,
    /// The processor
    #[arg(long, default_value = "cortex-a72")]
    cpu: String,
    /// Cores of the board
    #[arg(long, default_value_t = 4)]
    smp: u32,
    /// Memory of the board in MiB
    #[arg(long, default_value_t = 1024)]
    memory: u32,
    /// Version of the interrupt controller
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(2..=3))]
    gic: u32,
    /// Print QEMU's command and do not run it
    #[arg(long)]
    print: bool,
    /// More arguments for QEMU
    #[arg(last = true)]
    qemu: Vec<String>,
}

pub fn main(arguments: &Arguments) -> Result<()> {
    let mut command = command(arguments, Toolchain::load()?.qemu())?;
    println!("{}", process::line(&command));
    if arguments.print { Ok(()) } else { process::run(&mut command) }
}

fn command(arguments: &Arguments, qemu: PathBuf) -> Result<Command> {
    let mut command = Command::new(qemu);
    command.args(["-M", &format!("virt,virtualization=on,gic-version={}", arguments.gic), "-cpu", &arguments.cpu]);
    command.args(["-smp", &arguments.smp.to_string(), "-m", &format!("{}M", arguments.memory)]);
    command.args(["-nographic", "-nic", "none", "-kernel"]).arg(workspace::image());
    if let Some(guest) = &arguments.guest {
        command.args(["-device", &module(&kernel(guest)?, &arguments.append)]);
    }
    command.args(&arguments.qemu);
    Ok(command)
}

/// The file of a guest that is named or built.
fn kernel(guest: &str) -> Result<PathBuf> {
    let built = workspace::guests().join(guest).with_extension("img");
    let named = PathBuf::from(guest);
    [built, named].into_iter().find(|path| path.is_file()).ok_or_else(|| {
        format!(
            "{guest}: neither a file nor a guest in {} (cargo xtask build makes them)",
            workspace::shown(&workspace::guests())
        )
        .into()
    })
}

/// QEMU's guest-loader with `kernel` and its command line, where boards of the usual size have room.
pub fn module(kernel: &Path, append: &str) -> String {
    module_at(GUEST_ADDRESS, kernel, append)
}

/// [`module`] at `address`; in a value of QEMU's options a comma is doubled.
pub fn module_at(address: u64, kernel: &Path, append: &str) -> String {
    let bootargs = if append.is_empty() { String::new() } else { format!(",bootargs={}", doubled(append)) };
    format!("guest-loader,addr={address:#x},kernel={}{bootargs}", doubled(&kernel.display().to_string()))
}

/// The same for an initial RAM disk.
pub fn ramdisk_at(address: u64, ramdisk: &Path) -> String {
    format!("guest-loader,addr={address:#x},initrd={}", doubled(&ramdisk.display().to_string()))
}

fn doubled(text: &str) -> String {
    text.replace(',', ",,")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_are_doubled_and_an_empty_command_line_is_left_out() {
        let path = Path::new("/a,b.img");
        assert_eq!(module(path, ""), "guest-loader,addr=0x46000000,kernel=/a,,b.img");
        assert_eq!(ramdisk_at(0x5800_0000, path), "guest-loader,addr=0x58000000,initrd=/a,,b.img");
        assert_eq!(module(path, "c=1,2"), "guest-loader,addr=0x46000000,kernel=/a,,b.img,bootargs=c=1,,2");
    }
}
