//! How boot and the cost of a trap change with the number of VMs, and with one VM's vCPUs.

use super::Setting;
use super::board::{Board, Packed};
use super::configuration::{Configuration, Vm};
use crate::bench::results::{Cost, Costs};
use crate::bench::run::{self, TURN, VERDICT};
use crate::build::{self, Profile};
use crate::size::{demo, marks};
use crate::steps::{self, BARE, End, Step, after};
use crate::{Result, workspace};
use serde::Serialize;
use std::fmt;
use std::fs::File;
use std::path::Path;

/// Guests at most.
const VMS: usize = 8;
/// Operations that are measured.
pub const OPERATIONS: [&str; 4] = ["psci-version", "gicd-typer-read", "sgi-to-self", "virtual-timer"];
/// Ticks of the guest's counter at which it begins to measure: all others sleep by then.
const FROM: u64 = 30_000_000;
/// Samples of each operation: all are alike.
const SAMPLES: u32 = 500;
/// A VM's RAM in MiB.
const MEMORY: u32 = 16;
/// The hypervisor's banner says what it keeps, and its log when guests run: nothing is typed.
const STEPS: [Step; 1] = [after("guest0", VERDICT, "")];

/// What grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Grows {
    Vms,
    Vcpus,
}

/// One board.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Case {
    /// Version of its interrupt controller.
    pub gic: u8,
    /// What there are several of.
    pub grows: Grows,
    /// How many.
    pub count: usize,
}

/// Every board that is measured.
pub fn cases() -> Vec<Case> {
    let of = |gic, grows, most| (1..=most).map(move |count| Case { gic, grows, count });
    [2, 3].into_iter().flat_map(|gic| of(gic, Grows::Vms, VMS).chain(of(gic, Grows::Vcpus, cores(gic)))).collect()
}

/// Cores of the board: as many as a GICv2 has, and as the hypervisor takes.
const fn cores(gic: u8) -> usize {
    if gic == 2 { 8 } else { 16 }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let grows = if self.grows == Grows::Vms { "vms" } else { "vcpus" };
        write!(f, "scaling-gicv{}-{grows}-{}", self.gic, self.count)
    }
}

/// What one board took.
#[derive(Clone, Debug, Serialize)]
pub struct Point {
    /// Instructions until a guest is about to run, without zeroing and copying: the least of all guests, because what
    /// other cores do in their turns counts as well.
    pub guest: u64,
    /// Until the last guest is about to run, with zeroing and copying.
    pub all_guests: u64,
    /// KiB of RAM that the hypervisor keeps.
    pub kept: u64,
    /// Bytes of its heap that are no longer zero.
    pub heap: u64,
    /// What each of [`OPERATIONS`] costs.
    pub costs: Costs,
}

/// All but the heap, which holds random numbers, some of them zero.
impl PartialEq for Point {
    fn eq(&self, other: &Self) -> bool {
        let boot = |point: &Self| [point.guest, point.all_guests, point.kept];
        boot(self) == boot(other) && self.costs == other.costs
    }
}

/// Measures `case`.
pub fn measure(setting: &Setting<'_>, case: &Case, name: &str) -> Result<Point> {
    let packed = Packed::new(setting.toolchain, &configuration(case), setting.folder, name)?;
    let board = Board { gic: case.gic, cores: cores(case.gic) as u8, memory: 256, turn: TURN };
    let ram = setting.folder.join(name).with_extension("ram");
    // It must be new: old memory is not zero.
    File::create(&ram)?;
    let told = steps::run(board.with(setting.toolchain, packed.path(), Some(&ram)), &STEPS, End::LastStep);
    let heap = heap(&ram);
    std::fs::remove_file(&ram)?;
    let told = told?;
    let (all, log, guest) = (told.text(BARE), told.text("hypervisor"), told.text("guest0"));
    read(case, &all, &log, &guest, heap?).ok_or_else(|| format!("not understood: {all}").into())
}

/// The measured guest on the first core; the others sleep.
fn configuration(case: &Case) -> Configuration {
    let measured = format!("from={FROM} crowd samples={SAMPLES} only={}", OPERATIONS.join(","));
    let vm = |index: usize, cores| Vm {
        name: format!("guest{index}"),
        cores,
        memory: MEMORY,
        bootargs: if index == 0 { measured.clone() } else { "idle".into() },
        kernel: workspace::guests().join("bench.img"),
        ramdisk: None,
    };
    let vms = match case.grows {
        Grows::Vms => (0..case.count).map(|index| vm(index, vec![index])).collect(),
        Grows::Vcpus => vec![vm(0, (0..case.count).collect())],
    };
    Configuration { vms, housekeeping: cores(case.gic) - 1 }
}

