//! When FreeRTOS's 1 kHz control loop begins its periods: on the bare board, alone under the hypervisor, and beside a
//! Linux that is busy.

use super::board::{Board, Packed};
use super::configuration::{Configuration, Vm};
use super::{Setting, linux};
use crate::bench::run::TURN;
use crate::steps::{self, BARE, End, after};
use crate::{Result, workspace};
use serde::Serialize;
use std::fmt;
use std::ops::Range;
use std::path::PathBuf;

/// The first periods, in which Linux boots.
const BOOTING: Range<u64> = 0..800;
/// Periods in which it is at its load for long.
const LOADED: Range<u64> = 1500..3000;
/// What FreeRTOS does: it runs that many periods, then prints when each of those above began.
const COMMANDS: &str = "await 3000;log 0 799;log 1500 2999;echo all told";
/// What it prints last.
const TOLD: &str = "all told";
/// Seconds of Linux's time by which its load is there: before [`LOADED`] begins.
const LOADED_BY: f64 = 1.4;
/// Turns short enough to tell what a longer wait comes from, in microseconds.
const SHORT_TURN: u32 = 20;

/// What runs beside FreeRTOS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Beside {
    /// Nothing, not even the hypervisor.
    Nothing,
    /// The hypervisor.
    Hypervisor,
    /// A Linux of two vCPUs with this load.
    Linux(&'static str),
}

/// One board.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Case {
    /// Version of its interrupt controller.
    pub gic: u8,
    /// What runs beside FreeRTOS.
    pub beside: Beside,
    /// Microseconds that the turns of all cores take together, at most.
    pub turn: u32,
}

/// Every board that is measured.
pub fn cases() -> Vec<Case> {
    let beside = [Beside::Nothing, Beside::Hypervisor, Beside::Linux("work"), Beside::Linux("flood")];
    let of = |gic| beside.map(|beside| Case { gic, beside, turn: TURN });
    let short = Case { gic: 3, beside: Beside::Linux("flood"), turn: SHORT_TURN };
    [&of(2)[..], &of(3), &[short]].concat()
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { gic, beside, turn } = self;
        match beside {
            Beside::Nothing => write!(f, "jitter-gicv{gic}-bare"),
            Beside::Hypervisor => write!(f, "jitter-gicv{gic}-alone"),
            Beside::Linux(load) => write!(f, "jitter-gicv{gic}-{load}-{turn}"),
        }
    }
}

/// How much later than due periods began, in nanoseconds of virtual time, which are instructions of all cores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Latency {
    pub periods: usize,
    pub minimum: u64,
    pub median: u64,
    pub p99: u64,
    pub maximum: u64,
    /// Periods that began when the next one was due, or later.
    pub missed: usize,
}

/// Both parts of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Jitter {
    /// While Linux boots, if there is one.
    pub booting: Latency,
    /// Later.
    pub loaded: Latency,
}

/// Measures `case`.
pub fn measure(setting: &Setting<'_>, case: &Case, name: &str) -> Result<Jitter> {
    let kernel = workspace::guests().join(format!("freertos-gicv{}.img", case.gic));
    let cores = if case.beside == Beside::Nothing { 1 } else { 4 };
    let board = Board { gic: case.gic, cores, memory: 768, turn: case.turn };
    let (command, port, _packed) = match case.beside {
        Beside::Nothing => (board.bare(setting.toolchain, &kernel, COMMANDS), BARE, None),
        _ => {
            let configuration = configuration(setting, kernel, case.beside)?;
            let packed = Packed::new(setting.toolchain, &configuration, setting.folder, name)?;
            (board.with(setting.toolchain, packed.path(), None), "freertos", Some(packed))
        }
    };
    let told = steps::run(command, &[after(port, TOLD, "")], End::LastStep)?;
    if let Beside::Linux(load) = case.beside {
        expect_load(&told.text(linux::NAME), load)?;
    }
    let samples = Samples::read(&told.text(port)).ok_or_else(|| format!("no samples in {}", told.text(port)))?;
    Ok(Jitter { booting: samples.latency(BOOTING)?, loaded: samples.latency(LOADED)? })
}

/// FreeRTOS on the first core, so that it has the first turn when its timer expires; the last core keeps house.
fn configuration(setting: &Setting<'_>, kernel: PathBuf, beside: Beside) -> Result<Configuration> {
    let freertos =
        Vm { name: "freertos".into(), cores: vec![0], memory: 16, bootargs: COMMANDS.into(), kernel, ramdisk: None };
    let linux = match beside {
        Beside::Linux(load) => Some(linux::vm(setting, vec![1, 2], load, None)?),
        _ => None,
    };
    Ok(Configuration { vms: [freertos].into_iter().chain(linux).collect(), housekeeping: 3 })
}

