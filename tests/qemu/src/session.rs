//! A running QEMU.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crate::suite::Context;
use crate::transcript::{Missed, Transcript};
use crate::{Board, Boot, artifacts, console};

/// How long to wait for text that must come, in wall time: a net under a broken test, not a measure.
pub const LIMIT: Duration = Duration::from_secs(60);

/// Held while a board with much memory runs.
static BIG: Mutex<()> = Mutex::new(());

/// A board that runs, killed when the session is dropped.
pub struct Session {
    context: Context,
    command: String,
    child: Child,
    input: Option<ChildStdin>,
    output: Transcript,
    errors: Transcript,
    position: usize,
    limit: Duration,
    _big: Option<MutexGuard<'static, ()>>,
}

impl Session {
    /// Starts `board` with `boot`.
    ///
    /// # Panics
    /// If there is no QEMU or it cannot be started.
    pub fn start(context: &Context, board: &Board, boot: &Boot) -> Self {
        let big = board.is_big().then(|| BIG.lock().unwrap_or_else(PoisonError::into_inner));
        let mut command = Command::new(artifacts::qemu().expect("the suite skips tests without QEMU"));
        command.args(board.arguments()).args(boot.arguments());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        Self {
            context: context.clone(),
            command: format!("{command:?}"),
            input: child.stdin.take(),
            output: Transcript::follow(child.stdout.take().expect("piped")),
            errors: Transcript::follow(child.stderr.take().expect("piped")),
            child,
            position: 0,
            limit: LIMIT,
            _big: big,
        }
    }

    /// Waits `limit` for each text from here on, instead of [`LIMIT`].
    pub fn limit(&mut self, limit: Duration) -> &mut Self {
        self.limit = limit;
        self
    }

    /// Waits until `text` comes, after what was expected before.
    ///
    /// # Panics
    /// If QEMU ends first, or the limit passes.
    #[track_caller]
    pub fn expect(&mut self, text: &str) -> &mut Self {
        match self.output.wait_for(text, self.position, self.limit) {
            Ok(position) => self.position = position,
            Err(Missed::Ended) => panic!("QEMU ended before {text:?} came\n{}", self.tail()),
            Err(Missed::TimedOut) => panic!("{text:?} did not come in {:?}\n{}", self.limit, self.tail()),
        }
        self
    }

    /// Waits for the rest of the line after what was expected last.
    ///
    /// # Panics
    /// As [`Self::expect`].
    #[track_caller]
    pub fn rest_of_line(&mut self) -> String {
        let start = self.position;
        self.expect("\n");
        let bytes = self.output.bytes();
        String::from_utf8_lossy(&bytes[start..self.position]).trim_end().to_string()
    }

    /// Waits for `key` and reads the number (decimal, or hexadecimal after `0x`) that follows it.
    ///
    /// # Panics
    /// As [`Self::expect`], and if no number follows.
    #[track_caller]
    pub fn number_after(&mut self, key: &str) -> u64 {
        self.expect(key);
        let line = self.rest_of_line();
        let word: String = line.chars().take_while(|c| c.is_ascii_alphanumeric()).collect();
        let parsed = match word.strip_prefix("0x") {
            Some(digits) => u64::from_str_radix(digits, 16),
            None => word.parse(),
        };
        parsed.unwrap_or_else(|error| panic!("{key}{line}: {error}"))
    }

    /// Types `text`.
    ///
    /// # Panics
    /// If QEMU has ended.
    #[track_caller]
    pub fn send(&mut self, text: &str) -> &mut Self {
        let input = self.input.as_mut().expect("input is open");
        let sent = input.write_all(text.as_bytes()).and_then(|()| input.flush());
        sent.unwrap_or_else(|error| panic!("cannot type {text:?}: {error}\n{}", self.tail()));
        self
    }

    /// Waits until QEMU ends by itself, and all its output is read.
    ///
    /// # Panics
    /// If it does not, or with a failure.
    #[track_caller]
    pub fn end(&mut self) -> ExitStatus {
        if self.output.wait_for_end(self.limit).is_err() {
            panic!("QEMU did not end in {:?}\n{}", self.limit, self.tail());
        }
        let status = self.child.wait().expect("QEMU is our child");
        assert!(status.success(), "QEMU ended with {status}\n{}", self.tail());
        status
    }

    /// Everything printed so far.
    pub fn text(&self) -> String {
        self.output.text()
    }

    /// The lines that `guest` printed so far under the hypervisor.
    pub fn lines_of(&self, guest: &str) -> Vec<String> {
        console::of_guest(&self.text(), guest)
    }

    /// Waits for the verdict of a guest of `tests/guests`, and wants it without a failure.
    ///
    /// # Panics
    /// If a check of the guest failed, or there is no verdict.
    #[track_caller]
    pub fn verdict(&mut self) -> &mut Self {
        self.expect("guest: ");
        let verdict = self.rest_of_line();
        let failed: Vec<String> =
            self.text().lines().filter(|line| line.contains(": FAILED ")).map(console::plain).collect();
        assert!(verdict.ends_with(" passed, 0 failed"), "guest: {verdict}\n{}\n{}", failed.join("\n"), self.tail());
        self
    }

    /// The last of the output and QEMU's own messages.
    fn tail(&self) -> String {
        let text = self.text();
        let lines: Vec<&str> = text.lines().collect();
        let shown = lines[lines.len().saturating_sub(25)..].join("\n");
        format!("--- end of the transcript\n{shown}\n--- QEMU said\n{}\n--- {}", self.errors.text(), self.command)
    }

    /// Leaves what a developer needs to repeat a failure in `target/test/NAME/`.
    fn keep(&self) {
        let folder = artifacts::target().join("test").join(self.context.name.replace("::", "/"));
        let seed = format!("BULKHEAD_SEED={}\n", self.context.seed);
        let kept = fs::create_dir_all(&folder)
            .and_then(|()| self.write(&folder.join("transcript"), &self.output.bytes()))
            .and_then(|()| self.write(&folder.join("qemu-errors"), &self.errors.bytes()))
            .and_then(|()| self.write(&folder.join("command"), format!("{}\n", self.command).as_bytes()))
            .and_then(|()| self.write(&folder.join("seed"), seed.as_bytes()));
        match kept {
            Ok(()) => eprintln!("{}: kept in {}", self.context.name, folder.display()),
            Err(error) => eprintln!("{}: cannot be kept in {}: {error}", self.context.name, folder.display()),
        }
    }

    fn write(&self, file: &Path, contents: &[u8]) -> std::io::Result<()> {
        fs::write(file, contents)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // Both fail only if QEMU has ended, which is what they are for.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            self.keep();
        }
    }
}
