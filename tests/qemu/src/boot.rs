//! What a board boots: a guest natively, or the hypervisor with guests.

use std::fs;
use std::path::{Path, PathBuf};

use crate::artifacts;
use crate::configuration::Configuration;

/// What a board boots.
#[derive(Clone, Debug)]
pub struct Boot {
    kernel: PathBuf,
    configuration: Option<Configuration>,
    append: Option<String>,
    /// Entered by the guest `firmware` at this address, with these bootargs, instead of by QEMU.
    firmware: Option<(u64, String)>,
    modules: Vec<Module>,
}

/// A guest's file that QEMU's `guest-loader` puts into memory and into the tree.
#[derive(Clone, Debug)]
struct Module {
    file: PathBuf,
    role: Role,
    address: u64,
}

/// What a module is.
#[derive(Clone, Debug)]
enum Role {
    /// A kernel with its bootargs.
    Kernel(String),
    /// The RAM disk of the kernel.
    RamDisk,
}

impl Module {
    /// The value of QEMU's `-device`.
    fn device(&self) -> String {
        let file = escaped(&self.file.display().to_string());
        let device = format!("guest-loader,addr={:#x}", self.address);
        match &self.role {
            Role::Kernel(bootargs) if bootargs.is_empty() => format!("{device},kernel={file}"),
            Role::Kernel(bootargs) => format!("{device},kernel={file},bootargs={}", escaped(bootargs)),
            Role::RamDisk => format!("{device},initrd={file}"),
        }
    }
}

/// Where the first module goes, in bytes: high enough for the hypervisor below it, low enough for QEMU's tree, which
/// follows at 128 MiB above the start of RAM.
const FIRST_MODULE: u64 = 0x4600_0000;
/// The guest that enters another image.
const FIRMWARE: &str = "firmware";
/// Name of a packed file in a test's folder.
const PACKED: &str = "packed.img";
/// Distance between modules, in bytes.
const MODULE_STRIDE: u64 = 0x40_0000;
/// Where a kernel of Linux and its RAM disk go: above QEMU's tree, the kernel with 80 MiB of room.
const LINUX: u64 = 0x4900_0000;
const LINUX_RAM_DISK: u64 = 0x4e00_0000;

impl Boot {
    /// The guest `name` with `bootargs` on the bare board, at EL1. It is told that it runs natively.
    pub fn native(name: &str, bootargs: &str) -> Self {
        let append = Some(format!("native {bootargs}").trim().to_string());
        Self { kernel: artifacts::guest(name), configuration: None, append, firmware: None, modules: Vec::new() }
    }

    /// The hypervisor, with no guest yet.
    pub fn hypervisor() -> Self {
        Self { kernel: artifacts::hypervisor(), configuration: None, append: None, firmware: None, modules: Vec::new() }
    }

    /// The hypervisor with a configuration and its guests, packed into one file.
    pub fn packed(configuration: Configuration) -> Self {
        Self { configuration: Some(configuration), ..Self::hypervisor() }
    }

    /// With the guest `name` beside it, as QEMU's `guest-loader` hands it over.
    pub fn guest(self, name: &str, bootargs: &str) -> Self {
        let address = FIRST_MODULE + self.modules.len() as u64 * MODULE_STRIDE;
        self.guest_at(address, name, bootargs)
    }

    /// With the guest `name` beside it, at `address`.
    pub fn guest_at(self, address: u64, name: &str, bootargs: &str) -> Self {
        self.module(address, artifacts::guest(name), Role::Kernel(bootargs.into()))
    }

    /// With a kernel of Linux and its RAM disk beside it.
    pub fn linux(self, kernel: PathBuf, bootargs: &str) -> Self {
        let loaded = self.module(LINUX, kernel, Role::Kernel(bootargs.into()));
        loaded.module(LINUX_RAM_DISK, artifacts::linux_ram_disk(), Role::RamDisk)
    }

    fn module(mut self, address: u64, file: PathBuf, role: Role) -> Self {
        self.modules.push(Module { file, role, address });
        self
    }

