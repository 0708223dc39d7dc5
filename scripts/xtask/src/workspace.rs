//! Where things are: the repository, its build folder, and the cache outside it.

use crate::Result;
use std::env;
use std::path::{Path, PathBuf};

/// The bare-metal target of the hypervisor and of the guests written in Rust.
pub const BARE_METAL: &str = "aarch64-unknown-none-softfloat";

/// The root of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap_or(Path::new(".")).to_path_buf()
}

/// The build folder: `CARGO_TARGET_DIR`, or `target` at the root.
pub fn target() -> PathBuf {
    match env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => root().join(folder),
        None => root().join("target"),
    }
}

/// The flat image of the hypervisor.
pub fn image() -> PathBuf {
    target().join("bulkhead.img")
}

/// The folder of the flat guest images.
pub fn guests() -> PathBuf {
    target().join("guests")
}

/// The folder that `scripts/setup` fills: `BULKHEAD_CACHE`, or `bulkhead` in the user's cache folder.
pub fn cache() -> Result<PathBuf> {
    if let Some(folder) = env::var_os("BULKHEAD_CACHE") {
        return Ok(folder.into());
    }
    if let Some(folder) = env::var_os("XDG_CACHE_HOME") {
        return Ok(Path::new(&folder).join("bulkhead"));
    }
    let home =
        env::var_os("HOME").ok_or("neither BULKHEAD_CACHE, XDG_CACHE_HOME nor HOME is set: no place for the cache")?;
    Ok(Path::new(&home).join(".cache/bulkhead"))
}

/// The Linux guest's kernel and RAM disk: where the environment's `BULKHEAD_LINUX` says, or set-up's.
pub fn linux() -> Result<PathBuf> {
    match env::var_os("BULKHEAD_LINUX") {
        Some(folder) => Ok(folder.into()),
        None => Ok(cache()?.join("linux")),
    }
}

/// `path` as the developer would type it: relative to the root where it lies inside.
pub fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}
