//! One port of the hypervisor's console: a guest's, or the monitor's.

use crate::Session;
use crate::transcript::View;

/// A console port of a session, by name.
pub struct Port<'s> {
    pub(crate) session: &'s mut Session,
    pub(crate) name: &'s str,
}

impl Port<'_> {
    /// As [`Session::expect`], among what this port printed.
    ///
    /// # Panics
    /// As there.
    #[track_caller]
    pub fn expect(&mut self, text: &str) -> &mut Self {
        self.session.expect_in(View::Port(self.name), text);
        self
    }

    /// Waits until each of `texts` came after what was expected before, in any order.
    ///
    /// # Panics
    /// As [`Session::expect`].
    #[track_caller]
    pub fn expect_all(&mut self, texts: &[&str]) -> &mut Self {
        self.session.expect_all_in(View::Port(self.name), texts);
        self
    }

    /// As [`Session::rest_of_line`], among what this port printed.
    ///
    /// # Panics
    /// As there.
    #[track_caller]
    pub fn rest_of_line(&mut self) -> String {
        self.session.rest_of_line_in(View::Port(self.name))
    }

    /// Waits for `key` and reads the number (decimal, or hexadecimal after `0x`) that follows it.
    ///
    /// # Panics
    /// As [`Session::expect`], and if no number follows.
    #[track_caller]
    pub fn number_after(&mut self, key: &str) -> u64 {
        self.expect(key);
        let line = self.rest_of_line();
        leading_number(&line).unwrap_or_else(|| panic!("{key}{line}: no number"))
    }

    /// Types `line`, which the port that has the focus echoes, and gives what it prints until its next `prompt`.
    ///
    /// # Panics
    /// As [`Session::expect`] and [`Session::send`].
    #[track_caller]
    pub fn ask(&mut self, line: &str, prompt: &str) -> String {
        self.session.send(&format!("{line}\r"));
        self.session.expect_in(View::Port(self.name), line);
        let from = *self.session.position(View::Port(self.name)) + "\n".len();
        self.session.expect_in(View::Port(self.name), &format!("\n{prompt}"));
        let to = *self.session.position(View::Port(self.name)) - prompt.len();
        let bytes = self.session.output.bytes(View::Port(self.name));
        String::from_utf8_lossy(bytes.get(from..to).unwrap_or_default()).into_owned()
    }

    /// As [`Session::verdict`], among what this port printed.
    ///
    /// # Panics
    /// As there.
    #[track_caller]
    pub fn verdict(&mut self) -> &mut Self {
        self.session.verdict_in(View::Port(self.name));
        self
    }

    /// The text that this port printed so far, without carriage returns.
    pub fn text(&self) -> String {
        self.session.output.text(View::Port(self.name))
    }

    /// The bytes that this port printed so far.
    pub fn bytes(&self) -> Vec<u8> {
        self.session.output.bytes(View::Port(self.name))
    }
}

/// The number that `text` begins with: decimal, or hexadecimal after `0x`.
pub fn leading_number(text: &str) -> Option<u64> {
    let word: String = text.chars().take_while(char::is_ascii_alphanumeric).collect();
    match word.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => word.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::leading_number;

    #[test]
    fn numbers_end_where_words_do() {
        assert_eq!(leading_number("12 missed=3"), Some(12));
        assert_eq!(leading_number("0xfF,"), Some(255));
        assert_eq!(leading_number("none"), None);
    }
}
