//! `bulkhead pack`, for boards that are measured.

use crate::toolchain::Toolchain;
use crate::{Result, process, workspace};
use std::path::{Path, PathBuf};
use std::process::Stdio;

/// Packs the hypervisor, the configuration and the `modules` that it does not name files for into the file `to`.
pub fn pack(toolchain: &Toolchain, configuration: &Path, modules: &[(&str, PathBuf)], to: &Path) -> Result<()> {
    let mut command = toolchain.host_cargo();
    command.args(["run", "--quiet", "--release", "--package", "bulkhead-tool", "--", "pack"]);
    command.arg(workspace::image()).arg(configuration).arg("--output").arg(to);
    command.args(modules.iter().flat_map(|(name, file)| ["--module".to_owned(), format!("{name}={}", file.display())]));
    process::run(command.stdout(Stdio::null()))
}
