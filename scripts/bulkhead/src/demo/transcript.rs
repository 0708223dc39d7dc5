//! Reading a console's raw output again: what was typed, what was answered, and which check it belongs to.

/// A line typed behind a prompt, and everything printed until the next prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exchange<'l> {
    /// What was typed, as the console echoed it.
    pub command: &'l str,
    /// What was printed then.
    pub answer: &'l str,
}

impl Exchange<'_> {
    /// Whether one of the answer's lines is `line`.
    pub fn has_line(&self, line: &str) -> bool {
        self.answer.lines().any(|candidate| candidate == line)
    }
}

/// A part of a console's output.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Section<'l> {
    /// What was said in it, in order.
    pub exchanges: Vec<Exchange<'l>>,
}

impl<'l> Section<'l> {
    /// All of `log`, a console whose lines of input stand behind `prompt`.
    pub fn whole(log: &'l str, prompt: &str) -> Self {
        let starts = line_starts(log).filter(|start| log[*start..].starts_with(prompt));
        let starts: Vec<usize> = starts.collect();
        let ends = starts.iter().skip(1).copied().chain([log.len()]);
        let exchange = |(start, end): (&usize, usize)| {
            let text = &log[start + prompt.len()..end];
            let (command, answer) = text.split_once('\n').unwrap_or((text, ""));
            Exchange { command, answer }
        };
        Self { exchanges: starts.iter().zip(ends).map(exchange).collect() }
    }

    /// What lies between the lines that [`begin`] and [`end`] give for `check`.
    ///
    /// # Errors
    /// Which of them is not in the log.
    pub fn of(&self, check: &str, nonce: &str) -> Result<Self, String> {
        let position = |line: &str| {
            let found = self.exchanges.iter().position(|exchange| exchange.command == line);
            found.ok_or_else(|| format!("no line {line:?}"))
        };
        let (begin, end) = (position(&begin(check, nonce))?, position(&end(check, nonce))?);
        Ok(Self { exchanges: self.exchanges.get(begin..=end).unwrap_or_default().to_vec() })
    }

    /// The exchanges whose command is `command`.
    pub fn all(&self, command: &str) -> Vec<Exchange<'l>> {
        self.exchanges.iter().filter(|exchange| exchange.command == command).copied().collect()
    }

    /// The one whose command is `command`.
    ///
    /// # Errors
    /// There is none.
    pub fn one(&self, command: &str) -> Result<Exchange<'l>, String> {
        self.all(command).first().copied().ok_or_else(|| format!("no line {command:?}"))
    }

    /// Every line of every answer, in order.
    pub fn lines(&self) -> impl Iterator<Item = &'l str> + '_ {
        self.exchanges.iter().flat_map(|exchange| exchange.answer.lines())
    }
}

/// The line that is typed before a check. Linux and FreeRTOS repeat it; the monitor says that it is no command.
pub fn begin(check: &str, nonce: &str) -> String {
    format!("echo begin {check} {nonce}")
}

/// The line that is typed after a check.
pub fn end(check: &str, nonce: &str) -> String {
    format!("echo end {check} {nonce}")
}

fn line_starts(log: &str) -> impl Iterator<Item = usize> + '_ {
    std::iter::once(0).chain(log.match_indices('\n').map(|(at, _)| at + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "boot\nrtos> echo begin a 7\nbegin a 7\nrtos> st\nsamples 1 2\nrtos> stat\nok\nrtos> echo end a 7\nend a 7\nrtos> ";

    #[test]
    fn a_log_is_read_as_it_was_typed_and_interrupted() {
        let section = Section::whole(LOG, "rtos> ").of("a", "7").unwrap();
        assert_eq!(section.one("stat").unwrap().answer, "ok\n");
        assert!(section.one("echo begin a 7").unwrap().has_line("begin a 7"));
        assert_eq!(section.lines().collect::<Vec<_>>(), ["begin a 7", "samples 1 2", "ok", "end a 7"]);
        assert_eq!(section.exchanges.len(), 4);
    }

    #[test]
    fn what_was_not_typed_is_not_found() {
        let log = Section::whole(LOG, "rtos> ");
        assert_eq!(log.of("a", "8").unwrap_err(), "no line \"echo begin a 8\"");
        assert_eq!(log.one("begin a 7").unwrap_err(), "no line \"begin a 7\"");
        assert_eq!(Section::whole("", "rtos> ").exchanges, []);
    }
}
