//! Boards that are typed to as what they print asks for.

use crate::{Result, process};
use bulkhead_vmm::console::{Source, Splitter};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::process::{Command, Stdio};

/// The port that a board without the hypervisor prints to.
pub const BARE: &str = "";
/// Bytes that are read at a time.
const CHUNK: usize = 4096;

/// What is typed once `text` stands on `port` behind what was printed when the step before was typed.
pub struct Step {
    port: &'static str,
    text: &'static str,
    keys: &'static str,
}

/// The step that types `keys` after `text` on `port`.
pub const fn after(port: &'static str, text: &'static str, keys: &'static str) -> Step {
    Step { port, text, keys }
}

/// What ends a board.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It itself does, after all steps.
    Own,
    /// It is ended at the last step.
    LastStep,
}

/// Starts the board of `command`, takes every step and waits for its end; all that its ports printed.
pub fn run(mut command: Command, steps: &[Step], end: End) -> Result<Consoles> {
    let line = process::line(&command);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().map_err(|error| format!("{line}: {error}"))?;
    let (Some(mut keys), Some(mut output)) = (child.stdin.take(), child.stdout.take()) else {
        return Err("no pipes to QEMU".into());
    };
    let (mut consoles, mut steps, mut buffer) = (Consoles::default(), steps.iter().peekable(), [0; CHUNK]);
    while let length @ 1.. = output.read(&mut buffer)? {
        consoles.push(&buffer[..length]);
        if let Some(step) = steps.next_if(|step| consoles.has(step)) {
            consoles.look_on();
            if steps.peek().is_none() && end == End::LastStep {
                child.kill()?;
                child.wait()?;
                return Ok(consoles);
            }
            keys.write_all(step.keys.as_bytes())?;
        }
    }
    let status = child.wait()?;
    match steps.next() {
        None if status.success() => Ok(consoles),
        None => Err(format!("{line} ended with {status}").into()),
        Some(step) => {
            let (text, port, all) = (step.text, step.port, consoles.text(BARE));
            Err(format!("{line} ended with {status} before {text:?} stood on {port}\n{all}").into())
        }
    }
}

/// What the board's ports print.
#[derive(Default)]
pub struct Consoles {
    splitter: Splitter,
    /// All that each printed.
    ports: BTreeMap<String, Vec<u8>>,
    /// How much of that stood there at the last step.
    seen: BTreeMap<String, usize>,
}

impl Consoles {
    fn push(&mut self, bytes: &[u8]) {
        let ports = &mut self.ports;
        ports.entry(BARE.to_owned()).or_default().extend_from_slice(bytes);
        self.splitter.push(bytes, &mut |piece| {
            if piece.source == Source::Output {
                ports.entry(piece.port.to_owned()).or_default().extend_from_slice(piece.bytes);
            }
        });
    }

    fn has(&self, step: &Step) -> bool {
        let printed = self.ports.get(step.port).map_or(&[][..], Vec::as_slice);
        let seen = self.seen.get(step.port).copied().unwrap_or(0);
        // What stood there before the last chunk was looked at then.
        let new = printed.len().saturating_sub(CHUNK + step.text.len()).max(seen);
        printed[new..].windows(step.text.len()).any(|window| window == step.text.as_bytes())
    }

    /// Only what comes from now on matters to the next step.
    fn look_on(&mut self) {
        self.seen = self.ports.iter().map(|(port, printed)| (port.clone(), printed.len())).collect();
    }

    /// All that `port` printed.
    pub fn text(&self, port: &str) -> String {
        self.ports.get(port).map(|bytes| String::from_utf8_lossy(bytes).into_owned()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_waits_for_what_comes_after_the_one_before() {
        let (first, second) = (after("linux", "linux# ", ""), after("monitor", "linux# ", ""));
        let mut consoles = Consoles::default();
        let prompt = b"\x1b[0;36mlinux\x1b[0m| linux# \x1b[?z\r\n";
        consoles.push(prompt);
        assert!(consoles.has(&first) && !consoles.has(&second));
        consoles.look_on();
        assert!(!consoles.has(&first));
        consoles.push(prompt);
        assert!(consoles.has(&first));
        assert_eq!(consoles.text("linux"), "linux# linux# ");
    }

    #[test]
    fn a_board_is_ended_at_the_last_step_or_ends_itself() {
        let shell = |script: &str| {
            let mut command = Command::new("sh");
            command.args(["-c", script]);
            command
        };
        let steps = [after(BARE, "name? ", "you\n"), after(BARE, "hello you", "")];
        let endless = "printf 'name? '; read name; echo hello $name; exec sleep 1000";
        assert!(run(shell(endless), &steps, End::LastStep).unwrap().text(BARE).contains("hello you"));
        assert!(run(shell("printf 'name? '; read name; echo hello $name"), &steps, End::Own).is_ok());
        assert!(run(shell("echo hello you"), &steps, End::Own).is_err());
    }
}
