//! Random tests in rounds, each named by its seed.
//!
//! A sample takes a few rounds, a campaign many: the same code, more rounds. How many there are is written to
//! `target/test/campaigns`. A campaign that was interrupted goes on there with the round that it did not finish; one
//! that failed repeats the round that failed. Environment:
//!
//! - `BULKHEAD_LONG=1`: campaigns instead of samples;
//! - `BULKHEAD_SEED`: the first round's seed;
//! - `BULKHEAD_ROUNDS`: this many rounds, and nothing is remembered of them.

mod progress;
pub mod record;

use progress::Progress;
use record::{Kind, Record};
use std::any::Any;
use std::env;
use std::io::{self, Write};
use std::num::NonZero;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

/// Code without optimisation takes this many times fewer rounds of a sample, but for the first few.
const UNOPTIMISED: u64 = 100;
const FEW: u64 = 2;

/// A random test.
#[derive(Clone, Debug)]
pub struct Campaign<'a> {
    /// The test's name, as it is typed for `scripts/test --filter`.
    pub name: &'a str,
    /// The stage of `scripts/test` that runs it.
    pub stage: &'a str,
    /// What is counted, in the plural.
    pub unit: &'a str,
    /// How many of these a round is.
    pub each: u64,
    /// Rounds of a sample.
    pub sample: u64,
    /// Rounds of a campaign.
    pub long: u64,
}

/// Whether campaigns are asked for.
pub fn is_long() -> bool {
    env::var_os("BULKHEAD_LONG").is_some_and(|value| value == "1")
}

/// The number in the environment's `variable`.
///
/// # Panics
/// It is set to something else.
pub fn number(variable: &str) -> Option<u64> {
    let text = env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is {text:?}; expected a number")))
}

/// The build folder: `CARGO_TARGET_DIR`, or `target` at the root of the repository.
pub fn target() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("tests/campaign is two folders deep");
    root.join(env::var_os("CARGO_TARGET_DIR").unwrap_or("target".into()))
}

impl Campaign<'_> {
    /// Calls `round` with one seed after the other, on every core.
    ///
    /// # Panics
    /// A round did, after what repeats it was printed.
    pub fn run(&self, round: impl Fn(u64) + Sync) {
        let threads = thread::available_parallelism().map_or(1, NonZero::get);
        self.run_on(threads, &[], number("BULKHEAD_SEED"), round);
    }

    /// The same, one round at a time. If there is no `BULKHEAD_SEED`, the first round's is that of the campaign that
    /// goes on, or `seed`. What is remembered counts only as long as `subjects`, the files under test, are the same.
    ///
    /// # Panics
    /// As [`Self::run`].
    pub fn run_alone(&self, seed: u64, subjects: &[PathBuf], round: impl Fn(u64) + Sync) {
        let remembered = || Some(Record::read(&self.file(Kind::Long)).filter(|_| is_long())?.first);
        let seed = number("BULKHEAD_SEED").or_else(remembered).unwrap_or(seed);
        self.run_on(1, subjects, Some(seed), round);
    }

    fn kind(&self) -> Kind {
        match number("BULKHEAD_ROUNDS") {
            Some(_) => Kind::Given,
            None if is_long() => Kind::Long,
            None => Kind::Sample,
        }
    }

    fn file(&self, kind: Kind) -> PathBuf {
        kind.folder(&target()).join(self.name.replace("::", "."))
    }

    fn rounds(&self) -> u64 {
        let few = self.sample.min(FEW).max(self.sample.div_ceil(UNOPTIMISED));
        let sample = if cfg!(debug_assertions) { few } else { self.sample };
        number("BULKHEAD_ROUNDS").unwrap_or(if is_long() { self.long } else { sample })
    }

    fn run_on(&self, threads: usize, subjects: &[PathBuf], seed: Option<u64>, round: impl Fn(u64) + Sync) {
        let kind = self.kind();
        let record = Record {
            first: seed.unwrap_or(1),
            rounds: 0,
            of: self.rounds(),
            each: self.each,
            unit: self.unit.into(),
            subject: if kind == Kind::Long { record::fingerprint(subjects) } else { 0 },
        };
        let progress = Progress::start(record, self.file(kind), kind == Kind::Long);
        if progress.done() > 0 {
            println!("{}: goes on after {} rounds", self.name, progress.done());
        }
        // A campaign may be interrupted long before the runner of tests says what failed.
        let tell = |seed, why: &str| {
            if kind == Kind::Long {
                self.tell_at_once(seed, why);
            }
        };
        let failure = rounds(threads, &progress, &round, &tell);
        let record = progress.end();
        println!("{}: {record}", self.name);
        if let Some((seed, payload)) = failure {
            let again = self.failed(seed);
            eprintln!("{again}");
            resume_unwind(Box::new(format!("{}\n{again}", words(&*payload))));
        }
    }

    /// Says that the round of `seed` failed, past what captures a test's output. It begins on a line of its own,
    /// because the runner of tests may have begun one.
    fn tell_at_once(&self, seed: u64, why: &str) {
        // Who cannot be told now is told at the end.
        let _ = writeln!(io::stderr(), "\n{why}\n{}", self.failed(seed));
    }

    fn failed(&self, seed: u64) -> String {
        format!("{}: the round of seed {seed} failed; repeat it by\n{}", self.name, self.repeat(seed))
    }

    /// The command that repeats the round of `seed`.
    fn repeat(&self, seed: u64) -> String {
        let build = if self.stage == "qemu" { "--stage build " } else { "" };
        format!(
            "BULKHEAD_SEED={seed} BULKHEAD_ROUNDS=1 scripts/test {build}--stage {} --filter {}",
            self.stage, self.name
        )
    }
}

type Failure = (u64, Box<dyn Any + Send>);

/// Calls `round` for all that is left, and `tell` with the seed and the message of one that failed, at once; the failure
/// with the least seed.
fn rounds(
    threads: usize,
    progress: &Progress,
    round: &(impl Fn(u64) + Sync),
    tell: &(impl Fn(u64, &str) + Sync),
) -> Option<Failure> {
    let (next, end) = (AtomicU64::new(progress.done()), AtomicU64::new(progress.of()));
    let work = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= end.load(Ordering::Relaxed) {
                return None;
            }
            let seed = progress.seed(number);
            if let Err(payload) = catch_unwind(AssertUnwindSafe(|| round(seed))) {
                end.fetch_min(number, Ordering::Relaxed);
                tell(seed, words(&*payload));
                return Some((seed, payload));
            }
            progress.finished(number);
        }
    };
    let failures = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers.into_iter().filter_map(|worker| worker.join().unwrap_or_else(|panic| resume_unwind(panic))).collect()
    });
    let failures: Vec<Failure> = failures;
    failures.into_iter().min_by_key(|(seed, _)| *seed)
}

fn words(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("it panicked")
}

#[cfg(test)]
mod tests;