    /// Entered at `address` by the guest `firmware` with its `bootargs`.
    pub fn through_firmware(self, address: u64, bootargs: &str) -> Self {
        Self { firmware: Some((address, bootargs.into())), ..self }
    }

    /// Every file that must exist.
    pub fn files(&self) -> Vec<PathBuf> {
        let modules = self.modules.iter().map(|module| module.file.clone());
        let packed = self.configuration.iter().flat_map(Configuration::files);
        let firmware = self.firmware.iter().map(|_| artifacts::guest(FIRMWARE));
        std::iter::once(self.kernel.clone()).chain(modules).chain(packed).chain(firmware).collect()
    }

    /// The file to boot: the kernel, or the packed file, which is written to `folder`.
    fn kernel(&self, folder: &Path) -> PathBuf {
        let Some(configuration) = &self.configuration else { return self.kernel.clone() };
        let image = fs::read(&self.kernel).unwrap_or_else(|error| panic!("{}: {error}", self.kernel.display()));
        let packed = folder.join(PACKED);
        let written = fs::create_dir_all(folder).and_then(|()| fs::write(&packed, configuration.pack(&image)));
        written.unwrap_or_else(|error| panic!("{}: {error}", packed.display()));
        packed
    }

    /// Removes what [`Self::arguments`] wrote to `folder`.
    pub(crate) fn discard(&self, folder: &Path) {
        if self.configuration.is_some() {
            // What cannot be removed is in nobody's way.
            let _ = fs::remove_file(folder.join(PACKED));
        }
    }

    /// QEMU's arguments. A packed file is written to `folder`.
    ///
    /// # Panics
    /// If it cannot be packed or written.
    pub fn arguments(&self, folder: &Path) -> Vec<String> {
        let mut arguments = self.kernel_arguments(&self.kernel(folder));
        for module in &self.modules {
            arguments.extend(["-device".into(), module.device()]);
        }
        arguments
    }

    fn kernel_arguments(&self, kernel: &Path) -> Vec<String> {
        let file = kernel.display().to_string();
        let Some((address, bootargs)) = &self.firmware else {
            let append = self.append.iter().flat_map(|append| ["-append".to_string(), append.clone()]);
            return ["-kernel".to_string(), file].into_iter().chain(append).collect();
        };
        let firmware = artifacts::guest(FIRMWARE).display().to_string();
        let length = fs::metadata(kernel).map_or(0, |file| file.len());
        let append = format!("entry={address:#x} file={length:#x} {bootargs}");
        let loader = format!("loader,file={},addr={address:#x},force-raw=on", escaped(&file));
        ["-kernel".to_string(), firmware, "-append".into(), append, "-device".into(), loader].into()
    }
}

/// `text` as a value among QEMU's options, where a comma is doubled.
fn escaped(text: &str) -> String {
    text.replace(',', ",,")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_stand_apart_and_commas_are_doubled() {
        let arguments = Boot::hypervisor().guest("hello", "a=1,2").guest("echo", "").arguments(Path::new(""));
        assert!(arguments[3].starts_with("guest-loader,addr=0x46000000,kernel="), "{arguments:?}");
        assert!(arguments[3].ends_with("hello.img,bootargs=a=1,,2"), "{arguments:?}");
        assert!(arguments[5].contains("addr=0x46400000"), "{arguments:?}");
        assert!(!arguments[5].contains("bootargs"), "{arguments:?}");
    }

    #[test]
    fn a_kernel_of_linux_comes_with_its_ram_disk() {
        let boot = Boot::hypervisor().linux("Image".into(), "quiet");
        let arguments = boot.arguments(Path::new(""));
        assert_eq!(arguments[3], "guest-loader,addr=0x49000000,kernel=Image,bootargs=quiet");
        assert!(arguments[5].starts_with("guest-loader,addr=0x4e000000,initrd="), "{arguments:?}");
        assert!(boot.files().contains(&artifacts::linux_ram_disk()));
    }
}
