//! The file that says how far a random test came.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

/// How many rounds were asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The usual few.
    Sample,
    /// A campaign.
    Long,
    /// As many as `BULKHEAD_ROUNDS` says.
    Given,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Sample, Self::Long, Self::Given];

    /// Where the records of this kind are, in the build folder `target`.
    pub fn folder(self, target: &Path) -> PathBuf {
        target.join("test/campaigns").join(match self {
            Self::Sample => "sample",
            Self::Long => "long",
            Self::Given => "given",
        })
    }
}

/// How far a random test came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// Seed of the first round.
    pub first: u64,
    /// Rounds done, from the first on.
    pub rounds: u64,
    /// Rounds to be done.
    pub of: u64,
    /// Units in each.
    pub each: u64,
    /// What is counted, in the plural.
    pub unit: String,
    /// Fingerprint of what is under test.
    pub subject: u64,
}

impl Record {
    /// The record in `file`, if there is a whole one.
    pub fn read(file: &Path) -> Option<Self> {
        let text = fs::read_to_string(file).ok()?;
        let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        let number = |name| field(name)?.parse().ok();
        Some(Self {
            first: number("first-seed")?,
            rounds: number("rounds")?,
            of: number("of")?,
            each: number("each")?,
            unit: field("unit")?.into(),
            subject: number("subject")?,
        })
    }

    /// Writes it to `file`; one that cannot be written is said, and costs only the way back.
    pub fn write(&self, file: &Path) {
        let Self { first, rounds, of, each, unit, subject } = self;
        let text =
            format!("first-seed={first}\nrounds={rounds}\nof={of}\neach={each}\nunit={unit}\nsubject={subject}\n");
        let beside = file.with_added_extension("new");
        let folder = file.parent().unwrap_or(Path::new("."));
        // By renaming, so that an interruption leaves the old one or the new one.
        let written =
            fs::create_dir_all(folder).and_then(|()| fs::write(&beside, text)).and_then(|()| fs::rename(&beside, file));
        if let Err(error) = written {
            eprintln!("{}: {error}", file.display());
        }
    }

    /// Whether `other` is the same run, however far.
    pub fn is_of(&self, other: &Self) -> bool {
        *self == Self { rounds: self.rounds, ..other.clone() } && self.rounds <= self.of
    }

    /// Whether nothing is left to do.
    pub fn is_complete(&self) -> bool {
        self.rounds == self.of
    }
}

impl fmt::Display for Record {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { first, rounds, of, each, unit, .. } = self;
        write!(formatter, "{} {unit}, ", grouped(rounds * each))?;
        match rounds {
            0 => write!(formatter, "no round")?,
            1 => write!(formatter, "seed {first}")?,
            _ => write!(formatter, "seeds {first} to {}", first.wrapping_add(rounds - 1))?,
        }
        if self.is_complete() { Ok(()) } else { write!(formatter, ", {rounds} of {of} rounds") }
    }
}

/// `number` with a comma before every third digit from the end.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let comma = |(index, digit): (usize, char)| {
        [(index > 0 && (digits.len() - index).is_multiple_of(3)).then_some(','), Some(digit)]
    };
    digits.chars().enumerate().flat_map(comma).flatten().collect()
}

/// Tells this program and `subjects` from others (FNV-1a, 64 bits): progress made by another program shows nothing.
pub fn fingerprint(subjects: &[PathBuf]) -> u64 {
    let program = std::env::current_exe().ok();
    let files = program.iter().chain(subjects).map(|path| fs::read(path).unwrap_or_default());
    files.flatten().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}
