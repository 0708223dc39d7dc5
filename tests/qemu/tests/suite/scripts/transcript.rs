//! What the guest `scripts` said.

use std::collections::BTreeMap;
use std::fmt;

/// What an access gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A load's value.
    Value(u64),
    /// A store was carried out.
    Done,
    /// A data abort, with its fault status.
    Abort(u64),
    /// There is no such register.
    Undefined,
}

impl Answer {
    fn new(word: &str) -> Self {
        let number = |digits| u64::from_str_radix(digits, 16).unwrap_or_else(|error| panic!("{word}: {error}"));
        match word {
            "." => Self::Done,
            "!u" => Self::Undefined,
            _ => word.strip_prefix('!').map_or_else(|| Self::Value(number(word)), |status| Self::Abort(number(status))),
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(value) => write!(f, "{value:#x}"),
            Self::Done => f.write_str("done"),
            Self::Abort(status) => write!(f, "abort {status:#x}"),
            Self::Undefined => f.write_str("undefined"),
        }
    }
}

/// The answers of every script.
pub struct Transcript(BTreeMap<u64, Vec<Answer>>);

impl Transcript {
    /// Reads what a guest printed.
    ///
    /// # Panics
    /// If it is not `scripts` scripts with `accesses` answers each, in order.
    pub fn new(text: &str, scripts: u64, accesses: u64) -> Self {
        let mut answers: BTreeMap<u64, Vec<Answer>> = BTreeMap::new();
        for (place, line) in text.lines().filter_map(|line| line.split_once(' ')) {
            let Some((Ok(script), Ok(access))) = place.split_once('.').map(|(s, a)| (s.parse(), a.parse::<usize>()))
            else {
                continue;
            };
            let answers = answers.entry(script).or_default();
            assert_eq!(access, answers.len(), "script {script}: a line is missing");
            answers.extend(line.split_whitespace().map(Answer::new));
        }
        assert!(text.contains(&format!("scripts={scripts} accesses={}", scripts * accesses)), "the guest's own count");
        assert!(answers.keys().copied().eq(0..scripts), "{} scripts", answers.len());
        assert!(answers.values().all(|answers| answers.len() as u64 == accesses), "a script is not whole");
        Self(answers)
    }

    /// The answers of script `number`.
    pub fn of(&self, number: u64) -> &[Answer] {
        &self.0[&number]
    }
}
