//! Counts the trusted code: everything in `hypervisor/el2`, where alone unsafe code may stand.

use crate::code::{Language, code_only, without_tests};
use crate::{Result, sources};
use std::path::Path;

/// What `hypervisor/el2` holds, tests left out.
pub struct Trusted {
    /// Lines that are neither blank nor comment.
    pub lines: usize,
    /// Blocks of unsafe code.
    pub blocks: usize,
    /// `FILE:LINE: ...` for each unsafe block that does not say why it is sound.
    pub without_reason: Vec<String>,
}

/// How many lines above an unsafe block its reason may start.
const REASON_DISTANCE: usize = 12;

/// Reads every source file of el2.
pub fn count() -> Result<Trusted> {
    let mut total = Trusted { lines: 0, blocks: 0, without_reason: Vec::new() };
    for path in sources::files("hypervisor/el2")? {
        let Some(language) = Language::of(&path) else { continue };
        if !sources::is_test(&path) {
            total.add(&path, &sources::text(&path)?.unwrap_or_default(), language);
        }
    }
    Ok(total)
}

impl Trusted {
    fn add(&mut self, path: &Path, text: &str, language: Language) {
        let code = code_only(text, language);
        self.lines += without_tests(&code).lines().filter(|line| !line.trim().is_empty()).count();
        if language == Language::Rust {
            let tests = code.find("#[cfg(test)]").map_or(usize::MAX, |at| code[..at].lines().count());
            for line in unsafe_blocks(&code).into_iter().filter(|line| *line < tests) {
                self.blocks += 1;
                if !has_reason(text, line) {
                    self.without_reason.push(format!(
                        "{}:{}: an unsafe block without a SAFETY comment",
                        path.display(),
                        line + 1
                    ));
                }
            }
        }
    }
}

/// The lines, counted from 0, on which an unsafe block starts.
fn unsafe_blocks(code: &str) -> Vec<usize> {
    let mut lines = Vec::new();
    for (at, word) in code.match_indices("unsafe") {
        let is_word = !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
        if is_word && code[at + word.len()..].trim_start().starts_with('{') {
            lines.push(code[..at].matches('\n').count());
        }
    }
    lines
}

/// Whether a comment with `SAFETY:` stands on the block's line or just above, with no other statement's end between.
fn has_reason(text: &str, line: usize) -> bool {
    let lines: Vec<_> = text.lines().take(line + 1).collect();
    let Some((own, above)) = lines.split_last() else { return false };
    let mut above = above.iter().rev().take(REASON_DISTANCE).map(|line| line.trim());
    own.contains("SAFETY:")
        || above
            .by_ref()
            .take_while(|line| {
                line.starts_with("//") || !(line.ends_with(';') || line.ends_with('}') || line.is_empty())
            })
            .any(|line| line.starts_with("//") && line.contains("SAFETY:"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(text: &str) -> Trusted {
        let mut total = Trusted { lines: 0, blocks: 0, without_reason: Vec::new() };
        total.add(Path::new("x.rs"), text, Language::Rust);
        total
    }

    #[test]
    fn only_code_is_counted() {
        let text =
            "//! Words.\n\nfn a() {\n    // why\n    b(); /* c */\n}\n#[cfg(test)]\nmod tests {\n    fn d() {}\n}\n";
        assert_eq!(counted(text).lines, 3);
    }

    #[test]
    fn an_unsafe_block_needs_its_reason() {
        let good = "// SAFETY: the caller holds the lock,\n// which is this core's.\nlet x = unsafe { read() };\n";
        assert_eq!((counted(good).blocks, counted(good).without_reason.len()), (1, 0));
        let spread = "fn a() {\n    // SAFETY: known\n    let x =\n        unsafe { read() };\n}\n";
        assert_eq!((counted(spread).blocks, counted(spread).without_reason.len()), (1, 0));
        let bad = "// SAFETY: of the first\nlet x = unsafe { read() };\nlet y = unsafe {\n read() };\n";
        assert_eq!(counted(bad).without_reason, ["x.rs:3: an unsafe block without a SAFETY comment"]);
    }

    #[test]
    fn functions_traits_and_words_are_no_blocks() {
        let text = "unsafe fn a() {}\nunsafe impl B for C {}\n// unsafe { }\nlet s = \"unsafe { }\";\nnot_unsafe {}\n";
        assert_eq!(counted(text).blocks, 0);
    }
}
