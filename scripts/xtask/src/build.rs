//! `cargo xtask build`: the one image, and the guests that the tests boot.

use crate::flat::{Flat, flatten};
use crate::toolchain::Toolchain;
use crate::{Result, errata, guests, image, process, workspace};
use std::path::{Path, PathBuf};

/// Options of `cargo xtask build`.
#[derive(clap::Args)]
pub struct Arguments {
    /// Build the hypervisor without optimisation
    #[arg(long)]
    debug: bool,
    /// Build with optimisation (the default)
    #[arg(long, conflicts_with = "debug")]
    release: bool,
    /// Build the hypervisor alone
    #[arg(long)]
    no_guests: bool,
    /// Fail where Cargo.lock would have to change
    #[arg(long)]
    locked: bool,
}

/// How the hypervisor is compiled.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// Without optimisation.
    Debug,
    /// As it is shipped.
    Release,
    /// As it is shipped, but without any optional capability.
    Core,
}

pub fn main(arguments: &Arguments) -> Result<()> {
    let profile = if arguments.debug { Profile::Debug } else { Profile::Release };
    let toolchain = Toolchain::load()?;
    image(&toolchain, profile, arguments.locked)?;
    if arguments.no_guests { Ok(()) } else { guests::build(&toolchain, arguments.locked) }
}

/// Everything, as it is shipped; for the test suites.
pub fn all() -> Result<()> {
    let toolchain = Toolchain::load()?;
    image(&toolchain, Profile::Release, false)?;
    guests::build(&toolchain, false)
}

fn image(toolchain: &Toolchain, profile: Profile, locked: bool) -> Result<()> {
    let elf = hypervisor(toolchain, profile, locked)?;
    let flat = write_flat(&elf, &workspace::image(), image::complete)?;
    println!("{}: {} bytes, {} in memory", workspace::shown(&workspace::image()), flat.bytes.len(), flat.memory);
    Ok(())
}

/// Compiles the hypervisor and returns its ELF file, in which what cores get wrong is parted, if it is to be shipped.
pub fn hypervisor(toolchain: &Toolchain, profile: Profile, locked: bool) -> Result<PathBuf> {
    let mut command = toolchain.bare_metal_cargo("build");
    command.args(["--package", "bulkhead"]);
    match profile {
        Profile::Release => command.arg("--release"),
        // Beside the shipped one, which stays as it is.
        Profile::Core => command.args(["--release", "--no-default-features", "--target-dir"]).arg(core_target()),
        Profile::Debug => command.args(["--config", &farther_reach(), "--config", "profile.dev.debug=true"]),
    };
    command.args(locked.then_some("--locked"));
    process::run(&mut command)?;
    let elf = output_folder(profile).join("bulkhead");
    if profile != Profile::Debug {
        part(&elf).map_err(|error| format!("{}: {error}", workspace::shown(&elf)))?;
    }
    Ok(elf)
}

/// Has `elf` parted. The compiler's own file, which the next build may find as it left it, is another.
fn part(elf: &Path) -> Result<()> {
    match errata::part(&std::fs::read(elf)?)? {
        Some(parted) => write_whole(elf, &parted),
        None => Ok(()),
    }
}

/// Sequences in the shipped image that cores get wrong; for the test suites.
pub fn check_errata() -> Result<Vec<String>> {
    errata::problems(
        &std::fs::read(output_folder(Profile::Release).join("bulkhead"))?,
        &std::fs::read(workspace::image())?,
    )
}

/// Without optimisation the image outgrows the 1 MiB across which the tiny code model of `.cargo/config.toml` reaches.
fn farther_reach() -> String {
    format!("target.{}.rustflags = ['-Ccode-model=small']", workspace::BARE_METAL)
}

/// Where cargo leaves what it built for the bare-metal target.
pub fn output_folder(profile: Profile) -> PathBuf {
    let (target, folder) = match profile {
        Profile::Debug => (workspace::target(), "debug"),
        Profile::Release => (workspace::target(), "release"),
        Profile::Core => (core_target(), "release"),
    };
    target.join(workspace::BARE_METAL).join(folder)
}

/// Where cargo builds the image without optional capabilities.
fn core_target() -> PathBuf {
    workspace::target().join("core")
}

/// Flattens `elf` into `to` after `complete` had its say. The file appears whole or not at all.
pub fn write_flat(elf: &Path, to: &Path, complete: fn(&mut Flat) -> Result<()>) -> Result<Flat> {
    let named = |error: &dyn std::fmt::Display| format!("{}: {error}", workspace::shown(elf));
    let bytes = std::fs::read(elf).map_err(|error| named(&error))?;
    let mut flat = flatten(&bytes).map_err(|error| named(&error))?;
    complete(&mut flat).map_err(|error| named(&error))?;
    std::fs::create_dir_all(to.parent().ok_or("the image has no folder")?)?;
    write_whole(to, &flat.bytes)?;
    Ok(flat)
}

/// Writes a file that appears whole or not at all.
fn write_whole(to: &Path, bytes: &[u8]) -> Result<()> {
    let unfinished = to.with_extension(format!("{}.part", std::process::id()));
    std::fs::write(&unfinished, bytes).map_err(|error| format!("{}: {error}", workspace::shown(&unfinished)))?;
    std::fs::rename(&unfinished, to)?;
    Ok(())
}
