//! The files of the repository, build folders and hidden folders left out.

use crate::{Result, workspace};
use std::path::{Path, PathBuf};

/// Folders whose contents no one wrote.
const MADE: [&str; 4] = ["target", "corpus", "artifacts", "node_modules"];
/// Hidden folders that are part of the project.
const OURS: [&str; 2] = [".ci", ".cargo"];

/// Every file below `folder` of the repository, sorted, relative to the root.
pub fn files(folder: &str) -> Result<Vec<PathBuf>> {
    let root = workspace::root();
    let mut found = Vec::new();
    let mut open = vec![root.join(folder)];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).map_err(|error| format!("{}: {error}", workspace::shown(&folder)))? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let kind = entry.file_type()?;
            if kind.is_dir()
                && !MADE.contains(&name.as_str())
                && (!name.starts_with('.') || OURS.contains(&name.as_str()))
            {
                open.push(entry.path());
            } else if kind.is_file() {
                found.push(entry.path().strip_prefix(&root)?.to_path_buf());
            }
        }
    }
    found.sort();
    Ok(found)
}

/// The text of a file that [`files`] found, or `None` if it is not text.
pub fn text(path: &Path) -> Result<Option<String>> {
    let bytes = std::fs::read(workspace::root().join(path)).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(String::from_utf8(bytes).ok().filter(|text| !text.contains('\0')))
}

/// Whether a Rust file holds nothing but tests.
pub fn is_test(path: &Path) -> bool {
    path.file_stem().is_some_and(|stem| stem == "tests")
        || path.components().any(|component| component.as_os_str() == "tests" || component.as_os_str() == "benches")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_repository_is_walked_without_what_was_made() {
        let files = files(".").unwrap();
        assert!(files.contains(&PathBuf::from("scripts/xtask/src/sources.rs")));
        assert!(files.contains(&PathBuf::from(".cargo/config.toml")));
        assert!(!files.iter().any(|path| path.starts_with("target") || path.starts_with(".git")));
    }

    #[test]
    fn tests_are_told_by_their_place() {
        for path in ["a/tests.rs", "a/tests/b.rs", "tests/x.rs"] {
            assert!(is_test(Path::new(path)), "{path}");
        }
        assert!(!is_test(Path::new("hypervisor/vmm/src/contests.rs")));
    }
}
