//! Splits a source into words, marks and texts.

/// What a source consists of.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Sign {
    Word(String),
    Mark(char),
    Text(String),
    End,
}

/// A source and how far it is read.
pub(super) struct Scanner<'s> {
    rest: &'s str,
}

/// Characters of names, numbers and directives.
fn is_word(sign: char) -> bool {
    sign.is_ascii_alphanumeric() || "#,._+-@/?".contains(sign)
}

/// The number `word`.
pub(super) fn number(word: &str) -> u64 {
    let number = match word.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => word.parse(),
    };
    number.unwrap_or_else(|error| panic!("{word}: {error}"))
}

impl<'s> Scanner<'s> {
    pub fn new(source: &'s str) -> Self {
        Self { rest: source }
    }

    /// The next sign.
    pub fn next(&mut self) -> Sign {
        self.skip_space();
        let Some(first) = self.rest.chars().next() else { return Sign::End };
        if first == '"' {
            let (text, rest) = self.rest[1..].split_once('"').expect("the end of a text");
            self.rest = rest;
            return Sign::Text(text.into());
        }
        // A comma may be in a name, not at its start.
        let starts = |sign: &char| is_word(*sign) && *sign != ',';
        let length = if starts(&first) { self.rest.find(|sign| !is_word(sign)).unwrap_or(self.rest.len()) } else { 0 };
        let (word, rest) = self.rest.split_at(length.max(first.len_utf8()));
        self.rest = rest;
        if length == 0 { Sign::Mark(first) } else { Sign::Word(word.into()) }
    }

    fn skip_space(&mut self) {
        loop {
            self.rest = self.rest.trim_start();
            let end = match self.rest.get(..2) {
                Some("//") => self.rest.find('\n'),
                Some("/*") => self.rest.find("*/").map(|end| end + 2),
                _ => return,
            };
            self.rest = &self.rest[end.unwrap_or(self.rest.len())..];
        }
    }

    pub fn number(&mut self) -> u64 {
        match self.next() {
            Sign::Word(word) => number(&word),
            sign => panic!("{sign:?} as a number"),
        }
    }

    pub fn expect(&mut self, mark: char) {
        assert_eq!(self.next(), Sign::Mark(mark));
    }

    pub fn expect_word(&mut self, word: &str) {
        assert_eq!(self.next(), Sign::Word(word.into()));
    }
}
