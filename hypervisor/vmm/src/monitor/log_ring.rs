//! The hypervisor's log: its newest records.

use alloc::collections::VecDeque;
use alloc::string::String;
use core::fmt;

use ::log::Level;

/// A record beside its text costs about this many bytes.
const OVERHEAD: usize = 48;

/// One message of the hypervisor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// How grave it is.
    pub level: Level,
    /// When it was logged, in ms since the hypervisor started.
    pub time_ms: u64,
    /// What happened.
    pub text: String,
}

impl fmt::Display for Record {
    /// Such as `[    1.234] warn: text`, with the time in seconds.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = match self.level {
            Level::Error => "error",
            Level::Warn => "warn",
            Level::Info => "info",
            Level::Debug => "debug",
            Level::Trace => "trace",
        };
        let (seconds, milliseconds) = (self.time_ms / 1000, self.time_ms % 1000);
        write!(formatter, "[{seconds:5}.{milliseconds:03}] {level}: {}", self.text)
    }
}

/// The newest records, within a bound of memory: for a new one the oldest go.
#[derive(Debug)]
pub struct LogRing {
    records: VecDeque<Record>,
    capacity: usize,
    used: usize,
    dropped: u64,
}

impl LogRing {
    /// An empty log of about `capacity` bytes.
    pub fn new(capacity: usize) -> Self {
        Self { records: VecDeque::new(), capacity, used: 0, dropped: 0 }
    }

    /// Adds `record`. One that is larger than the whole log is dropped, and all before it.
    pub fn push(&mut self, record: Record) {
        self.used += cost(&record);
        self.records.push_back(record);
        while self.used > self.capacity
            && let Some(oldest) = self.records.pop_front()
        {
            self.used -= cost(&oldest);
            self.dropped += 1;
        }
    }

    /// Records that are there.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Records that are no longer there.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// The newest `count` records, oldest first.
    pub fn last(&self, count: usize) -> impl Iterator<Item = &Record> {
        self.records.iter().skip(self.records.len().saturating_sub(count))
    }
}

fn cost(record: &Record) -> usize {
    record.text.len() + OVERHEAD
}
