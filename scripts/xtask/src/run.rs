//! `cargo xtask run`: one board with the image and, if asked for, one guest.

use crate::toolchain::Toolchain;
use crate::{Result, process, workspace};
use std::path::PathBuf;
use std::process::Command;

/// Where the guest's kernel is put, in bytes: above the hypervisor, and below the tree that QEMU places 128 MiB above
/// the start of RAM.
const GUEST_ADDRESS: &str = "0x46000000";

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

/// QEMU's guest-loader with `kernel` and its command line; in a value of its options a comma is doubled.
pub fn module(kernel: &std::path::Path, append: &str) -> String {
    let doubled = |text: &str| text.replace(',', ",,");
    let bootargs = if append.is_empty() { String::new() } else { format!(",bootargs={}", doubled(append)) };
    format!("guest-loader,addr={GUEST_ADDRESS},kernel={}{bootargs}", doubled(&kernel.display().to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_are_doubled_and_an_empty_command_line_is_left_out() {
        let path = std::path::Path::new("/a,b.img");
        assert_eq!(module(path, ""), "guest-loader,addr=0x46000000,kernel=/a,,b.img");
        assert_eq!(module(path, "c=1,2"), "guest-loader,addr=0x46000000,kernel=/a,,b.img,bootargs=c=1,,2");
    }
}
