//! The guest's command line: words of `/chosen/bootargs`, either `flag` or `key=value`.

/// A view of the bootargs.
#[derive(Clone, Copy)]
pub struct Arguments(pub &'static str);

impl Arguments {
    /// Whether the word `name` stands on the command line.
    pub fn flag(&self, name: &str) -> bool {
        self.0.split_whitespace().any(|word| word == name)
    }

    /// The text after `key=`; the last one wins.
    pub fn text(&self, key: &str) -> Option<&'static str> {
        self.0.split_whitespace().rev().find_map(|word| word.strip_prefix(key)?.strip_prefix('='))
    }

    /// The number after `key=` (decimal, or hexadecimal after `0x`), or `default` if the key is absent.
    ///
    /// # Panics
    /// If the value is no number.
    pub fn number(&self, key: &str, default: u64) -> u64 {
        let Some(text) = self.text(key) else { return default };
        let parsed = match text.strip_prefix("0x") {
            Some(digits) => u64::from_str_radix(digits, 16),
            None => text.parse(),
        };
        parsed.unwrap_or_else(|_| panic!("bootargs: {key}={text} is not a number"))
    }
}
