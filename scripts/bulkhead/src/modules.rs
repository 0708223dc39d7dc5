//! The modules that a configuration names, and the files that they come from.

use crate::error::ToolError;
use crate::source::{Source, read};
use bulkhead_abi::property;
use bulkhead_vmm::fdt::{Node, Tree};
use std::path::PathBuf;

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

/// The modules' files, as far as they are there.
pub struct Files {
    /// Those that could be read.
    pub files: Vec<ModuleFile>,
    /// Path of each module whose file could not be read, and why.
    pub missing: Vec<(String, ToolError)>,
}

/// The files of the modules that `source` names, with those `given` in their places.
///
/// # Errors
/// A name that was given means no module or several.
pub fn files(source: &Source, given: &[Given]) -> Result<Files, ToolError> {
    let nodes = nodes(&source.tree);
    given.iter().try_for_each(|given| one_module(&nodes, given))?;
    let mut found = Files { files: Vec::new(), missing: Vec::new() };
    for node in nodes {
        let given = given.iter().find(|given| node.is_called(&given.name)).map(|given| given.file.clone());
        let Some(file) = given.or_else(|| node.file.as_deref().map(|file| source.beside(file))) else { continue };
        match read(&file) {
            Ok(bytes) => found.files.push(ModuleFile { path: node.path, bytes }),
            Err(error) => {
                let (source, path) = (source.path.display(), &node.path);
                let error =
                    format!("{source}: {path}: {} is {error}; expected a file that can be read", property::FILE);
                found.missing.push((node.path, ToolError(error)));
            }
        }
    }
    Ok(found)
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
