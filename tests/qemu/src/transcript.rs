//! Output as it arrives: read on a thread, waited for by whoever judges it.

use std::io::Read;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

#[derive(Default)]
struct State {
    bytes: Vec<u8>,
    ended: bool,
}

/// Everything a stream said so far.
#[derive(Clone, Default)]
pub struct Transcript(Arc<(Mutex<State>, Condvar)>);

/// Why waiting ended without the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missed {
    /// The stream ended.
    Ended,
    /// The limit passed.
    TimedOut,
}

impl Transcript {
    /// Reads `stream` to its end on a thread of its own.
    pub fn follow(stream: impl Read + Send + 'static) -> Self {
        let transcript = Self::default();
        let writer = transcript.clone();
        thread::spawn(move || writer.fill(stream));
        transcript
    }

    fn fill(&self, mut stream: impl Read) {
        let mut buffer = [0; 4096];
        loop {
            let length = stream.read(&mut buffer).unwrap_or(0);
            let mut state = self.lock();
            state.bytes.extend_from_slice(&buffer[..length]);
            state.ended = length == 0;
            self.0.1.notify_all();
            if state.ended {
                return;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.0.lock().expect("no reader panics with the lock held")
    }

    /// Waits until `text` stands at or after byte `from`; the position after it.
    pub fn wait_for(&self, text: &str, from: usize, limit: Duration) -> Result<usize, Missed> {
        let deadline = Instant::now() + limit;
        let mut state = self.lock();
        let mut searched = from;
        loop {
            if let Some(position) = find(&state.bytes[searched..], text.as_bytes()) {
                return Ok(searched + position + text.len());
            }
            searched = state.bytes.len().saturating_sub(text.len()).max(from);
            if state.ended {
                return Err(Missed::Ended);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Missed::TimedOut);
            }
            state = self.0.1.wait_timeout(state, left).expect("no reader panics with the lock held").0;
        }
    }

    /// Waits for the end of the stream.
    pub fn wait_for_end(&self, limit: Duration) -> Result<(), Missed> {
        let state = self.lock();
        let (state, _) = self
            .0
            .1
            .wait_timeout_while(state, limit, |state| !state.ended)
            .expect("no reader panics with the lock held");
        if state.ended { Ok(()) } else { Err(Missed::TimedOut) }
    }

    /// Everything so far, without carriage returns.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.lock().bytes).replace('\r', "")
    }

    /// The bytes so far.
    pub fn bytes(&self) -> Vec<u8> {
        self.lock().bytes.clone()
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    const LIMIT: Duration = Duration::from_secs(20);

    #[test]
    fn text_is_found_once_per_position_and_across_reads() {
        let (reader, mut writer) = std::io::pipe().unwrap();
        let transcript = Transcript::follow(reader);
        writer.write_all(b"one tw").unwrap();
        let after_one = transcript.wait_for("one", 0, LIMIT).unwrap();
        writer.write_all(b"o one").unwrap();
        assert_eq!(transcript.wait_for("two", after_one, LIMIT), Ok(7));
        assert_eq!(transcript.wait_for("one", after_one, LIMIT), Ok(11));
        drop(writer);
        assert_eq!(transcript.wait_for("three", 0, LIMIT), Err(Missed::Ended));
        assert_eq!(transcript.wait_for_end(LIMIT), Ok(()));
    }

    #[test]
    fn waiting_has_a_limit() {
        let (reader, _writer) = std::io::pipe().unwrap();
        let transcript = Transcript::follow(reader);
        assert_eq!(transcript.wait_for("never", 0, Duration::from_millis(1)), Err(Missed::TimedOut));
    }
}
