//! What the random tests did, as they noted it in the build folder.

use crate::{Result, workspace};
use bulkhead_campaign::record::{Kind, Record};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Prints a line for each random test that ran since `start`.
pub fn report(start: SystemTime) {
    for line in Kind::ALL.into_iter().flat_map(|kind| lines(&kind.folder(&workspace::target()), start)) {
        println!("    {line}");
    }
}

fn lines(folder: &Path, start: SystemTime) -> Vec<String> {
    let is_new = |path: &PathBuf| {
        let written = path.metadata().and_then(|file| file.modified());
        written.is_ok_and(|written| written >= start)
    };
    let line = |path: &PathBuf| Some(format!("{}: {}", path.file_name()?.to_str()?, Record::read(path)?));
    records(folder).iter().filter(|path| is_new(path)).filter_map(line).collect()
}

/// Forgets the campaigns that came to their end, after a run in which nothing failed: the next one begins anew.
pub fn forget() -> Result<()> {
    for path in records(&Kind::Long.folder(&workspace::target())) {
        if Record::read(&path).is_some_and(|record| record.is_complete()) {
            std::fs::remove_file(&path).map_err(|error| format!("{}: {error}", workspace::shown(&path)))?;
        }
    }
    Ok(())
}

fn records(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<_> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn only_what_was_written_since_the_start_is_reported() {
        let folder = std::env::temp_dir().join(format!("bulkhead-suite-{}", std::process::id()));
        let record = Record { first: 3, rounds: 2, of: 2, each: 50_000, unit: "steps".into(), subject: 0 };
        record.write(&folder.join("b_test"));
        record.write(&folder.join("a_test"));
        std::fs::write(folder.join("c_test"), "no record").unwrap();
        let now = SystemTime::now();
        let expected = ["a_test: 100,000 steps, seeds 3 to 4", "b_test: 100,000 steps, seeds 3 to 4"];
        assert_eq!(lines(&folder, now - Duration::from_secs(60)), expected);
        assert!(lines(&folder, now + Duration::from_secs(60)).is_empty());
        assert!(lines(Path::new("/nowhere"), now).is_empty());
    }
}
