//! What became of one test.

/// How a test ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It held.
    Passed,
    /// It did not.
    Failed,
    /// It did not run.
    Ignored,
}

/// One test and what it said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// As it is typed for `--filter`.
    pub name: String,
    /// How it ended.
    pub verdict: Verdict,
    /// Why it failed.
    pub message: String,
}

impl Outcome {
    /// A test that failed for the reason `message`.
    pub fn failed(name: &str, message: &str) -> Self {
        Self { name: name.to_owned(), verdict: Verdict::Failed, message: message.to_owned() }
    }

    /// A test that failed if it has problems.
    pub fn of_problems(name: &str, problems: &[String]) -> Self {
        let verdict = if problems.is_empty() { Verdict::Passed } else { Verdict::Failed };
        Self { name: name.to_owned(), verdict, message: problems.join("\n") }
    }
}
