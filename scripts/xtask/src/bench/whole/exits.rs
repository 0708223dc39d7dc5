//! Linux's exits by cause in a virtual second: idle, at work, and with two programs that talk to each other.
//!
//! What a run has more than one that switches itself off at once belongs to the time that is longer. Nothing is typed
//! before Linux is off, so both repeat exactly.

use super::board::{Board, Packed};
use super::configuration::Configuration;
use super::{Setting, linux};
use crate::Result;
use crate::bench::run::TURN;
use crate::steps::{self, Consoles, End, Step, after};
use bulkhead_vmm::exit::Cause;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;

/// What Linux does (initramfs/whole), and for how many seconds. When idle most exits are rare, and time costs nothing.
const LOADS: [(&str, u64); 3] = [("idle", 100), ("work", 1), ("pipe", 1)];
/// Asks for the counters once Linux is off.
const STEPS: [Step; 2] = [
    after("hypervisor", "linux: off, ", "\x1dmstats linux\rlog 1\r"),
    // Behind all rows of the answer before.
    after("monitor", "records=", ""),
];

/// One board.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Case {
    /// Version of its interrupt controller.
    pub gic: u8,
    /// Linux's vCPUs.
    pub vcpus: u8,
}

/// Every board that is measured: the interrupt controller matters little to one vCPU.
pub fn cases() -> Vec<Case> {
    [(3, 1), (3, 2), (2, 2)].map(|(gic, vcpus)| Case { gic, vcpus }).into()
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "exits-gicv{}-{}", self.gic, self.vcpus)
    }
}

/// Exits by cause, those that were not zero.
pub type Counts = BTreeMap<String, u64>;

/// Exits of some time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Exits {
    /// By cause.
    pub counts: Counts,
    /// Nanoseconds of virtual time.
    pub time: u64,
}

impl Exits {
    /// What those `after` have more. Where two vCPUs boot, one boot takes some hundred SGIs more or fewer than another: of
    /// a cause that has fewer there were none that can be told.
    fn until(&self, after: &Self) -> Option<Self> {
        let before = |cause: &String| self.counts.get(cause).copied().unwrap_or(0);
        let counts = after.counts.iter().map(|(cause, count)| (cause.clone(), count.saturating_sub(before(cause))));
        Some(Self { counts: counts.collect(), time: after.time.checked_sub(self.time)? })
    }

    /// In a second of virtual time: by cause, or of all causes.
    pub fn per_second(&self, cause: Option<&str>) -> f64 {
        let count: u64 = match cause {
            Some(cause) => self.counts.get(cause).copied().unwrap_or(0),
            None => self.counts.values().sum(),
        };
        count as f64 * 1e9 / self.time as f64
    }
}

/// What one board took, by load.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Loads {
    /// In the order of [`LOADS`].
    pub loads: Vec<(&'static str, Exits)>,
}

/// Measures `case`.
pub fn measure(setting: &Setting<'_>, case: &Case, name: &str) -> Result<Loads> {
    let none = run(setting, case, ("none", 0), name)?;
    let loads = LOADS.into_iter().map(|load| {
        let exits = run(setting, case, load, name)?;
        Ok((load.0, none.until(&exits).ok_or_else(|| format!("{exits:?} is less than {none:?}"))?))
    });
    Ok(Loads { loads: loads.collect::<Result<_>>()? })
}

fn run(setting: &Setting<'_>, case: &Case, (load, seconds): (&str, u64), name: &str) -> Result<Exits> {
    let vcpus = usize::from(case.vcpus);
    let vm = linux::vm(setting, (0..vcpus).collect(), load, Some(seconds))?;
    let configuration = Configuration { vms: vec![vm], housekeeping: vcpus };
    let packed = Packed::new(setting.toolchain, &configuration, setting.folder, name)?;
    let board = Board { gic: case.gic, cores: case.vcpus + 1, memory: 768, turn: TURN };
    let told = steps::run(board.with(setting.toolchain, packed.path(), None), &STEPS, End::LastStep)?;
    read(&told).ok_or_else(|| format!("no exits in {}", told.text("monitor")).into())
}

fn read(told: &Consoles) -> Option<Exits> {
    let time = off_after(&told.text("hypervisor"))?;
    Some(Exits { counts: counts(&told.text("monitor")), time })
}

/// When Linux was off, in ticks after the hypervisor's first instruction.
fn off_after(log: &str) -> Option<u64> {
    log.split_once("linux: off, ")?.1.split_once(" ticks after entry")?.0.parse().ok()
}

/// The vCPUs' exits together, from the monitor's rows (hypervisor/docs/console.md, "The monitor").
fn counts(answer: &str) -> Counts {
    let rows = answer.lines().filter(|line| line.starts_with("vm=linux") && line.contains(" vcpu="));
    let cells = rows.flat_map(str::split_whitespace).filter_map(|cell| cell.split_once('='));
    let mut counts = Counts::new();
    for (cause, count) in cells.filter(|(key, _)| Cause::ALL.iter().any(|cause| cause.label() == *key)) {
        let count = count.parse().unwrap_or(0);
        if count > 0 {
            *counts.entry(cause.to_owned()).or_default() += count;
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &str = "> stats linux\nvm=linux  exits=9  timer-expiries=4  sgis-sent=2  sgis-received=3\n\
                          vm=linux  vcpu=0  state=off  core=0  hvc=4  sgi-sent=0\n\
                          vm=linux  vcpu=0  smc=2\nvm=linux  vcpu=1  state=off  core=1  hvc=3  nothing=7\n";

    #[test]
    fn exits_are_those_of_all_vcpus() {
        let expected = [("hvc", 7), ("smc", 2)].map(|(cause, count)| (cause.to_owned(), count));
        assert_eq!(counts(ANSWER), expected.into());
    }

    #[test]
    fn a_rate_is_of_what_the_longer_run_has_more() {
        let exits = |count, time| Exits { counts: [("hvc".to_owned(), count)].into(), time };
        let more = exits(10, 1_000_000_000).until(&exits(40, 3_000_000_000)).unwrap();
        assert_eq!((more.per_second(Some("hvc")), more.per_second(None)), (15.0, 15.0));
        assert_eq!(more.per_second(Some("smc")), 0.0);
        assert_eq!(exits(10, 1).until(&exits(9, 2)), Some(exits(0, 1)), "another boot took fewer");
        assert_eq!(exits(9, 2).until(&exits(10, 1)), None, "no time is less than none");
    }

    #[test]
    fn the_log_says_when_linux_was_off() {
        let log = "[    0.9] info: linux: running, 5 ticks after entry, 4 spent on zeroing and copying\n\
                   [    3.0] info: linux: off, 3000 ticks after entry, 4 spent on zeroing and copying\n";
        assert_eq!(off_after(log), Some(3000));
        assert_eq!(off_after("linux: running, 5 ticks after entry"), None);
    }
}
