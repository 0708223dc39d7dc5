//! Where the things that tests boot are, and what is missing.

use std::env;
use std::path::{Path, PathBuf};

/// The build folder: `CARGO_TARGET_DIR`, or `target` at the root of the repository.
pub fn target() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("tests/qemu is two folders deep");
    match env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => root.join(folder),
        None => root.join("target"),
    }
}

/// The hypervisor's image.
pub fn hypervisor() -> PathBuf {
    target().join("bulkhead.img")
}

/// The flat image of the guest `name` of `tests/guests`.
pub fn guest(name: &str) -> PathBuf {
    target().join("guests").join(name).with_extension("img")
}

/// The ELF file that the guest `name` is made of.
pub fn guest_elf(name: &str) -> PathBuf {
    target().join("aarch64-unknown-none-softfloat/release").join(name)
}

/// The QEMU to run: `BULKHEAD_QEMU`, or `qemu-system-aarch64` of `PATH`.
pub fn qemu() -> Option<PathBuf> {
    if let Some(named) = env::var_os("BULKHEAD_QEMU") {
        return Some(PathBuf::from(named)).filter(|path| path.is_file());
    }
    let folders = env::var_os("PATH")?;
    env::split_paths(&folders).map(|folder| folder.join("qemu-system-aarch64")).find(|path| path.is_file())
}

/// The folder that `scripts/setup` fills: `BULKHEAD_CACHE`, or `bulkhead` in the user's cache folder.
fn cache() -> PathBuf {
    let named = |name: &str| env::var_os(name).map(PathBuf::from);
    let cache = named("BULKHEAD_CACHE")
        .or_else(|| Some(named("XDG_CACHE_HOME")?.join("bulkhead")))
        .or_else(|| Some(named("HOME")?.join(".cache/bulkhead")));
    cache.unwrap_or_default()
}

/// The device tree of QEMU's `machine`, where the machine brings none: `scripts/setup --boards` fetches it.
pub fn tree(machine: &str) -> PathBuf {
    cache().join("boards").join(machine).with_extension("dtb")
}

/// The folder of the Linux guest that set-up chose: `BULKHEAD_LINUX`, or `linux` in the cache.
fn linux() -> PathBuf {
    env::var_os("BULKHEAD_LINUX").filter(|named| !named.is_empty()).map_or(cache().join("linux"), PathBuf::from)
}

/// The Linux guest's kernel: of the release.
pub fn linux_kernel() -> PathBuf {
    linux().join("Image")
}

/// The RAM disk of every kernel.
pub fn linux_ram_disk() -> PathBuf {
    linux().join("initramfs.cpio")
}

/// The kernel of the release's backports: `scripts/setup --backports` fetches it.
pub fn backports_kernel() -> PathBuf {
    cache().join("linux-backports/Image")
}

/// What keeps a test on a board with `tree`, or one that boots `files`, from running wherever it is: not everyone can have
/// every tree, nor a kernel of backports.
pub fn unobtainable(tree: Option<PathBuf>, files: &[PathBuf]) -> Option<String> {
    let kernel = Some(backports_kernel()).filter(|kernel| files.contains(kernel));
    let wanted = [(tree, "--boards"), (kernel, "--backports")];
    let is_absent = |(file, option)| Some(file).filter(|file: &PathBuf| !file.is_file()).map(|file| (file, option));
    let (absent, option) = wanted.into_iter().find_map(|(file, option)| is_absent((file?, option)))?;
    Some(format!("{} is missing: run `scripts/setup {option}`", absent.display()))
}

/// What keeps a test that boots `files` from running, as a sentence for the developer.
pub fn missing(files: &[PathBuf]) -> Option<String> {
    if qemu().is_none() {
        return Some("qemu-system-aarch64 is neither in PATH nor named by BULKHEAD_QEMU".into());
    }
    let absent = files.iter().find(|file| !file.is_file())?;
    let remedy = if absent.starts_with(target()) { "cargo xtask build" } else { "scripts/setup" };
    Some(format!("{} is missing: run `{remedy}`", absent.display()))
}
