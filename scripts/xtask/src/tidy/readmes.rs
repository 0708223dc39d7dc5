//! Each top folder says what it is for.

use crate::{Result, workspace};
use std::path::Path;

/// Every visible folder at the root without a README.md.
pub fn check() -> Result<Vec<String>> {
    without_readme(&workspace::root())
}

fn without_readme(root: &Path) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    for entry in std::fs::read_dir(root)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_ours = entry.file_type()?.is_dir() && !name.starts_with('.') && name != "target";
        if is_ours && !entry.path().join("README.md").is_file() {
            problems.push(format!("{name}/: no README.md"));
        }
    }
    problems.sort();
    Ok(problems)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_without_readme_is_named() {
        let root = std::env::temp_dir().join(format!("bulkhead-readmes-{}", std::process::id()));
        for folder in ["good", "bad", ".hidden", "target"] {
            std::fs::create_dir_all(root.join(folder)).unwrap();
        }
        std::fs::write(root.join("good/README.md"), "").unwrap();
        let problems = without_readme(&root).unwrap();
        std::fs::remove_dir_all(&root).unwrap();
        assert_eq!(problems, ["bad/: no README.md"]);
    }
}
