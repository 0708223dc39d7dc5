//! The modules that a configuration names, and the files that they come from.

use crate::error::ToolError;
use crate::source::{Source, read, slice};
use bulkhead_abi::property;
use bulkhead_vmm::fdt::{Node, Tree};
use std::path::{Path, PathBuf};

/// A module's node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModuleNode {
    /// Its path in the tree, such as `/chosen/hypervisor/linux/kernel`.
    pub path: String,
    /// The file that it names.
    pub file: Option<String>,
}

impl ModuleNode {
    /// Whether `name`, as it may stand on the command line, means this module: its path or the end of it, such as
    /// `linux/kernel`.
    pub fn is_called(&self, name: &str) -> bool {
        self.path == name || self.path.ends_with(&format!("/{name}"))
    }
}

/// The bytes of a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModuleFile {
    /// Path of its node.
    pub path: String,
    /// What is in it.
    pub bytes: Vec<u8>,
}

/// Whether `node` is a module of `tree` that may be packed.
pub(crate) fn is_module(node: &Node<'_>) -> bool {
    node.is_compatible(&[property::MODULE]) && node.is_enabled() && node.path().starts_with("/chosen/")
}

/// Every module's node in `tree`, in order.
pub fn nodes(tree: &Tree) -> Vec<ModuleNode> {
    let file = |node: &Node<'_>| node.property(property::FILE)?.string().map(String::from);
    let view = tree.view();
    view.nodes().filter(is_module).map(|node| ModuleNode { path: node.path(), file: file(&node) }).collect()
}

/// A file given on the command line for a module: `NAME=FILE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// The module's path or the end of it.
    pub name: String,
    /// The file.
    pub file: PathBuf,
}

impl std::str::FromStr for Given {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, file) = text.split_once('=').ok_or("expected NAME=FILE, such as linux/kernel=Image")?;
        if name.is_empty() || file.is_empty() {
            return Err("expected NAME=FILE, such as linux/kernel=Image".into());
        }
        Ok(Self { name: name.into(), file: file.into() })
    }
}

/// The modules' bytes, as far as they are there.
pub struct Files {
    /// Those that could be read.
    pub files: Vec<ModuleFile>,
    /// Path of each module that could not be read, and why.
    pub missing: Vec<(String, ToolError)>,
}

/// The modules that `source` names, with the files `given` in their places: from the pack if it is one, else from
/// the files that it names.
///
/// # Errors
/// A name that was given means no module or several.
pub fn files(source: &Source, given: &[Given]) -> Result<Files, ToolError> {
    let nodes = nodes(&source.tree);
    given.iter().try_for_each(|given| one_module(&nodes, given))?;
    let mut found = Files { files: Vec::new(), missing: Vec::new() };
    for node in nodes {
        let given = given.iter().find(|given| node.is_called(&given.name));
        let bytes = match (given, &source.packed, &node.file) {
            (Some(given), _, _) => bytes_of_file(&given.file),
            (None, Some(_), _) => packed(source, &node.path).map(<[u8]>::to_vec),
            (None, None, Some(file)) => bytes_of_file(&source.beside(file)),
            (None, None, None) => continue,
        };
        match bytes {
            Ok(bytes) => found.files.push(ModuleFile { path: node.path, bytes }),
            Err(why) => {
                let error = ToolError(format!("{}: {}: {why}", source.path.display(), node.path));
                found.missing.push((node.path, error));
            }
        }
    }
    Ok(found)
}

/// Path of each module of `source` that comes from a file of its own, and that file's name, `given` or the node's.
pub(crate) fn named(source: &Source, given: &[Given]) -> Vec<(String, String)> {
    let name = |node: ModuleNode| {
        let given =
            given.iter().find(|given| node.is_called(&given.name)).map(|given| given.file.display().to_string());
        Some((node.path, given.or(node.file)?))
    };
    if source.packed.is_some() { Vec::new() } else { nodes(&source.tree).into_iter().filter_map(name).collect() }
}

fn bytes_of_file(file: &Path) -> Result<Vec<u8>, String> {
    read(file).map_err(|error| format!("{} is {error}; expected a file that can be read", property::FILE))
}

/// The bytes in the packed image `source` of the module with the node at `path`.
///
/// # Errors
/// Its `reg` is none, or lies outside the file.
pub(crate) fn packed<'f>(source: &'f Source, path: &str) -> Result<&'f [u8], String> {
    let view = source.tree.view();
    let place = view.find(path).and_then(|node| Some(*node.reg_as(node.inherited_cell_counts())?.first()?));
    let (offset, size) = place.ok_or("reg is not one offset and one size; expected what bulkhead pack writes")?;
    let image = source.packed.as_ref().map_or(&[][..], |(_, image)| image);
    let outside = || {
        format!(
            "reg is {size:#x} bytes at {offset:#x}; expected a module inside the file, which ends at {:#x}",
            image.len()
        )
    };
    slice(image, offset, size).ok_or_else(outside)
}

fn one_module(nodes: &[ModuleNode], given: &Given) -> Result<(), ToolError> {
    let count = nodes.iter().filter(|node| node.is_called(&given.name)).count();
    if count == 1 {
        return Ok(());
    }
    let known: Vec<&str> = nodes.iter().map(|node| node.path.as_str()).collect();
    let (name, known) = (&given.name, known.join(", "));
    Err(ToolError(format!("--module {name}: means {count} modules; expected one of {known}")))
}