/// Bytes of the hypervisor's heap that were used, on a board whose memory is the file `ram`.
fn heap(ram: &Path) -> Result<u64> {
    let elf = std::fs::read(build::output_folder(Profile::Release).join("bulkhead"))?;
    let marks = marks::read(&elf, &demo::read(ram)?)?;
    let heap = marks.iter().find(|mark| mark.name == "heap").ok_or("no heap among the marks")?;
    Ok(heap.used)
}

/// Reads the whole stream, the hypervisor's log in it, and the measured guest's.
fn read(case: &Case, all: &str, log: &str, guest: &str, heap: u64) -> Option<Point> {
    let starts: Vec<(u64, u64)> = log.lines().filter_map(run::entry_ticks).collect();
    let expected = if case.grows == Grows::Vms { case.count } else { 1 };
    let costs: Costs = guest.lines().filter_map(run::operation).filter(is_wanted).collect();
    let (measured, _) = log.lines().find(|line| line.contains("guest0: running, ")).and_then(run::entry_ticks)?;
    let last = starts.iter().map(|(ticks, _)| *ticks).max()?;
    if starts.len() != expected || costs.len() != OPERATIONS.len() || last > measured + FROM {
        return None;
    }
    let alone: Option<Vec<u64>> = starts.iter().map(|(ticks, copied)| ticks.checked_sub(*copied)).collect();
    Some(Point { guest: alone?.into_iter().min()?, all_guests: last, kept: kept(all)?, heap, costs })
}

fn is_wanted((name, _): &(String, Cost)) -> bool {
    OPERATIONS.contains(&name.as_str())
}

/// KiB of the banner's `image    0x40200000, 944 KiB in memory`.
fn kept(banner: &str) -> Option<u64> {
    let line = banner.lines().find_map(|line| line.trim().strip_prefix("image "))?;
    line.split_once(", ")?.1.split_once(" KiB in memory")?.0.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "[    0.007] info: guest0: running, 700 ticks after entry, 600 spent on zeroing and copying\n\
                       [    0.008] info: guest1: running, 800 ticks after entry, 650 spent on zeroing and copying\n";
    const BANNER: &str =
        "  gic      GICv3, 4 list registers\n  image    0x40200000, 944 KiB in memory, of which 132 KiB code\n";

    fn guest() -> String {
        let lines = OPERATIONS.map(|name| format!("bench {name} median=3 minimum=2 p99=4 maximum=5\n"));
        format!("{}bench psci-version-again median=3 minimum=2 p99=4 maximum=5\n{VERDICT}\n", lines.concat())
    }

    #[test]
    fn what_the_board_prints_is_understood() {
        let case = Case { gic: 3, grows: Grows::Vms, count: 2 };
        let point = read(&case, BANNER, LOG, &guest(), 5).unwrap();
        let boot = (point.guest, point.all_guests, point.kept, point.heap);
        assert_eq!(boot, (100, 800, 944, 5));
        assert_eq!(point.costs.len(), OPERATIONS.len());
        assert_eq!(read(&Case { count: 3, ..case }, BANNER, LOG, &guest(), 5), None);
        assert_eq!(read(&case, BANNER, LOG, &guest().replace("sgi-to-self", "x"), 5), None);
        assert_eq!(read(&case, "", LOG, &guest(), 5), None);
    }

    #[test]
    fn a_guest_that_starts_while_the_first_measures_is_refused() {
        let case = Case { gic: 3, grows: Grows::Vms, count: 2 };
        let late = format!("guest1: running, {} ticks", 701 + FROM);
        assert_eq!(read(&case, BANNER, &LOG.replace("guest1: running, 800 ticks", &late), &guest(), 5), None);
    }

    #[test]
    fn one_guest_measures_and_the_others_sleep() {
        let vms = configuration(&Case { gic: 3, grows: Grows::Vms, count: 8 }).vms;
        assert_eq!(vms.iter().filter(|vm| vm.bootargs == "idle").count(), 7);
        let vms = configuration(&Case { gic: 3, grows: Grows::Vcpus, count: 8 }).vms;
        assert_eq!(vms.iter().map(|vm| vm.cores.len()).collect::<Vec<_>>(), [8]);
    }
}
