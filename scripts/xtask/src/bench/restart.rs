//! A guest that resets itself: from its call to its first instruction again. It keeps nothing over a reset, so each life
//! says by its own counter when it began and when it will ask, and the hypervisor says when it started each.

use super::matrix::Configuration;
use super::results::{Cost, Costs};
use super::run;
use crate::{Result, process};
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};

/// The operation; what was spent on zeroing and copying apart.
pub const NAME: &str = "restart";
const COPYING: &str = "restart-copying";
/// Restarts that are counted.
const RESTARTS: usize = 5;

/// One life, in instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Life {
    /// Its start by the machine's counter, and what was spent on zeroing and copying until then in all.
    started: (u64, u64),
    /// Its first instruction and its call, by its own counter, which begins with it.
    asked: (u64, u64),
}

/// Boots the board of `configuration` and lets its guest restart a few times.
pub fn measure(qemu: &Path, image: &Path, configuration: &Configuration) -> Result<Costs> {
    let mut command = run::command(qemu, image, configuration, NAME);
    let mut board = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let mut output = board.stdout.take().ok_or("no standard output")?;
    let (mut stream, mut bytes) = (Vec::new(), [0; 4096]);
    let mut found = lives(&stream);
    while found.len() <= RESTARTS {
        let count = output.read(&mut bytes)?;
        if count == 0 {
            board.wait()?;
            return Err(ended(&command, &stream).into());
        }
        stream.extend_from_slice(bytes.get(..count).unwrap_or_default());
        found = lives(&stream);
    }
    // The guest would restart for ever. It may have been ended by its limit.
    let _ = board.kill();
    board.wait()?;
    Ok(costs(&found))
}

fn ended(command: &Command, stream: &[u8]) -> String {
    format!("{} ended before {RESTARTS} restarts\n{}", process::line(command), String::from_utf8_lossy(stream))
}

/// Every life of which all is said.
fn lives(stream: &[u8]) -> Vec<Life> {
    let (told, asked) = (run::port(stream, "hypervisor"), run::port(stream, "guest"));
    let started = told.lines().filter_map(run::entry_ticks);
    // A line that is not whole may have lost digits.
    let asked = asked.split_inclusive('\n').filter(|line| line.ends_with('\n')).filter_map(asked_at);
    started.zip(asked).map(|(started, asked)| Life { started, asked }).collect()
}

/// The guest's `guest: entered at N ticks, resets at M ticks`.
fn asked_at(line: &str) -> Option<(u64, u64)> {
    let (_, told) = line.split_once("entered at ")?;
    let (entered, told) = told.split_once(" ticks, resets at ")?;
    Some((entered.parse().ok()?, told.split_once(" ticks")?.0.parse().ok()?))
}

fn costs(lives: &[Life]) -> Costs {
    let pairs = || lives.windows(2).filter_map(|pair| Some((pair.first()?, pair.last()?)));
    let copying = pairs().map(|(before, after)| after.started.1.saturating_sub(before.started.1));
    let all = pairs()
        .map(|(before, after)| (after.started.0 + after.asked.0).saturating_sub(before.started.0 + before.asked.1));
    let rest = all.zip(copying.clone()).map(|(all, copying)| all.saturating_sub(copying));
    [(NAME.to_owned(), cost(rest.collect())), (COPYING.to_owned(), cost(copying.collect()))].into()
}

fn cost(mut samples: Vec<u64>) -> Cost {
    samples.sort_unstable();
    let at = |index: usize| samples.get(index).copied().unwrap_or(0);
    let last = samples.len().saturating_sub(1);
    Cost { median: at(last / 2), minimum: at(0), p99: at(last), maximum: at(last) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_restart_lasts_from_the_call_to_the_first_instruction_without_copying() {
        let life = |started, asked| Life { started, asked };
        let costs = costs(&[life((1000, 400), (5, 300)), life((9000, 1400), (7, 300)), life((17_000, 2400), (7, 300))]);
        // 9000 + 7 less 1000 + 300, of which 1000 are copying.
        assert_eq!(costs.get(NAME).map(|cost| cost.median), Some(6707));
        assert_eq!(costs.get(COPYING).map(|cost| cost.maximum), Some(1000));
    }

    #[test]
    fn a_life_is_known_once_both_have_told_of_it() {
        let line = |name: &str, text: &str| format!("\x1b[0;36m{name}\x1b[0m| {text}\r\n");
        let started = line("hypervisor", "[    0.041] info: guest: running, 41 ticks after entry, 40 spent on zeroing");
        let asked = line("guest", "guest: entered at 6 ticks, resets at 20 ticks");
        assert_eq!(lives(started.as_bytes()), []);
        let found = lives((started.clone() + &asked + &started).as_bytes());
        assert_eq!(found, [Life { started: (41, 40), asked: (6, 20) }]);
    }
}
