//! A running QEMU.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{self, Child, ChildStdin, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;
use std::{env, fs};

use bulkhead_tool::tied::tied;
use bulkhead_vmm::console::Settings;

use crate::port::Port;
use crate::suite::Context;
use crate::transcript::{Missed, Transcript, View};
use crate::{Board, Boot, Debugger, artifacts, wire};

/// How long to wait for text that must come, in wall time: a net under a broken test, not a measure.
pub const LIMIT: Duration = Duration::from_secs(60);

/// Name of the trace in a test's folder.
const TRACE: &str = "trace";

/// How long to look for what must not come, in wall time: on a slow host it is seen less surely, but never wrongly.
const WHILE: Duration = Duration::from_millis(300);

/// Held while a board with much memory runs.
static BIG: Mutex<()> = Mutex::new(());

/// A board that runs, killed when the session is dropped, or when the thread that started it ends in whatever way.
pub struct Session {
    context: Context,
    board: Board,
    boot: Boot,
    command: String,
    child: Child,
    input: Option<ChildStdin>,
    pub(crate) output: Transcript,
    errors: Transcript,
    /// The position in the raw output, and by port.
    positions: BTreeMap<Option<String>, usize>,
    limit: Duration,
    /// Where QEMU waits for a debugger.
    socket: Option<PathBuf>,
    _big: Option<MutexGuard<'static, ()>>,
}

