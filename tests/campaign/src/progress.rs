//! Which rounds are done, kept in a file.

use crate::record::Record;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How often the file is written at most.
const INTERVAL: Duration = Duration::from_secs(1);

/// The rounds of a run.
#[derive(Debug)]
pub struct Progress {
    file: PathBuf,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    record: Record,
    /// Done before others with lower numbers.
    early: BTreeSet<u64>,
    written: Instant,
}

impl Progress {
    /// The run that `record` describes, kept in `file`. If it may go on where another stopped, and `file` holds the
    /// progress of one that is the same, it does.
    pub fn start(mut record: Record, file: PathBuf, goes_on: bool) -> Self {
        if let Some(before) = Record::read(&file).filter(|before| goes_on && before.is_of(&record)) {
            record.rounds = before.rounds;
        }
        Self { file, inner: Mutex::new(Inner { record, early: BTreeSet::new(), written: Instant::now() }) }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many rounds are done, without a gap.
    pub fn done(&self) -> u64 {
        self.inner().record.rounds
    }

    /// How many there are to be.
    pub fn of(&self) -> u64 {
        self.inner().record.of
    }

    /// The seed of the round `number`.
    pub fn seed(&self, number: u64) -> u64 {
        self.inner().record.first.wrapping_add(number)
    }

    /// Notes that the round `number` is done.
    pub fn finished(&self, number: u64) {
        let mut inner = self.inner();
        inner.early.insert(number);
        while inner.early.first() == Some(&inner.record.rounds) {
            inner.early.pop_first();
            inner.record.rounds += 1;
        }
        if inner.written.elapsed() >= INTERVAL {
            inner.record.write(&self.file);
            inner.written = Instant::now();
        }
    }

    /// Keeps what is done for good.
    pub fn end(self) -> Record {
        let record = self.inner.into_inner().unwrap_or_else(PoisonError::into_inner).record;
        record.write(&self.file);
        record
    }
}
