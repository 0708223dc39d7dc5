//! Output as it arrives: read on a thread, waited for by whoever judges it.

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use bulkhead_vmm::console::{Source, Splitter};

#[derive(Default)]
struct State {
    raw: Vec<u8>,
    splitter: Splitter,
    /// What each port of the hypervisor's console printed.
    ports: BTreeMap<String, Vec<u8>>,
    ended: bool,
}

impl State {
    fn push(&mut self, bytes: &[u8]) {
        self.raw.extend_from_slice(bytes);
        let ports = &mut self.ports;
        self.splitter.push(bytes, &mut |piece| {
            if piece.source == Source::Output {
                ports.entry(piece.port.into()).or_default().extend_from_slice(piece.bytes);
            }
        });
    }

    fn bytes(&self, view: View<'_>) -> &[u8] {
        match view {
            View::Raw => &self.raw,
            View::Port(name) => self.ports.get(name).map_or(&[], Vec::as_slice),
        }
    }
}

/// Which bytes of the stream are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View<'a> {
    /// All, as they came.
    Raw,
    /// What this port of the hypervisor's console printed, taken apart from the others'.
    Port(&'a str),
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
            state.push(&buffer[..length]);
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

    /// Waits until `text` stands at or after byte `from` of `view`; the position after it.
    pub fn wait_for(&self, view: View<'_>, text: &str, from: usize, limit: Duration) -> Result<usize, Missed> {
        let deadline = Instant::now() + limit;
        let mut state = self.lock();
        let mut searched = from;
        loop {
            let bytes = state.bytes(view);
            if let Some(position) = find(&bytes[searched..], text.as_bytes()) {
                return Ok(searched + position + text.len());
            }
            searched = bytes.len().saturating_sub(text.len()).max(from);
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

    /// The text of `view` so far, without carriage returns.
    pub fn text(&self, view: View<'_>) -> String {
        String::from_utf8_lossy(self.lock().bytes(view)).replace('\r', "")
    }

    /// The bytes of `view` so far.
    pub fn bytes(&self, view: View<'_>) -> Vec<u8> {
        self.lock().bytes(view).to_vec()
    }

    /// The names of the ports that printed something.
    pub fn ports(&self) -> Vec<String> {
        self.lock().ports.keys().cloned().collect()
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
        let after_one = transcript.wait_for(View::Raw, "one", 0, LIMIT).unwrap();
        writer.write_all(b"o one").unwrap();
        assert_eq!(transcript.wait_for(View::Raw, "two", after_one, LIMIT), Ok(7));
        assert_eq!(transcript.wait_for(View::Raw, "one", after_one, LIMIT), Ok(11));
        drop(writer);
        assert_eq!(transcript.wait_for(View::Raw, "three", 0, LIMIT), Err(Missed::Ended));
        assert_eq!(transcript.wait_for_end(LIMIT), Ok(()));
    }

    #[test]
    fn ports_are_taken_apart() {
        let (reader, mut writer) = std::io::pipe().unwrap();
        let transcript = Transcript::follow(reader);
        writer.write_all(b"banner\r\n\x1b[32ma \x1b[0m| one\r\n\x1b[33mrtos\x1b[0m| two\r\n").unwrap();
        drop(writer);
        assert_eq!(transcript.wait_for_end(LIMIT), Ok(()));
        assert_eq!(transcript.bytes(View::Port("a")), b"one\n");
        assert_eq!(transcript.wait_for(View::Port("rtos"), "two\n", 0, LIMIT), Ok(4));
        assert_eq!(transcript.ports(), ["a", "rtos"]);
    }

    #[test]
    fn waiting_has_a_limit() {
        let (reader, _writer) = std::io::pipe().unwrap();
        let transcript = Transcript::follow(reader);
        assert_eq!(transcript.wait_for(View::Raw, "never", 0, Duration::from_millis(1)), Err(Missed::TimedOut));
    }
}
