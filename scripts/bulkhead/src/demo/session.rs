//! A running board: what it prints, taken apart by console, and what is typed.

use crate::error::ToolError;
use crate::tied::tied;
use bulkhead_vmm::console::{Settings, Source, Splitter};
use std::collections::BTreeMap;
use std::fmt;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// A console that can be typed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Port {
    Linux,
    FreeRtos,
    Monitor,
}

impl Port {
    /// Its name in the stream.
    pub fn name(self) -> &'static str {
        match self {
            Self::Linux => "linux",
            Self::FreeRtos => "freertos",
            Self::Monitor => "monitor",
        }
    }

    /// What it prints when it waits for a line.
    pub fn prompt(self) -> &'static str {
        match self {
            Self::Linux => "linux# ",
            Self::FreeRtos => "rtos> ",
            Self::Monitor => "> ",
        }
    }

    /// The key behind the escape key that moves the focus to it.
    fn key(self) -> u8 {
        match self {
            Self::Linux => b'1',
            Self::FreeRtos => b'2',
            Self::Monitor => b'm',
        }
    }
}

/// The name of the hypervisor's log.
pub const LOG: &str = "hypervisor";

/// The name under which a port's output is kept: the log is whatever port cannot be typed to.
pub fn known(port: &str) -> &str {
    let typed = [Port::Linux, Port::FreeRtos, Port::Monitor].map(Port::name);
    if typed.contains(&port) { port } else { LOG }
}

/// Why waiting ended without what was awaited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stopped {
    /// What was awaited.
    pub awaited: String,
    /// What happened instead.
    pub seen: String,
}

impl fmt::Display for Stopped {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "expected {}, seen {}", self.awaited, self.seen)
    }
}

/// What the board printed so far.
#[derive(Default)]
pub struct Output {
    /// All bytes, as they came.
    pub raw: Vec<u8>,
    splitter: Splitter,
    /// What each port printed.
    ports: BTreeMap<String, Vec<u8>>,
    /// What stood on the UART before the consoles.
    pub foreign: Vec<u8>,
    ended: bool,
}

impl Output {
    fn push(&mut self, bytes: &[u8]) {
        self.raw.extend_from_slice(bytes);
        let (ports, foreign) = (&mut self.ports, &mut self.foreign);
        self.splitter.push(bytes, &mut |piece| match piece.source {
            Source::Output => ports.entry(known(piece.port).into()).or_default().extend_from_slice(piece.bytes),
            Source::Foreign => foreign.extend_from_slice(piece.bytes),
            Source::Replay | Source::Notice => {}
        });
    }

    /// What the port `name` printed.
    pub fn port(&self, name: &str) -> &[u8] {
        self.ports.get(name).map_or(&[], Vec::as_slice)
    }

    /// Whether QEMU has closed its output.
    pub fn has_ended(&self) -> bool {
        self.ended
    }
}

/// Shared by the session and the thread that reads.
#[derive(Clone, Default)]
struct Shared(Arc<(Mutex<Output>, Condvar)>);

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Output> {
        self.0.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn fill(&self, mut stream: impl Read) {
        let mut buffer = [0; 4096];
        loop {
            let length = stream.read(&mut buffer).unwrap_or(0);
            let mut output = self.lock();
            output.push(&buffer[..length]);
            output.ended = length == 0;
            self.0.1.notify_all();
            if length == 0 {
                return;
            }
        }
    }
}

/// For how long new output gathers before it is looked at.
const GATHER: Duration = Duration::from_millis(2);

/// A running QEMU.
pub struct Session {
    child: Child,
    input: ChildStdin,
    shared: Shared,
    focus: Option<Port>,
    /// How long any one thing is waited for: only to give up.
    limit: Duration,
    started: Instant,
}