impl Session {
    /// Starts `board` with `boot`.
    ///
    /// # Panics
    /// If there is no QEMU or it cannot be started, or what it boots cannot be made.
    pub fn start(context: &Context, board: &Board, boot: &Boot) -> Self {
        let big = board.is_big().then(|| BIG.lock().unwrap_or_else(PoisonError::into_inner));
        // What an earlier failure left. Where there is nothing, or it cannot go, starting is what tells.
        let _ = fs::remove_dir_all(context.folder());
        let mut command = tied(&artifacts::qemu().expect("the suite skips tests without QEMU"));
        command.args(board.arguments()).args(boot.arguments(&context.folder()));
        if board.is_traced() {
            let made = fs::create_dir_all(context.folder());
            made.unwrap_or_else(|error| panic!("{}: {error}", context.folder().display()));
            command.args(["-d", wire::EVENTS, "-D"]).arg(context.folder().join(TRACE));
        }
        let socket = board.is_debugged().then(socket);
        if let Some(socket) = &socket {
            command.arg("-gdb").arg(format!("unix:{},server=on,wait=off", socket.display()));
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        Self {
            context: context.clone(),
            board: board.clone(),
            boot: boot.clone(),
            command: format!("{command:?}"),
            input: child.stdin.take(),
            output: Transcript::follow(child.stdout.take().expect("piped")),
            errors: Transcript::follow(child.stderr.take().expect("piped")),
            child,
            positions: BTreeMap::new(),
            limit: LIMIT,
            socket,
            _big: big,
        }
    }

    /// The board that runs.
    pub fn board(&self) -> &Board {
        &self.board
    }

    /// Hands over each line of the trace. It is whole once the machine has ended.
    ///
    /// # Panics
    /// If the board leaves none.
    pub fn each_event(&self, mut handle: impl FnMut(&str)) {
        let file = self.context.folder().join(TRACE);
        let trace = fs::File::open(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        BufReader::new(trace).lines().for_each(|line| handle(&line.expect("the trace is text")));
    }

    /// Stops the board and looks at it. Only once, and after something was printed: then QEMU listens.
    ///
    /// # Panics
    /// If the board has no door for a debugger.
    pub fn debugger(&mut self) -> Debugger {
        Debugger::attach(&self.socket.take().expect("the board is debugged"))
    }

    /// The seed of the test's random choices.
    pub fn seed(&self) -> u64 {
        self.context.seed
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
        self.expect_in(View::Raw, text);
        self
    }

    #[track_caller]
    pub(crate) fn expect_in(&mut self, view: View<'_>, text: &str) {
        self.expect_all_in(view, &[text]);
    }

    #[track_caller]
    pub(crate) fn expect_all_in(&mut self, view: View<'_>, texts: &[&str]) {
        let from = *self.position(view);
        for text in texts {
            let found = self.find(view, text, from);
            let position = self.position(view);
            *position = found.max(*position);
        }
    }

    /// Waits until `text` comes behind `from`, and says where it ends.
    #[track_caller]
    fn find(&mut self, view: View<'_>, text: &str, from: usize) -> usize {
        match self.output.wait_for(view, text, from, self.limit) {
            Ok(found) => found,
            Err(Missed::Ended) => panic!("QEMU ended before {text:?} came ({view:?})\n{}", self.tail()),
            Err(Missed::TimedOut) => panic!("{text:?} did not come in {:?} ({view:?})\n{}", self.limit, self.tail()),
        }
    }

    /// Behind what was expected last.
    pub(crate) fn position(&mut self, view: View<'_>) -> &mut usize {
        let key = match view {
            View::Raw => None,
            View::Port(name) => Some(name.to_string()),
        };
        self.positions.entry(key).or_default()
    }

    /// Waits for the rest of the line after what was expected last.
    ///
    /// # Panics
    /// As [`Self::expect`].
    #[track_caller]
    pub fn rest_of_line(&mut self) -> String {
        self.rest_of_line_in(View::Raw)
    }

    #[track_caller]
    pub(crate) fn rest_of_line_in(&mut self, view: View<'_>) -> String {
        let start = *self.position(view);
        self.expect_in(view, "\n");
        let end = *self.position(view);
        String::from_utf8_lossy(&self.output.bytes(view)[start..end]).trim_end().to_string()
    }

    /// The part of the session that concerns the console port `name` of the hypervisor.
    pub fn port<'s>(&'s mut self, name: &'s str) -> Port<'s> {
        Port { session: self, name }
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

    /// Waits [`WHILE`] for what must not come: the end of QEMU. A machine that reset itself would end it.
    ///
    /// # Panics
    /// If QEMU ended.
    #[track_caller]
    pub fn stands(&mut self) {
        assert_eq!(self.output.wait_for_end(WHILE), Err(Missed::TimedOut), "QEMU ended\n{}", self.tail());
    }

    /// Moves the console's focus by the escape key and `key`: `1` to `9` for a guest, `m` for the monitor.
    ///
    /// # Panics
    /// As [`Self::send`].
    #[track_caller]
    pub fn focus(&mut self, key: char) -> &mut Self {
        self.send(&format!("{}{key}", char::from(Settings::DEFAULT_ESCAPE)))
    }

    /// Everything printed so far.
    pub fn text(&self) -> String {
        self.output.text(View::Raw)
    }

    /// Waits for the verdict of a guest of `tests/guests` that runs natively, and wants it without a failure.
    ///
    /// # Panics
    /// If a check of the guest failed, or there is no verdict.
    #[track_caller]
    pub fn verdict(&mut self) -> &mut Self {
        self.verdict_in(View::Raw);
        self
    }

    #[track_caller]
    pub(crate) fn verdict_in(&mut self, view: View<'_>) {
        self.expect_in(view, "guest: ");
        let verdict = self.rest_of_line_in(view);
        let text = self.output.text(view);
        let failed: Vec<&str> = text.lines().filter(|line| line.contains(": FAILED ")).collect();
        assert!(verdict.ends_with(" passed, 0 failed"), "guest: {verdict}\n{}\n{}", failed.join("\n"), self.tail());
    }

    /// The last of the output and QEMU's own messages.
    fn tail(&self) -> String {
        let text = self.text();
        let lines: Vec<&str> = text.lines().collect();
        let shown = lines[lines.len().saturating_sub(25)..].join("\n");
        format!(
            "--- end of the transcript\n{shown}\n--- QEMU said\n{}\n--- {}",
            self.errors.text(View::Raw),
            self.command
        )
    }

    /// Leaves what a developer needs to repeat a failure in `target/test/NAME/`.
    fn keep(&self) {
        let folder = self.context.folder();
        let files = [
            ("transcript", self.output.bytes(View::Raw)),
            ("qemu-errors", self.errors.bytes(View::Raw)),
            ("command", format!("{}\n", self.command).into_bytes()),
            ("seed", format!("BULKHEAD_SEED={}\n", self.context.seed).into_bytes()),
        ];
        let ports = self.output.ports().into_iter().filter(|port| !port.is_empty());
        let ports = ports.map(|port| (format!("console-{port}"), self.output.bytes(View::Port(&port))));
        let mut files = files.into_iter().map(|(name, bytes)| (name.to_string(), bytes)).chain(ports);
        let kept = fs::create_dir_all(&folder)
            .and_then(|()| files.try_for_each(|(name, bytes)| fs::write(folder.join(name), bytes)));
        match kept {
            Ok(()) => eprintln!("{}: kept in {}", self.context.name, folder.display()),
            Err(error) => eprintln!("{}: cannot be kept in {}: {error}", self.context.name, folder.display()),
        }
    }
}

/// A name for a socket, short enough to be one.
fn socket() -> PathBuf {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    env::temp_dir().join(format!("bulkhead-gdb-{}-{number}", process::id()))
}

impl Drop for Session {
    fn drop(&mut self) {
        // Both fail only if QEMU has ended, which is what they are for.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(socket) = &self.socket {
            // As above.
            let _ = fs::remove_file(socket);
        }
        if thread::panicking() {
            self.keep();
        } else {
            self.boot.discard(&self.context.folder());
            if self.board.is_traced() {
                // What cannot be removed is in nobody's way.
                let _ = fs::remove_file(self.context.folder().join(TRACE));
            }
        }
    }
}
