//! Boards are data: the hypervisor's code knows none by name, and a board's files stay short.

use super::words::has_word;
use crate::code::{Language, code_only, without_tests};
use crate::{Result, sources, workspace};
use std::path::Path;

/// Lines that one file of a board may have.
const MOST: usize = 60;

/// Every place in the hypervisor's code, tests and comments left out, that names a folder of `boards/`.
pub fn check() -> Result<Vec<String>> {
    let boards = names(&workspace::root().join("boards"))?;
    let mut problems = Vec::new();
    for path in sources::files("hypervisor")?.iter().filter(|path| !sources::is_test(path)) {
        let Some(language) = Language::of(path) else { continue };
        let text = sources::text(path)?.unwrap_or_default();
        problems.extend(found(path, &without_tests(&code_only(&text, language)), &boards));
    }
    Ok(problems)
}

/// Every file of a board that is too long.
pub fn check_length() -> Result<Vec<String>> {
    let mut problems = Vec::new();
    for path in sources::files("boards")?.iter().filter(|path| path.components().count() > 2) {
        let lines = sources::text(path)?.map_or(0, |text| text.lines().count());
        if lines > MOST {
            problems.push(format!("{}: {lines} lines, at most {MOST} are allowed for a board's file", path.display()));
        }
    }
    Ok(problems)
}

/// The folders' names, also as identifiers spell them.
fn names(boards: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(boards)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            let name = entry.file_name().to_string_lossy().to_lowercase();
            names.extend([name.replace('-', "_"), name]);
        }
    }
    names.sort();
    names.dedup();
    Ok(names)
}

fn found(path: &Path, code: &str, boards: &[String]) -> Vec<String> {
    let mut problems = Vec::new();
    for (number, line) in code.lines().enumerate() {
        let line = line.to_lowercase();
        for board in boards.iter().filter(|board| has_word(&line, board)) {
            problems.push(format!("{}:{}: names the board {board}", path.display(), number + 1));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_board_in_code_is_found() {
        let boards = ["qemu-virt", "qemu_virt"].map(str::to_owned);
        let code = "fn a() {}\nmod qemu_virt;\n#[cfg(board = QEMU-VIRT)]\nlet virtual_timer = qemu_virtual;\n";
        let found = found(Path::new("x.rs"), code, &boards);
        assert_eq!(found, ["x.rs:2: names the board qemu_virt", "x.rs:3: names the board qemu-virt"]);
    }
}