/// Linux said in time that it began with `load`.
fn expect_load(told: &str, load: &str) -> Result<()> {
    let begun = told.split_once(&format!("load: {load} after ")).and_then(|(_, rest)| rest.split_once(" s"));
    match begun.map(|(seconds, _)| seconds.parse::<f64>()) {
        Some(Ok(seconds)) if seconds < LOADED_BY => Ok(()),
        Some(Ok(seconds)) => Err(format!("Linux was at its load after {seconds} s only").into()),
        _ => Err(format!("Linux did not say when it began: {told}").into()),
    }
}

/// What FreeRTOS printed of its periods (tests/guests/freertos/README.md, "Commands").
#[derive(Debug, PartialEq, Eq)]
struct Samples {
    /// When period 0 was due, in ticks.
    first_due: u64,
    /// A period's length, in ticks.
    length: u64,
    /// Number of a period, and the count when it began.
    entries: Vec<(u64, u64)>,
}

impl Samples {
    fn read(told: &str) -> Option<Self> {
        let origin = told.lines().find_map(|line| line.trim_end().strip_prefix("log k="))?;
        let value = |key: &str| origin.split(' ').find_map(|cell| cell.strip_prefix(key)?.parse().ok());
        let entry = |line: &str| {
            let (period, count) = line.trim_end().strip_prefix("sample ")?.split_once(' ')?;
            Some((period.parse().ok()?, count.parse().ok()?))
        };
        let entries = told.lines().filter_map(entry).collect();
        Some(Self { first_due: value("t0=")?, length: value("T=")?, entries })
    }

    /// The latency of `periods`, each of which must be there once.
    fn latency(&self, periods: Range<u64>) -> Result<Latency> {
        let entries: Vec<_> = self.entries.iter().filter(|(period, _)| periods.contains(period)).collect();
        if !entries.iter().map(|(period, _)| *period).eq(periods.clone()) {
            return Err(format!("{} of the periods {periods:?} were printed", entries.len()).into());
        }
        let late = |&&(period, count): &&(u64, u64)| count.checked_sub(self.first_due + period * self.length);
        let mut late: Vec<u64> =
            entries.iter().map(late).collect::<Option<_>>().ok_or("a period began before it was due")?;
        late.sort_unstable();
        let percentile = |percent: usize| late.get((late.len() * percent).div_ceil(100).max(1) - 1).copied();
        let missed = late.iter().filter(|late| **late > self.length).count();
        let [minimum, median, p99, maximum] = [0, 50, 99, 100].map(|percent| percentile(percent).unwrap_or(0));
        Ok(Latency { periods: late.len(), minimum, median, p99, maximum, missed })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "FreeRTOS V11.2.0\r\nlog k=0 t0=100 T=50 frequency=1000\r\nsample 0 103\r\nsample 1 151\r\n\
                        log k=2 t0=100 T=50 frequency=1000\r\nsample 2 260\r\nsample 3 252\r\nall told\r\n";

    #[test]
    fn samples_become_latencies() {
        let samples = Samples::read(TEXT).unwrap();
        let all = Latency { periods: 4, minimum: 1, median: 2, p99: 60, maximum: 60, missed: 1 };
        assert_eq!(samples.latency(0..4).unwrap(), all);
        assert_eq!(samples.latency(2..3).unwrap().median, 60);
    }

    #[test]
    fn no_period_may_be_left_out_or_early() {
        let latency = |text: &str| Samples::read(text).unwrap().latency(0..4).map_err(|error| error.to_string());
        assert_eq!(latency(&TEXT.replace("sample 2", "simple 2")), Err("3 of the periods 0..4 were printed".into()));
        assert_eq!(latency(&TEXT.replace("0 103", "0 99")), Err("a period began before it was due".into()));
        assert_eq!(Samples::read("rtos> "), None);
    }

    #[test]
    fn linux_must_be_busy_in_time() {
        assert!(expect_load("load: work after 0.93 s\r\n", "work").is_ok());
        for told in ["load: work after 2.10 s\n", "load: flood after 0.93 s\n", ""] {
            assert!(expect_load(told, "work").is_err(), "{told}");
        }
    }

    #[test]
    fn every_board_has_a_name_of_its_own() {
        let mut names: Vec<_> = cases().iter().map(Case::to_string).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), cases().len());
    }
}
