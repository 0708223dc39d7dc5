//! Boots a board with the guest and reads what it prints.

use super::matrix::{Configuration, System};
use super::peers::IN_MAIN;
use super::results::{Cost, Costs};
use crate::run::module;
use crate::{Result, process, workspace};
use bulkhead_vmm::console::split;
use std::path::Path;
use std::process::{Command, Stdio};

/// One tick of a counter of 1 GHz is one instruction at `shift=0`.
const CPU: &str = "cortex-a57,cntfrq=1000000000";
/// What the turns of all cores take together, at most, in microseconds.
pub const TURN: u32 = 200;
/// The guest's verdict, which is the last that it prints: without it some operation did not come back.
pub const VERDICT: &str = "guest: 0 passed, 0 failed";
/// Seconds after which a board is ended.
const LIMIT: &str = "300";

/// Boots the board of `configuration`, with the hypervisor `image` if it has one; what each operation costs.
pub fn run(qemu: &Path, image: &Path, configuration: &Configuration, bootargs: &str) -> Result<Costs> {
    let mut command = command(qemu, image, configuration, bootargs);
    let output =
        command.stdin(Stdio::null()).output().map_err(|error| format!("{}: {error}", process::line(&command)))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let (told, begun) = if configuration.system == System::Native {
        (text.to_string(), in_main(&text))
    } else {
        (port(&output.stdout, "guest"), None)
    };
    if output.status.success() && told.contains(VERDICT) {
        let entry = entry(&port(&output.stdout, "hypervisor"));
        return Ok(told.lines().filter_map(operation).chain(entry).chain(begun).collect());
    }
    Err(format!(
        "{} ended with {}\n{text}{}",
        process::line(&command),
        output.status,
        String::from_utf8_lossy(&output.stderr)
    )
    .into())
}

/// The board with the guest, which ends with whoever waits for it.
pub fn command(qemu: &Path, image: &Path, configuration: &Configuration, bootargs: &str) -> Command {
    let guest = workspace::guests().join("bench.img");
    let board = board(qemu, configuration.cores, "256M");
    let mut command = Command::new("timeout");
    command
        .args(["--kill-after=10", LIMIT, "setpriv", "--pdeathsig", "KILL"])
        .arg(board.get_program())
        .args(board.get_args());
    let is_native = configuration.system == System::Native;
    command.args(["-M", &machine(configuration.gic, !is_native)]);
    if is_native {
        command.args(["-append", &format!("native {bootargs}"), "-kernel"]).arg(guest);
    } else {
        command.arg("-kernel").arg(image).args(["-device", &module(&guest, bootargs)]);
    }
    command
}

/// A board that counts instructions, but for its machine and what it boots.
pub fn board(qemu: &Path, cores: u8, memory: &str) -> Command {
    board_in_turns(qemu, cores, memory, TURN)
}

/// The same, with turns that take `microseconds` together, at most.
pub fn board_in_turns(qemu: &Path, cores: u8, memory: &str, microseconds: u32) -> Command {
    let mut command = Command::new(qemu);
    command.args(["-nodefaults", "-display", "none", "-serial", "stdio", "-no-reboot", "-m", memory]);
    command.args(["-icount", "shift=0,sleep=off", "-cpu", CPU, "-smp", &cores.to_string()]);
    command.args(turns(microseconds));
    command
}

/// Cores that count instructions take turns, each as long as it is to the machine's next timer: a packet filter's timer,
/// which no guest can see, bounds every turn, in microseconds (scripts/bulkhead/src/turns.rs says more).
pub fn turns(microseconds: u32) -> [String; 4] {
    let filter = format!("filter-buffer,id=turns,netdev=nobody,interval={microseconds}");
    ["-netdev".into(), "hubport,id=nobody,hubid=0".into(), "-object".into(), filter]
}

/// QEMU's machine.
pub fn machine(gic: u8, virtualization: bool) -> String {
    let virtualization = if virtualization { "on" } else { "off" };
    format!("virt,gic-version={gic},virtualization={virtualization}")
}

/// What the port `name` printed, whatever stands between.
pub fn port(stream: &[u8], name: &str) -> String {
    split(stream).get(name).map(|bytes| String::from_utf8_lossy(bytes).into_owned()).unwrap_or_default()
}

/// `bench NAME median=M minimum=M p99=M maximum=M`.
pub fn operation(line: &str) -> Option<(String, Cost)> {
    let told = line.strip_prefix("bench ")?;
    let mut words = told.split_whitespace();
    let name = words.next()?;
    let mut value = |key: &str| words.next()?.strip_prefix(key)?.strip_prefix('=')?.parse().ok();
    let cost =
        Cost { median: value("median")?, minimum: value("minimum")?, p99: value("p99")?, maximum: value("maximum")? };
    Some((name.to_owned(), cost))
}

/// The guest's `guest: in main at N ticks`.
pub fn in_main(text: &str) -> Option<(String, Cost)> {
    let (_, told) = text.split_once("guest: in main at ")?;
    let at = told.split_once(" ticks")?.0.parse().ok()?;
    Some((IN_MAIN.to_owned(), Cost::of(at)))
}

/// The hypervisor's `running, N ticks after entry, M spent on zeroing and copying`: what is left without those.
fn entry(text: &str) -> Option<(String, Cost)> {
    let (ticks, kept) = entry_ticks(text)?;
    Some(("entry-to-guest".to_owned(), Cost::of(ticks.checked_sub(kept)?)))
}

/// Both numbers of that line.
pub fn entry_ticks(text: &str) -> Option<(u64, u64)> {
    let (_, told) = text.split_once(": running, ")?;
    let mut numbers = told.split(|sign: char| !sign.is_ascii_digit()).filter(|word| !word.is_empty());
    let mut number = || numbers.next()?.parse::<u64>().ok();
    Some((number()?, number()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_a_name_and_four_numbers() {
        let line = "bench sgi-to-self median=3 minimum=2 p99=4 maximum=5";
        let cost = Cost { median: 3, minimum: 2, p99: 4, maximum: 5 };
        assert_eq!(operation(line), Some(("sgi-to-self".to_owned(), cost)));
        assert_eq!(operation("bench sgi-to-self median=3"), None);
        assert_eq!(operation("guest: 0 passed, 0 failed"), None);
    }

    #[test]
    fn a_guest_says_when_it_began() {
        assert_eq!(in_main("x\nguest: in main at 882614 ticks\ny").map(|(_, cost)| cost.median), Some(882_614));
        assert_eq!(in_main("guest: in main at noon"), None);
    }

    #[test]
    fn zeroing_and_copying_are_left_out() {
        let text = "x\n[    0.041] info: guest: running, 4186 ticks after entry, 4096 spent on zeroing and copying\n";
        assert_eq!(entry(text).map(|(_, cost)| cost.median), Some(90));
        assert_eq!(entry("guest: off"), None);
    }
}
