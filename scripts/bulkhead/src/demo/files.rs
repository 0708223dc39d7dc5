//! The files that the demo runs, and what to do about those that are not there.

use super::board::Gic;
use crate::error::ToolError;
use crate::modules::Given;
use std::env;
use std::path::{Path, PathBuf};

/// Everything that the demo runs.
#[derive(Clone, Debug)]
pub struct Files {
    /// `qemu-system-aarch64`.
    pub qemu: PathBuf,
    /// The hypervisor's bare image.
    pub image: PathBuf,
    /// The board's configuration.
    pub configuration: PathBuf,
    /// The guests' files by module.
    pub guests: Vec<Given>,
}

impl Files {
    /// Finds everything for a board with this interrupt controller.
    ///
    /// # Errors
    /// What is missing, a line each, and what brings it.
    pub fn find(gic: Gic) -> Result<Self, ToolError> {
        let linux = linux_folder();
        let module = |name: &str, file: PathBuf| Given { name: name.into(), file };
        let found = qemu();
        let files = Self {
            qemu: found.clone().unwrap_or_default(),
            image: target().join("bulkhead.img"),
            configuration: root().join("boards/qemu-virt/demo.dts"),
            guests: vec![
                module("linux/kernel", linux.join("Image")),
                module("linux/ramdisk", linux.join("initramfs.cpio")),
                module("freertos/kernel", target().join(format!("guests/freertos-gicv{}.img", gic.version()))),
            ],
        };
        let missing = files.missing(found.is_none());
        if missing.is_empty() { Ok(files) } else { Err(ToolError(missing.join("\n"))) }
    }

    fn missing(&self, no_qemu: bool) -> Vec<String> {
        let says_qemu = match env::var("BULKHEAD_QEMU") {
            Ok(named) if !named.is_empty() => format!("BULKHEAD_QEMU is {named}; expected a file that is QEMU"),
            _ => "qemu-system-aarch64 is not in PATH: install QEMU 10 or newer, or run scripts/demo".into(),
        };
        let files = [(&self.image, "cargo xtask build"), (&self.configuration, "git checkout")];
        let guests = self.guests.iter().map(|given| match given.name.starts_with("linux/") {
            true => (&given.file, "scripts/setup"),
            false => (&given.file, "cargo xtask build"),
        });
        let absent = files.into_iter().chain(guests).filter(|(file, _)| !file.is_file());
        let says_absent = absent.map(|(file, remedy)| format!("{} is missing: run `{remedy}`", file.display()));
        no_qemu.then_some(says_qemu).into_iter().chain(says_absent).collect()
    }
}

/// The repository.
fn root() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.ancestors().nth(2).unwrap_or(package).into()
}

/// The build folder: `CARGO_TARGET_DIR`, or `target` of the repository.
pub fn target() -> PathBuf {
    root().join(env::var_os("CARGO_TARGET_DIR").unwrap_or("target".into()))
}

/// Where set-up left Linux.
fn linux_folder() -> PathBuf {
    let named = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = named("BULKHEAD_CACHE")
        .or_else(|| Some(named("XDG_CACHE_HOME")?.join("bulkhead")))
        .or_else(|| Some(named("HOME")?.join(".cache/bulkhead")));
    named("BULKHEAD_LINUX").unwrap_or_else(|| cache.unwrap_or_default().join("linux"))
}

/// The QEMU to run: `BULKHEAD_QEMU`, or that of `PATH`.
fn qemu() -> Option<PathBuf> {
    if let Some(named) = env::var_os("BULKHEAD_QEMU").filter(|named| !named.is_empty()) {
        return Some(PathBuf::from(named)).filter(|path| path.is_file());
    }
    let folders = env::var_os("PATH")?;
    env::split_paths(&folders).map(|folder| folder.join("qemu-system-aarch64")).find(|path| path.is_file())
}
