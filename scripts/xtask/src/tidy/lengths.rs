//! Files stay short enough to be read in one go.

use crate::{Result, sources};
use std::path::{Path, PathBuf};

/// Lines that no file may exceed.
const MOST: usize = 500;
/// Lines above which a file is worth another look.
const NOTABLE: usize = 300;
/// Endings of the files that people write.
const WRITTEN: [&str; 11] = ["rs", "S", "s", "c", "h", "ld", "sh", "awk", "py", "dts", "md"];

/// Every file that is too long.
pub fn check() -> Result<Vec<String>> {
    let long = longer_than(MOST)?;
    Ok(long
        .iter()
        .map(|(path, lines)| format!("{}: {lines} lines, at most {MOST} are allowed", path.display()))
        .collect())
}

/// Names the files that are merely long.
pub fn warn() -> Result<()> {
    for (path, lines) in longer_than(NOTABLE)?.iter().filter(|(_, lines)| *lines <= MOST) {
        println!("warning: {}: {lines} lines, more than {NOTABLE}", path.display());
    }
    Ok(())
}

fn longer_than(limit: usize) -> Result<Vec<(PathBuf, usize)>> {
    let mut long = Vec::new();
    for path in sources::files(".")?.into_iter().filter(|path| is_written(path)) {
        let lines = sources::text(&path)?.map_or(0, |text| text.lines().count());
        if lines > limit {
            long.push((path, lines));
        }
    }
    Ok(long)
}

/// A script has no ending.
fn is_written(path: &Path) -> bool {
    match path.extension() {
        Some(extension) => WRITTEN.iter().any(|written| extension == *written),
        None => path.starts_with("scripts") || path.starts_with(".ci"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_and_sources_are_written_and_locks_are_not() {
        for path in ["a/b.rs", "scripts/test", ".ci/run", "linker/guest.ld"] {
            assert!(is_written(Path::new(path)), "{path}");
        }
        for path in ["Cargo.lock", "LICENSE", "tests/data/tree.dtb"] {
            assert!(!is_written(Path::new(path)), "{path}");
        }
    }

    #[test]
    fn a_limit_is_still_allowed() {
        let lines = sources::text(Path::new("scripts/xtask/src/tidy/lengths.rs")).unwrap().unwrap().lines().count();
        let is_listed = |limit| longer_than(limit).unwrap().iter().any(|(path, _)| path.ends_with("tidy/lengths.rs"));
        assert!(!is_listed(lines));
        assert!(is_listed(lines - 1));
    }
}
