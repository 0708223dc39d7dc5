//! Reads device trees: a `.dtb`, a `.dts` (through `dtc`), or a packed image.

use crate::error::ToolError;
use bulkhead_abi::image::{HEADER_OFFSET, ImageHeader};
use bulkhead_vmm::fdt::Tree;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A device tree from a file.
pub struct Source {
    /// The file.
    pub path: PathBuf,
    /// The tree.
    pub tree: Tree,
    /// The whole file and its header, if it is a packed image.
    pub packed: Option<(ImageHeader, Vec<u8>)>,
}

impl Source {
    /// Reads the tree in the file at `path`.
    ///
    /// # Errors
    /// It cannot be read, or is no tree.
    pub fn read(path: &Path) -> Result<Self, ToolError> {
        let is_source = path.extension().is_some_and(|extension| extension == "dts");
        let bytes = if is_source { compile(path)? } else { read(path)? };
        match bytes.get(HEADER_OFFSET..).and_then(ImageHeader::parse) {
            Some(header) => Self::unpack(path, header, bytes),
            None => Ok(Self { path: path.into(), tree: parse(path, &bytes)?, packed: None }),
        }
    }

    fn unpack(path: &Path, header: ImageHeader, bytes: Vec<u8>) -> Result<Self, ToolError> {
        if header.pack_offset == 0 {
            return Err(ToolError::file(path, &"an image without a pack: give a configuration, or pack it first"));
        }
        let tree = slice(&bytes, header.pack_offset, header.pack_size);
        let tree =
            tree.ok_or_else(|| ToolError::file(path, &"the pack's tree lies outside the file: it is cut short"))?;
        Ok(Self { path: path.into(), tree: parse(path, tree)?, packed: Some((header, bytes)) })
    }

    /// The path of the file that the configuration calls `name`: relative to its own.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.path.parent().unwrap_or(Path::new("")).join(name)
    }
}

/// `size` bytes at `offset` of `bytes`.
pub(crate) fn slice(bytes: &[u8], offset: u64, size: u64) -> Option<&[u8]> {
    let start = usize::try_from(offset).ok()?;
    bytes.get(start..start.checked_add(usize::try_from(size).ok()?)?)
}

/// The bytes of the file at `path`.
///
/// # Errors
/// It cannot be read.
pub fn read(path: &Path) -> Result<Vec<u8>, ToolError> {
    std::fs::read(path).map_err(|error| ToolError::file(path, &error))
}

fn parse(path: &Path, bytes: &[u8]) -> Result<Tree, ToolError> {
    Tree::new(bytes).map_err(|error| ToolError::file(path, &error))
}

/// The tree that `dtc` makes of the source at `path`.
fn compile(path: &Path) -> Result<Vec<u8>, ToolError> {
    let output = Command::new("dtc").args(["-q", "-I", "dts", "-O", "dtb"]).arg(path).output();
    let output = output.map_err(|error| match error.kind() {
        ErrorKind::NotFound => ToolError::file(
            path,
            &"a .dts needs dtc (package device-tree-compiler), which is not installed; or give a .dtb",
        ),
        _ => ToolError(format!("dtc: {error}")),
    })?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    Err(ToolError(format!(
        "{}: dtc refuses it:\n{}",
        path.display(),
        String::from_utf8_lossy(&output.stderr).trim_end()
    )))
}
