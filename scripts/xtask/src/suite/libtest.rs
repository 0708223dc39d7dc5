//! Reads what cargo and libtest print.
//!
//! libtest's format for machines is not stable, and cargo-nextest is not everywhere; the lines for people have
//! stayed the same for years. What libtest counted is held against what was understood, so that a change of the
//! format is a failure and not a silence.

use super::outcome::{Outcome, Verdict};

/// Reads line after line.
#[derive(Default)]
pub struct Parser {
    outcomes: Vec<Outcome>,
    /// What is being run, from cargo's `Running` line.
    program: String,
    /// Outcomes since the last `running N tests`.
    first: usize,
    announced: Option<usize>,
    /// The test whose output is being printed.
    speaking: Option<usize>,
    /// A test's line whose verdict has not come: something else was printed first.
    begun: Option<String>,
    complaint: Option<String>,
}

impl Parser {
    /// Takes one line. Returns whether it is worth showing: compiling, warnings and failures are, tests that pass
    /// are not.
    pub fn line(&mut self, line: &str) -> bool {
        if let Some(program) = started(line) {
            self.program = program.to_owned();
            self.speaking = None;
            return true;
        }
        if let Some(count) = running(line) {
            self.expect_summary_first(Some(count));
            self.first = self.outcomes.len();
            return false;
        }
        if line.starts_with("test ") && line.ends_with(" ... ") {
            self.begun = Some(line.to_owned());
            return false;
        }
        let begun = self.begun.take_if(|_| matches!(line, "ok" | "FAILED")).map(|begun| begun + line);
        if let Some(outcome) = test(begun.as_deref().unwrap_or(line)) {
            let shown = outcome.verdict == Verdict::Failed;
            self.outcomes.push(outcome);
            return shown;
        }
        if let Some(counts) = line.strip_prefix("test result: ") {
            self.summary(counts);
            self.speaking = None;
            return false;
        }
        self.speech(line)
    }

    /// The outcomes, and what was not understood.
    pub fn finish(mut self) -> (Vec<Outcome>, Option<String>) {
        self.expect_summary_first(None);
        (self.outcomes, self.complaint)
    }

    fn expect_summary_first(&mut self, next: Option<usize>) {
        if self.announced.is_some() {
            self.complain(format!("{} ended before its summary", self.program));
        }
        self.announced = next;
    }

    fn complain(&mut self, complaint: String) {
        self.complaint.get_or_insert(complaint);
    }

    /// Between `---- NAME stdout ----` and the next such line stands what a failed test said.
    fn speech(&mut self, line: &str) -> bool {
        if let Some(name) = speaker(line) {
            let of_this_program = self.outcomes.iter().skip(self.first);
            self.speaking = of_this_program.clone().position(|outcome| outcome.name == name).map(|at| self.first + at);
        } else if line == "failures:" {
            self.speaking = None;
        } else if let Some(outcome) = self.speaking.and_then(|at| self.outcomes.get_mut(at)) {
            outcome.message += line;
            outcome.message.push('\n');
            return false;
        }
        !line.is_empty() && line != "failures:" && speaker(line).is_none() && !line.starts_with("    ")
    }

    fn summary(&mut self, counts: &str) {
        let counted = |word| {
            counts.split([';', '.']).find_map(|part| part.trim().strip_suffix(word)?.trim().parse::<usize>().ok())
        };
        let seen = |verdict| self.outcomes.iter().skip(self.first).filter(|outcome| outcome.verdict == verdict).count();
        let expected = (counted("passed"), counted("failed"), counted("ignored"));
        let found = (seen(Verdict::Passed), seen(Verdict::Failed), seen(Verdict::Ignored));
        if expected != (Some(found.0), Some(found.1), Some(found.2)) {
            self.complain(format!("{} counted {counts:?}, but its lines show {found:?}", self.program));
        }
        self.announced = None;
    }
}

