//! The list of tests: a matrix of boards, each test skipped loudly if what it boots is missing.

use std::collections::BTreeMap;
use std::env;
use std::panic;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use libtest_mimic::{Arguments, Failed, Trial};

use crate::{Board, Boot, Session, artifacts};
use bulkhead_campaign::Campaign;

/// QEMUs that run at once.
const PARALLEL: usize = 2;

/// What a test knows of itself.
#[derive(Clone, Debug)]
pub struct Context {
    /// The test's full name.
    pub name: String,
    /// Seed of whatever is random in it, from `BULKHEAD_SEED` or the clock.
    pub seed: u64,
}

impl Context {
    /// Where the test leaves files: `target/test/NAME/`.
    pub fn folder(&self) -> PathBuf {
        artifacts::target().join("test").join(self.name.replace("::", "/"))
    }
}

/// The tests of a run.
pub struct Suite {
    trials: Vec<Trial>,
    skipped: BTreeMap<String, usize>,
    required: bool,
    seed: u64,
}

impl Suite {
    /// An empty suite.
    ///
    /// # Panics
    /// If `BULKHEAD_SEED` is no number.
    pub fn new() -> Self {
        let seed = match env::var("BULKHEAD_SEED") {
            Ok(text) => text.parse().unwrap_or_else(|_| panic!("BULKHEAD_SEED={text} is not a number")),
            Err(_) => SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |time| time.as_nanos() as u64),
        };
        let required = env::var_os("BULKHEAD_REQUIRE_QEMU").is_some_and(|value| value == "1");
        Self { trials: Vec::new(), skipped: BTreeMap::new(), required, seed }
    }

    /// Whether campaigns are asked for (`BULKHEAD_LONG=1`): what takes `default` steps takes `long` then.
    pub fn steps(&self, default: u64, long: u64) -> u64 {
        if bulkhead_campaign::is_long() { long } else { default }
    }

    /// The seed of this run's random choices.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Adds a test `group::BOARD` for every one of `boards`: it boots `boot` and `judge` judges what comes.
    pub fn on_each<J>(&mut self, group: &str, boot: &Boot, boards: impl IntoIterator<Item = Board>, judge: J)
    where
        J: Fn(&mut Session) + Clone + Send + 'static,
    {
        for board in boards {
            let context = Context { name: format!("{group}::{board}"), seed: self.seed };
            let (boot, judge) = (boot.clone(), judge.clone());
            let name = context.name.clone();
            match artifacts::unobtainable(board.tree(), &boot.files()) {
                Some(reason) => self.skip(name, reason),
                None => self.add(name, &boot.files(), move || judge(&mut Session::start(&context, &board, &boot))),
            }
        }
    }

    /// Adds a random test `group::BOARD` for every one of `boards`: in each round of `campaign`, whose name is `group`
    /// here, it boots what `boot` makes of the round's seed, and `judge` judges what comes.
    pub fn rounds_on_each<B, J>(
        &mut self,
        campaign: &Campaign<'static>,
        boot: B,
        boards: impl IntoIterator<Item = Board>,
        judge: J,
    ) where
        B: Fn(u64) -> Boot + Clone + Send + Sync + 'static,
        J: Fn(&mut Session) + Clone + Send + Sync + 'static,
    {
        for board in boards {
            let (boot, judge) = (boot.clone(), judge.clone());
            let (name, files) = (format!("{}::{board}", campaign.name), boot(self.seed).files());
            self.rounds(campaign, &name, &files, move |context| {
                judge(&mut Session::start(context, &board, &boot(context.seed)));
            });
        }
    }

    /// Adds a random test `name` that boots `files` on boards of its own choice: in each round of `campaign` it gets a
    /// context, with the round's seed.
    pub fn rounds<R>(&mut self, campaign: &Campaign<'static>, name: &str, files: &[PathBuf], round: R)
    where
        R: Fn(&Context) + Send + Sync + 'static,
    {
        let (campaign, first, name, subjects) = (campaign.clone(), self.seed, name.to_string(), files.to_vec());
        self.add(name.clone(), files, move || {
            Campaign { name: &name, ..campaign }
                .run_alone(first, &subjects, |seed| round(&Context { name: name.clone(), seed }));
        });
    }

    fn add(&mut self, name: String, files: &[PathBuf], test: impl FnOnce() + Send + 'static) {
        let trial = match artifacts::missing(files) {
            None => Trial::test(name, move || {
                test();
                Ok(())
            }),
            Some(reason) if self.required => Trial::test(name, move || Err(Failed::from(reason))),
            Some(reason) => return self.skip(name, reason),
        };
        self.trials.push(trial);
    }

    /// Lists a test that does not run, and why.
    fn skip(&mut self, name: String, reason: String) {
        *self.skipped.entry(reason).or_default() += 1;
        self.trials.push(Trial::test(name, || Ok(())).with_ignored_flag(true));
    }

    /// Runs what the command line asks for.
    pub fn run(self) -> ExitCode {
        let mut arguments = Arguments::from_args();
        arguments.test_threads = Some(arguments.test_threads.unwrap_or(PARALLEL).min(PARALLEL));
        for (reason, count) in &self.skipped {
            eprintln!("SKIPPED: {count} tests, because {reason}");
        }
        // The report repeats each message: here only where it came from is new.
        panic::set_hook(Box::new(|info| {
            if let Some(location) = info.location() {
                eprintln!("failed at {location}");
            }
        }));
        if !arguments.list {
            eprintln!("BULKHEAD_SEED={}", self.seed);
        }
        libtest_mimic::run(&arguments, self.trials).exit_code()
    }
}

impl Default for Suite {
    fn default() -> Self {
        Self::new()
    }
}
