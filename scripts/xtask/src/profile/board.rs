//! Boots a board whose every instruction is logged.

use crate::bench::run::{self, VERDICT};
use crate::{Result, process, workspace};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Where QEMU loads the hypervisor: 2 MiB above the start of RAM.
pub const BASE: u64 = 0x4020_0000;
/// Bytes from there of which instructions are logged. A guest of the tests has the same addresses at EL1.
const LOGGED: u64 = 0x20_0000;
/// Memory of the board: each MiB more that is zeroed for the guest is another 170,000 lines of log.
const MEMORY: &str = "24M";
/// Where the guest's kernel is put: between the tree, at half the memory, and its end.
const GUEST_ADDRESS: u64 = 0x4100_0000;
/// After which a board is ended.
const LIMIT: Duration = Duration::from_secs(240);

/// QEMU with the hypervisor and the guest of tests/bench; it logs on its standard error.
pub fn command(qemu: &Path, gic: u8, cores: u8, bootargs: &str) -> Command {
    let board = run::board(qemu, cores, MEMORY);
    // It ends with this process, whatever ends that.
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL"]).arg(board.get_program()).args(board.get_args());
    command.args(["-M", &run::machine(gic, true), "-accel", "tcg,one-insn-per-tb=on"]);
    command.args(["-d", "exec,nochain,int", "-dfilter", &format!("{BASE:#x}+{LOGGED:#x}")]);
    let guest = crate::run::module_at(GUEST_ADDRESS, &workspace::guests().join("bench.img"), bootargs);
    command.arg("-kernel").arg(workspace::image()).args(["-device", &guest]);
    command
}

/// Runs `command` until the guest has told its verdict, and gives each line of its log to `take`; all that was printed.
pub fn follow(mut command: Command, mut take: impl FnMut(&[u8])) -> Result<Vec<u8>> {
    let (board, console, log) = Board::start(&mut command)?;
    let console = Console::read(console);
    let (mut log, mut line, mut said) = (BufReader::with_capacity(1 << 20, log), Vec::new(), Vec::new());
    while log.read_until(b'\n', &mut line)? > 0 {
        if line.starts_with(b"qemu") {
            said.extend_from_slice(&line);
        }
        take(&line);
        line.clear();
        if console.has_verdict() {
            // What it has logged by then is still to be read.
            board.end();
        }
    }
    board.end();
    let (printed, is_whole) = console.end();
    if is_whole {
        return Ok(printed);
    }
    let (printed, said) = (String::from_utf8_lossy(&printed), String::from_utf8_lossy(&said));
    Err(format!("{} ended before it printed {VERDICT:?}\n{printed}{said}", process::line(&command)).into())
}

/// A running QEMU, which ends when this goes.
struct Board {
    child: Arc<Mutex<Child>>,
    /// Closed when the watch over the time is over.
    _watch: Sender<()>,
}

impl Board {
    fn start(command: &mut Command) -> Result<(Self, ChildStdout, ChildStderr)> {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| format!("{}: {error}", process::line(command)))?;
        let pipes = child.stdout.take().zip(child.stderr.take());
        let (console, log) = pipes.ok_or("no pipes to QEMU")?;
        let (watch, over) = mpsc::channel::<()>();
        let child = Arc::new(Mutex::new(child));
        let watched = child.clone();
        thread::spawn(move || {
            if over.recv_timeout(LIMIT) == Err(RecvTimeoutError::Timeout) {
                end(&watched);
            }
        });
        Ok((Self { child, _watch: watch }, console, log))
    }

    fn end(&self) {
        end(&self.child);
    }
}

impl Drop for Board {
    fn drop(&mut self) {
        self.end();
    }
}

fn end(child: &Mutex<Child>) {
    let mut child = child.lock().unwrap_or_else(PoisonError::into_inner);
    // Both fail only if it has ended already.
    let _ = child.kill();
    let _ = child.wait();
}

/// What the board's console prints, read beside the log.
struct Console {
    has_verdict: Arc<AtomicBool>,
    reader: JoinHandle<Vec<u8>>,
}

impl Console {
    fn read(mut output: impl Read + Send + 'static) -> Self {
        let has_verdict = Arc::<AtomicBool>::default();
        let told = has_verdict.clone();
        let reader = thread::spawn(move || {
            let (mut printed, mut buffer) = (Vec::new(), [0; 4096]);
            while let Ok(length @ 1..) = output.read(&mut buffer) {
                printed.extend_from_slice(&buffer[..length]);
                // The hypervisor's log may stand between parts of the line.
                let is_whole = run::port(&printed, "guest").contains(VERDICT);
                told.fetch_or(is_whole, Ordering::Relaxed);
            }
            printed
        });
        Self { has_verdict, reader }
    }

    fn has_verdict(&self) -> bool {
        self.has_verdict.load(Ordering::Relaxed)
    }

    /// All that was printed, once the board has ended, and whether the verdict was there.
    fn end(self) -> (Vec<u8>, bool) {
        let printed = self.reader.join().unwrap_or_default();
        (printed, self.has_verdict.load(Ordering::Relaxed))
    }
}