/// `Running unittests src/lib.rs (target/...)` or `Doc-tests CRATE`, as cargo indents them.
fn started(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("     Running ").or_else(|| line.strip_prefix("   Doc-tests "))?;
    Some(rest.trim())
}

fn running(line: &str) -> Option<usize> {
    let rest = line.strip_prefix("running ")?;
    rest.strip_suffix(" tests").or_else(|| rest.strip_suffix(" test"))?.parse().ok()
}

/// `test NAME ... ok`; doc tests carry their file and line in the name.
fn test(line: &str) -> Option<Outcome> {
    let (name, verdict) = line.strip_prefix("test ")?.rsplit_once(" ... ")?;
    let verdict = match verdict.split([',', ' ', '<']).next()? {
        "ok" => Verdict::Passed,
        "FAILED" => Verdict::Failed,
        "ignored" => Verdict::Ignored,
        _ => return None,
    };
    let name = name.trim().trim_end_matches(" - should panic").to_owned();
    Some(Outcome { name, verdict, message: String::new() })
}

/// libtest writes `---- NAME stdout ----`, libtest-mimic `---- NAME ----`.
fn speaker(line: &str) -> Option<&str> {
    let name = line.strip_prefix("---- ")?.strip_suffix(" ----")?;
    Some(name.strip_suffix(" stdout").unwrap_or(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: &str = "\
     Running unittests src/lib.rs (target/debug/deps/a-0)

running 4 tests
test a::b ... ok
test a::c ... FAILED
test a::d - should panic ... ok
test a::e ... ignored, no board

failures:

---- a::c stdout ----
thread 'a::c' panicked at src/lib.rs:1:1:
left: 1

failures:
    a::c

test result: FAILED. 2 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s
";

    fn parsed(text: &str) -> (Vec<Outcome>, Option<String>) {
        let mut parser = Parser::default();
        text.lines().for_each(|line| {
            parser.line(line);
        });
        parser.finish()
    }

    #[test]
    fn outcomes_and_what_failures_said_are_read() {
        let (outcomes, complaint) = parsed(RUN);
        assert_eq!(complaint, None);
        let verdicts: Vec<_> = outcomes.iter().map(|outcome| (outcome.name.as_str(), outcome.verdict)).collect();
        let expected = [
            ("a::b", Verdict::Passed),
            ("a::c", Verdict::Failed),
            ("a::d", Verdict::Passed),
            ("a::e", Verdict::Ignored),
        ];
        assert_eq!(verdicts, expected);
        assert!(outcomes[1].message.contains("left: 1"));
        assert!(outcomes[0].message.is_empty());
    }

    #[test]
    fn equal_names_in_two_programs_are_kept_apart() {
        let (outcomes, complaint) = parsed(&[RUN, RUN].concat());
        assert_eq!((outcomes.len(), complaint), (8, None));
        assert!(outcomes[5].message.contains("left: 1") && outcomes[5].message == outcomes[1].message);
    }

    #[test]
    fn a_miscount_and_a_crash_are_noticed() {
        let miscounted = RUN.replace("2 passed", "3 passed");
        assert!(parsed(&miscounted).1.unwrap().contains("but its lines show (2, 1, 1)"));
        let crashed: String = RUN.lines().take(5).map(|line| format!("{line}\n")).collect();
        assert!(parsed(&crashed).1.unwrap().contains("ended before its summary"));
    }

    #[test]
    fn a_verdict_may_come_behind_something_else() {
        let interrupted = RUN.replace("a::c ... FAILED", "a::c ... \nfive is too much\nFAILED");
        let (outcomes, complaint) = parsed(&interrupted);
        assert_eq!((outcomes, complaint), parsed(RUN));
    }

    #[test]
    fn libtest_mimic_names_speakers_without_a_stream() {
        assert_eq!(speaker("---- boot::virt ----"), Some("boot::virt"));
        assert_eq!(speaker("---- boot::virt stdout ----"), Some("boot::virt"));
    }
}
