//! Words that say that something is unfinished.

use crate::code::{Language, code_only};
use crate::{Result, sources};

/// In code; spelled in halves here, because this file is checked as well.
const IN_CODE: [&str; 2] = [concat!("todo", "!"), concat!("unimplemented", "!")];
/// Anywhere.
const ANYWHERE: [&str; 3] = [concat!("FIX", "ME"), concat!("TO", "DO"), concat!("XX", "X")];

/// Every place where one of them stands.
pub fn check() -> Result<Vec<String>> {
    let mut problems = Vec::new();
    for path in sources::files(".")?.iter().filter(|path| !path.ends_with("Cargo.lock")) {
        let Some(text) = sources::text(path)? else { continue };
        let place = path.display().to_string();
        problems.extend(found(&place, &text, &ANYWHERE));
        if let Some(language) = Language::of(path) {
            problems.extend(found(&place, &code_only(&text, language), &IN_CODE));
        }
    }
    Ok(problems)
}

fn found(place: &str, text: &str, words: &[&str]) -> Vec<String> {
    let mut problems = Vec::new();
    for (number, line) in text.lines().enumerate() {
        for word in words.iter().filter(|word| has_word(line, word)) {
            problems.push(format!("{place}:{}: {word}", number + 1));
        }
    }
    problems
}

/// Whether `word` stands in `line` by itself.
pub fn has_word(line: &str, word: &str) -> bool {
    let is_part =
        |character: Option<char>| character.is_some_and(|character| character.is_alphanumeric() || character == '_');
    line.match_indices(word).any(|(at, _)| {
        let after = line[at + word.len()..].chars().next();
        !is_part(line[..at].chars().next_back()) && !is_part(after)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_found_with_its_place() {
        let text = format!("fine\n    {}(\"later\")\n", IN_CODE[0]);
        assert_eq!(found("a.rs", &text, &IN_CODE), [format!("a.rs:2: {}", IN_CODE[0])]);
        assert!(found("a.rs", "TODOS, mastodon, 0xXXXX", &ANYWHERE).is_empty());
    }
}
