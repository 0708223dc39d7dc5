//! What a failed test on a board left, and how it is repeated.

use crate::workspace;
use std::path::Path;

/// Where in `folder` the test `name` of `stage` left its transcript, the QEMU command and the seed that it left there,
/// and the command that repeats it. No lines if it left nothing, for it ran on no board.
pub fn lines(folder: &Path, stage: &str, name: &str) -> Vec<String> {
    let folder = folder.join(name.replace("::", "/"));
    let transcript = folder.join("transcript");
    if !transcript.is_file() {
        return Vec::new();
    }
    let read = |file: &str| std::fs::read_to_string(folder.join(file)).unwrap_or_default().trim().to_owned();
    let (command, seed) = (read("command"), read("seed"));
    vec![
        format!("transcript: {}", workspace::shown(&transcript)),
        format!("command: {command}"),
        format!("seed: {seed}"),
        format!("repeat it by: {seed} scripts/test --stage {stage} --filter {name}"),
    ]
}

#[cfg(test)]
mod tests {
    use super::lines;
    use std::fs;

    #[test]
    fn a_test_on_a_board_is_repeated_by_its_seed_and_its_name() {
        let folder = std::env::temp_dir().join(format!("bulkhead-kept-{}", std::process::id()));
        assert!(lines(&folder, "qemu", "hello::virt").is_empty());
        let test = folder.join("hello/virt");
        fs::create_dir_all(&test).unwrap();
        for (file, text) in [("transcript", ""), ("command", "qemu -M virt\n"), ("seed", "BULKHEAD_SEED=7\n")] {
            fs::write(test.join(file), text).unwrap();
        }
        let lines = lines(&folder, "qemu", "hello::virt");
        assert!(lines[0].ends_with("hello/virt/transcript"), "{lines:?}");
        let repeat = "repeat it by: BULKHEAD_SEED=7 scripts/test --stage qemu --filter hello::virt";
        assert_eq!(lines[1..], ["command: qemu -M virt", "seed: BULKHEAD_SEED=7", repeat]);
        fs::remove_dir_all(folder).unwrap();
    }
}
