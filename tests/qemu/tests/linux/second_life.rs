//! Linux stopped and started again: each life is like the first.

use crate::shell::Shell;
use crate::ticking::{self, ticking};
use bulkhead_qemu::board::Gic;
use bulkhead_qemu::lives::{Lives, beside};
use bulkhead_qemu::{Board, Boot, Configuration, Session, Suite, Vm, artifacts};

/// The VM's name.
const VM: &str = "linux";
/// Its vCPUs.
const CPUS: u32 = 2;
/// Times that it is stopped and started again.
const CYCLES: u64 = 5;

/// How lines of the log begin whose numbers differ from life to life: the time of day, and where and how much memory the
/// kernel takes, which lies at a random place.
const CHANGING: [&str; 3] = ["audit: type=2000 ", "NUMA: NODE_DATA ", "Memory: "];
/// How a line begins that is there only if the host kept a core waiting.
const HELD_UP: &str = "hrtimer: interrupt took ";

pub fn register(suite: &mut Suite) {
    let linux = Vm::of_file(VM, artifacts::linux_kernel()).ram_disk(artifacts::linux_ram_disk());
    let linux = linux.cpus(CPUS).memory_mib(128).bootargs("console=ttyAMA0 quiet");
    let both = Configuration::new().vm(linux).vm(beside());
    let boot = Boot::packed(both.clone());
    suite.on_each("second_life", &boot, [Board::virt(Gic::V3).cores(CPUS + 2)], lives);
    let boot = Boot::packed(both.vm(ticking()));
    suite.on_each("second_life", &boot, [Board::virt(Gic::V2).cores(CPUS + 2 + ticking::CORES)], lives);
}

fn lives(session: &mut Session) {
    let mut lives = Lives::begin(session, VM);
    let first = life(&mut lives);
    while lives.over() < CYCLES {
        lives.next();
        let log = life(&mut lives);
        let missing: Vec<_> = first.iter().filter(|line| !log.contains(line)).collect();
        let new: Vec<_> = log.iter().filter(|line| !first.contains(line)).collect();
        assert!(log == first, "life {}: it lacks {missing:#?}, and has {new:#?}", lives.over());
    }
    lives.end();
}

/// The log of a life, without what differs from life to life. It is sorted: some lines are of threads that race.
fn life(lives: &mut Lives<'_>) -> Vec<String> {
    let mut shell = Shell::await_prompt(lives.session(), VM);
    shell.works_on_each(CPUS);
    let log = shell.log();
    let text = |line: &str| line.split_once("] ").map_or(line, |(_, text)| text).to_owned();
    let mut lines: Vec<String> = log.lines().map(text).filter(|line| !line.starts_with(HELD_UP)).collect();
    for line in &mut lines {
        if CHANGING.iter().any(|begin| line.starts_with(begin)) {
            line.retain(|character| !character.is_ascii_hexdigit());
        }
    }
    lines.sort();
    lines
}
