//! KVM: Debian's kernel as host at EL2, with nothing in it but `scripts/xtask/monitor`, which runs the guest on the map
//! of QEMU's `virt` board.

use super::{host, machine, tree};
use crate::bench::matrix::Configuration;
use crate::bench::run;
use crate::initramfs::{self, Body};
use crate::toolchain::Toolchain;
use crate::{Result, process, workspace};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A Linux target whose programs need no library of the system's, and no compiler in C.
const TARGET: &str = "aarch64-unknown-linux-musl";
/// Minor number of /dev/kvm, a misc device (Linux include/linux/miscdevice.h).
const KVM_MINOR: u32 = 232;

/// Compiles the monitor; its file.
pub fn build_monitor(toolchain: &Toolchain) -> Result<PathBuf> {
    let folder = workspace::target().join("monitor");
    let mut command = toolchain.host_cargo();
    command.args(["build", "--quiet", "--release", "--locked", "--target", TARGET, "--target-dir"]).arg(&folder);
    command.args(["--config", &format!("target.{TARGET}.linker='rust-lld'")]);
    command.args(["--manifest-path", "scripts/xtask/monitor/Cargo.toml"]);
    process::run(&mut command).map_err(|error| format!("its monitor could not be built: {error}"))?;
    Ok(folder.join(TARGET).join("release/bulkhead-monitor"))
}

/// The board's command; what it boots beside the kernel is written to files that begin with `place`.
pub fn board(
    qemu: &Path,
    kernel: &Path,
    monitor: &Path,
    configuration: &Configuration,
    bootargs: &str,
    place: &Path,
) -> Result<Command> {
    let Configuration { gic, cores, .. } = *configuration;
    let (tree, archive) = (place.with_extension("dtb"), place.with_extension("cpio"));
    let guest = workspace::guests().join("bench.img");
    // The guest's machine is the board without a host.
    let mut dump = run::board(qemu, cores, "256M");
    tree::dump(dump.args(["-append", bootargs, "-kernel"]).arg(&guest), &machine(gic, false), &tree)?;
    let files = [monitor, &guest, &tree].map(std::fs::read);
    let [init, guest, tree] = files;
    std::fs::write(&archive, initramfs::pack(entries(&init?, &guest?, &tree?))?)?;
    let mut command = host(qemu, cores);
    command.args(["-M", &machine(gic, true), "-kernel"]).arg(kernel).arg("-initrd").arg(&archive);
    command.args(["-append", &format!("console=ttyAMA0 quiet panic=-1 -- {gic} {cores}")]);
    Ok(command)
}

/// All that the host has.
fn entries<'a>(init: &'a [u8], guest: &'a [u8], tree: &'a [u8]) -> Vec<(&'a str, Body<'a>)> {
    vec![
        ("dev", Body::Folder),
        ("dev/console", Body::Device(5, 1)),
        ("dev/kvm", Body::Device(10, KVM_MINOR)),
        ("guest.dtb", Body::Program(tree)),
        ("guest.img", Body::Program(guest)),
        ("init", Body::Program(init)),
    ]
}