impl Session {
    /// Starts `program` with `arguments`, to end with this thread at the latest; QEMU's own messages go to the file `errors`.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start(program: &Path, arguments: &[String], errors: &Path, limit: Duration) -> Result<Self, ToolError> {
        let file = std::fs::File::create(errors).map_err(|error| ToolError::file(errors, &error))?;
        let mut command = tied(program);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(file);
        let mut child = command.spawn().map_err(|error| ToolError::file(program, &error))?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(ToolError(format!("{}: no pipe to it", program.display())));
        };
        let shared = Shared::default();
        let reader = shared.clone();
        std::thread::spawn(move || reader.fill(output));
        Ok(Self { child, input, shared, focus: None, limit, started: Instant::now() })
    }

    /// What the board printed so far.
    pub fn output(&self) -> MutexGuard<'_, Output> {
        self.shared.lock()
    }

    /// Host time since the start: for show only.
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// How many bytes the port `name` printed so far.
    pub fn length(&self, name: &str) -> usize {
        self.output().port(name).len()
    }

    /// Waits until `find` finds something in what the port `name` printed after its first `from` bytes.
    ///
    /// # Errors
    /// QEMU ended, or the limit passed.
    pub fn wait<T>(
        &self,
        name: &str,
        from: usize,
        awaited: &str,
        find: impl Fn(&[u8]) -> Option<T>,
    ) -> Result<T, Stopped> {
        let deadline = Instant::now() + self.limit;
        let mut output = self.shared.lock();
        loop {
            let bytes = output.port(name).get(from..).unwrap_or_default();
            if let Some(found) = find(bytes) {
                return Ok(found);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if output.ended || left.is_zero() {
                let why = if output.ended { "QEMU ended".into() } else { format!("{} s passed", self.limit.as_secs()) };
                let seen = format!("{why} and {name} had printed {:?}", tail(bytes));
                return Err(Stopped { awaited: format!("{awaited} on {name}"), seen });
            }
            let waited = self.shared.0.1.wait_timeout(output, left);
            drop(waited);
            // Output comes a byte at a time: looking at each would take longer than QEMU takes to print it.
            std::thread::sleep(GATHER);
            output = self.shared.lock();
        }
    }

    /// Types `bytes` to `port`.
    ///
    /// # Errors
    /// QEMU has ended.
    pub fn send(&mut self, port: Port, bytes: &[u8]) -> Result<(), Stopped> {
        let mut keys = Vec::new();
        if self.focus != Some(port) {
            keys.extend([Settings::DEFAULT_ESCAPE, port.key()]);
            self.focus = Some(port);
        }
        keys.extend_from_slice(bytes);
        let sent = self.input.write_all(&keys).and_then(|()| self.input.flush());
        sent.map_err(|error| Stopped { awaited: format!("{} to take keys", port.name()), seen: error.to_string() })
    }

    /// Types `line` to `port`, with the return key.
    ///
    /// # Errors
    /// QEMU has ended.
    pub fn type_line(&mut self, port: Port, line: &str) -> Result<(), Stopped> {
        self.send(port, format!("{line}\r").as_bytes())
    }

    /// Types `line` to `port` and waits for its next prompt; the answer.
    ///
    /// # Errors
    /// As [`Self::wait`].
    pub fn command(&mut self, port: Port, line: &str) -> Result<String, Stopped> {
        let from = self.length(port.name());
        self.type_line(port, line)?;
        self.answer(port, from, line)
    }

    /// Waits for the prompt after the answer to `line`, which was typed when `port` had printed `from` bytes.
    ///
    /// # Errors
    /// As [`Self::wait`].
    pub fn answer(&self, port: Port, from: usize, line: &str) -> Result<String, Stopped> {
        let awaited = format!("a prompt after {line:?}");
        self.wait(port.name(), from, &awaited, |bytes| answer(bytes, line, port.prompt()))
    }

    /// Waits for `text` on the port `name` after its first `from` bytes; the position behind it.
    ///
    /// # Errors
    /// As [`Self::wait`].
    pub fn wait_text(&self, name: &str, from: usize, text: &str) -> Result<usize, Stopped> {
        let found = |bytes: &[u8]| Some(from + find(bytes, text.as_bytes())? + text.len());
        self.wait(name, from, &format!("{text:?}"), found)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // Both fail only if QEMU has ended, which is what they are for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What stands between the echo of `line` and the next prompt.
fn answer(bytes: &[u8], line: &str, prompt: &str) -> Option<String> {
    let begin = find(bytes, format!("{line}\n").as_bytes())? + line.len() + 1;
    let rest = bytes.get(begin..)?;
    let length = match rest.starts_with(prompt.as_bytes()) {
        true => 0,
        false => find(rest, format!("\n{prompt}").as_bytes())? + 1,
    };
    Some(String::from_utf8_lossy(rest.get(..length)?).into_owned())
}

/// Where `needle` begins in `haystack`.
pub fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

/// The last of `bytes`, for a message.
fn tail(bytes: &[u8]) -> String {
    let from = bytes.len().saturating_sub(200);
    String::from_utf8_lossy(bytes.get(from..).unwrap_or_default()).into_owned()
}
