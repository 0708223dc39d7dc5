//! What of a source file is code: comments and the contents of strings are blanked, lines stay lines.

/// The languages whose comments are known.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// Rust.
    Rust,
    /// Assembly with C comments.
    Assembly,
}

impl Language {
    /// The language of a file by its name's ending.
    pub fn of(path: &std::path::Path) -> Option<Self> {
        match path.extension()?.to_str()? {
            "rs" => Some(Self::Rust),
            "S" | "s" => Some(Self::Assembly),
            _ => None,
        }
    }
}

#[derive(Clone, Copy)]
enum State {
    Code,
    LineComment,
    /// Nested this deep.
    BlockComment(usize),
    String,
    /// Ends with a quote and this many `#`.
    RawString(usize),
}

/// `text` with every character of a comment, and every character inside a string, replaced by a space.
pub fn code_only(text: &str, language: Language) -> String {
    let characters: Vec<char> = text.chars().collect();
    let mut code = String::with_capacity(text.len());
    let mut state = State::Code;
    let mut at = 0;
    while at < characters.len() {
        let rest = &characters[at..];
        let (length, next) = step(state, rest, language);
        for (offset, &character) in rest[..length].iter().enumerate() {
            code.push(if character == '\n' || is_kept(state, next, offset, length) { character } else { ' ' });
        }
        state = next;
        at += length;
    }
    code
}

/// Code stays, and so do the quotes around a string.
fn is_kept(state: State, next: State, offset: usize, length: usize) -> bool {
    match (state, next) {
        (State::Code, State::Code | State::String | State::RawString(_)) => true,
        (State::String | State::RawString(_), State::Code) => offset + 1 == length,
        _ => false,
    }
}

/// How many characters belong together at the start of `rest`, and the state after them.
fn step(state: State, rest: &[char], language: Language) -> (usize, State) {
    match state {
        State::Code => code_step(rest, language),
        State::LineComment if rest[0] == '\n' => (1, State::Code),
        State::BlockComment(depth) if rest.starts_with(&['*', '/']) => {
            (2, if depth == 1 { State::Code } else { State::BlockComment(depth - 1) })
        }
        State::BlockComment(depth) if rest.starts_with(&['/', '*']) => (2, State::BlockComment(depth + 1)),
        State::String if rest[0] == '\\' => (rest.len().min(2), state),
        State::String if rest[0] == '"' => (1, State::Code),
        State::RawString(hashes) if rest[0] == '"' && hashes_after(&rest[1..]) >= hashes => (1 + hashes, State::Code),
        _ => (1, state),
    }
}

fn code_step(rest: &[char], language: Language) -> (usize, State) {
    if rest.starts_with(&['/', '/']) {
        return (2, State::LineComment);
    }
    if rest.starts_with(&['/', '*']) {
        return (2, State::BlockComment(1));
    }
    if language == Language::Rust {
        if let Some(length) = character_literal(rest) {
            return (length, State::Code);
        }
        if rest[0] == 'r' && rest.get(1 + hashes_after(&rest[1..])) == Some(&'"') {
            let hashes = hashes_after(&rest[1..]);
            return (2 + hashes, State::RawString(hashes));
        }
    }
    let word = rest.iter().take_while(|character| character.is_alphanumeric() || **character == '_').count();
    if word > 0 && !(language == Language::Rust && rest[word - 1] == 'r' && is_raw_prefix(&rest[..word])) {
        return (word, State::Code);
    }
    (1, if rest[0] == '"' { State::String } else { State::Code })
}

/// `br` and `cr` start raw strings as `r` does: only the letter before it is code of its own.
fn is_raw_prefix(word: &[char]) -> bool {
    matches!(word, ['r'] | ['b' | 'c', 'r'])
}

fn hashes_after(rest: &[char]) -> usize {
    rest.iter().take_while(|character| **character == '#').count()
}

/// The length of a character literal, which a lifetime is not.
fn character_literal(rest: &[char]) -> Option<usize> {
    match rest {
        ['\'', '\\', _, tail @ ..] => Some(3 + tail.iter().position(|character| *character == '\'')? + 1),
        ['\'', _, '\'', ..] => Some(3),
        _ => None,
    }
}

/// `code`, which [`code_only`] made, without its `#[cfg(test)]` items.
pub fn without_tests(code: &str) -> String {
    let mut kept = String::new();
    let mut rest = code;
    while let Some(start) = rest.find("#[cfg(test)]") {
        let (before, item) = rest.split_at(start);
        kept.push_str(before);
        rest = &item[item_length(item)..];
    }
    kept + rest
}

/// Up to the item's closing brace, or to its semicolon if that comes first.
fn item_length(item: &str) -> usize {
    let mut depth = 0usize;
    for (at, character) in item.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth <= 1 => return at + 1,
            '}' => depth -= 1,
            ';' if depth == 0 => return at + 1,
            _ => {}
        }
    }
    item.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rust(text: &str) -> String {
        code_only(text, Language::Rust)
    }

    #[test]
    fn comments_and_strings_are_blanked() {
        assert_eq!(rust("a // b\nc /* d /* e */ f */ g"), "a     \nc                   g");
        assert_eq!(rust(r#"x("todo!(\"y", 'a', '"', 1)"#), r#"x("         ", 'a', '"', 1)"#);
        assert_eq!(rust("r#\"unsafe \" {\"# y").trim_start_matches(|c| "r#\" ".contains(c)), "y");
        assert_eq!(rust("b\"//\" for var in"), "b\"  \" for var in");
        assert_eq!(rust("fn f<'a>(x: &'a str) {} // '"), "fn f<'a>(x: &'a str) {}     ");
    }

    #[test]
    fn assembly_has_no_character_literals() {
        assert_eq!(code_only("mov x0, #'a // don't\nret", Language::Assembly), "mov x0, #'a         \nret");
    }

    #[test]
    fn test_items_are_cut_out() {
        let text = "fn a() { b }\n#[cfg(test)]\nmod tests { fn c() { d } }\nfn e() {}\n#[cfg(test)]\nmod more;\nf";
        assert_eq!(without_tests(text), "fn a() { b }\n\nfn e() {}\n\nf");
    }
}
