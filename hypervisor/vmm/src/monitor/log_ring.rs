//! The hypervisor's log: its newest records.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::tell;

use ::log::Level;

/// A record beside its text costs about this many bytes.
const OVERHEAD: usize = 32;

/// A record as a line without its end, such as `[    1.234] warn: text`: it was made `time_ms` ms after the
/// hypervisor started.
pub fn line(level: Level, time_ms: u64, text: fmt::Arguments<'_>) -> String {
    let level = match level {
        Level::Error => "error",
        Level::Warn => "warn",
        Level::Info => "info",
        Level::Debug => "debug",
        Level::Trace => "trace",
    };
    tell::text(format_args!("[{:5}.{:03}] {level}: {text}", time_ms / 1000, time_ms % 1000))
}

/// The newest records, a line each, within a bound of memory: for a new one the oldest go.
#[derive(Debug)]
pub struct LogRing {
    /// Oldest first, and few: a record is taken out by moving the others.
    records: Vec<String>,
    /// Bytes that the records may yet cost.
    free: usize,
    dropped: usize,
}

impl LogRing {
    /// An empty log of about `capacity` bytes.
    pub const fn new(capacity: usize) -> Self {
        Self { records: Vec::new(), free: capacity, dropped: 0 }
    }

    /// Adds `record`. One that is larger than the whole log is dropped, and all before it.
    pub fn push(&mut self, record: String) {
        let cost = record.len() + OVERHEAD;
        while self.free < cost {
            self.dropped += 1;
            match self.take_oldest() {
                Some(oldest) => self.free += oldest.len() + OVERHEAD,
                None => return,
            }
        }
        self.free -= cost;
        self.records.push(record);
    }

    fn take_oldest(&mut self) -> Option<String> {
        self.records.first()?;
        self.records.rotate_left(1);
        self.records.pop()
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
    pub fn dropped(&self) -> usize {
        self.dropped
    }

    /// The newest `count` records, oldest first.
    pub fn last(&self, count: usize) -> &[String] {
        self.records.get(self.records.len().saturating_sub(count)..).unwrap_or_default()
    }
}
