//! A peer's board and what its console says. Xen runs on when its guest is gone, so a board is ended at the guest's
//! verdict.

use crate::bench::results::Costs;
use crate::bench::run::{self, VERDICT};
use crate::{Result, process};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

/// How long a board may take.
const LIMIT: Duration = Duration::from_secs(900);

/// What was heard.
pub struct Told {
    /// Of the operations that were answered.
    pub costs: Costs,
    /// Why the others were not, if the verdict did not come.
    pub complaint: Option<String>,
}

/// Runs `command` to the guest's verdict, its own end, or the limit.
pub fn run(command: &Command) -> Result<Told> {
    // The board ends with this process, however that comes about.
    let mut board = Command::new("setpriv");
    board.args(["--pdeathsig", "KILL"]).arg(command.get_program()).args(command.get_args());
    board.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = board.spawn().map_err(|error| format!("{}: {error}", process::line(&board)))?;
    let output = child.stdout.take().ok_or("no standard output")?;
    let (sender, lines) = mpsc::channel();
    let reader = std::thread::spawn(move || {
        let mut lines = BufReader::new(output).split(b'\n').map_while(std::io::Result::ok);
        // Nobody listens any more once the verdict came.
        lines.all(|line| sender.send(String::from_utf8_lossy(&line).into_owned()).is_ok())
    });
    let told = listen(&lines, Instant::now() + LIMIT);
    // It may have ended by itself.
    let _ = child.kill();
    child.wait()?;
    drop(lines);
    reader.join().map_err(|_| "the console's reader panicked")?;
    Ok(told)
}

fn listen(lines: &mpsc::Receiver<String>, deadline: Instant) -> Told {
    let mut costs = Costs::new();
    let mut last = String::from("nothing");
    loop {
        let line = match lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(line) => line,
            Err(reason) => {
                let how = if reason == RecvTimeoutError::Timeout { "was ended after its time" } else { "ended" };
                return Told { costs, complaint: Some(format!("{how} without a verdict; it said last: {last}")) };
            }
        };
        let line = plain(&line);
        costs.extend(run::operation(line).into_iter().chain(run::in_main(line)));
        if line == VERDICT {
            return Told { costs, complaint: None };
        }
        last = if line.is_empty() { last } else { line.to_owned() };
    }
}

/// A line without what Xen puts before its first guest's.
fn plain(line: &str) -> &str {
    let line = line.trim_end_matches('\r');
    line.strip_prefix("(XEN) DOM1: ").unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(text: &str) -> Told {
        let (sender, lines) = mpsc::channel();
        text.lines().for_each(|line| sender.send(line.to_owned()).unwrap());
        drop(sender);
        listen(&lines, Instant::now() + LIMIT)
    }

    #[test]
    fn the_guest_is_heard_through_xen_and_without_it() {
        let call = "bench call median=3 minimum=2 p99=4 maximum=5";
        for text in [
            format!("(XEN) Freed\r\n(XEN) DOM1: {call}\r\n(XEN) DOM1: {VERDICT}\r\nmore"),
            format!("guest: in main at 7 ticks\r\n{call}\r\n{VERDICT}\r"),
        ] {
            let told = heard(&text);
            assert_eq!(told.complaint, None);
            assert_eq!(told.costs["call"].median, 3);
        }
    }

    #[test]
    fn what_was_answered_counts_though_the_verdict_is_missing() {
        let told = heard("bench call median=3 minimum=2 p99=4 maximum=5\nmonitor: unexpected\n\n");
        assert_eq!(told.costs.len(), 1);
        assert_eq!(told.complaint.as_deref(), Some("ended without a verdict; it said last: monitor: unexpected"));
        assert!(heard("").complaint.unwrap().ends_with("nothing"));
    }

    #[test]
    fn a_board_is_ended_at_its_verdict_or_its_own_end() {
        let shell = |script: &str| run(Command::new("sh").args(["-c", script])).unwrap();
        assert_eq!(shell(&format!("echo '{VERDICT}'; exec sleep 250")).complaint, None);
        assert!(shell("echo away").complaint.unwrap().ends_with("away"));
    }
}
