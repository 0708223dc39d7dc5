//! Linux runs on two cores, each with a timer, and on our machine.

use super::config::cells;
use super::{Check, Driver, Evidence, Mismatch, expect};
use crate::demo::session::{Port, Stopped};
use bulkhead_abi::property;
use bulkhead_vmm::config::guest_tree::MODEL;

pub const CHECK: Check = Check {
    name: "linux-shell",
    claim: "nproc is 2, the timer advances on both cores, the model string is ours",
    sabotage: "Linux is configured with one core",
    changes: || vec![cells("linux", property::CORES, &[0])],
    drive,
    judge,
};

const TIMERS: &str = "grep arch_timer /proc/interrupts";
const SHOW_MODEL: &str = "tr '\\000' '\\n' < /proc/device-tree/model";

fn drive(driver: &mut Driver) -> Result<(), Stopped> {
    driver.begin(CHECK.name, &[Port::Linux])?;
    for line in ["nproc", SHOW_MODEL, TIMERS, "sleep 1", TIMERS] {
        driver.session.command(Port::Linux, line)?;
    }
    driver.end(CHECK.name, &[Port::Linux])
}

fn judge(evidence: &Evidence) -> Result<String, Mismatch> {
    let linux = evidence.section(Port::Linux, CHECK.name)?;
    let cores = linux.one("nproc")?.answer.trim();
    expect(cores == "2", "nproc 2", cores)?;
    let model = linux.one(SHOW_MODEL)?;
    expect(model.has_line(MODEL), format!("the model {MODEL:?}"), model.answer)?;
    let readings: Vec<Vec<u64>> = linux.all(TIMERS).iter().map(|exchange| counts(exchange.answer)).collect();
    let [before, after] = readings.as_slice() else {
        return Err(Mismatch::new("two readings of the timers", format!("{readings:?}")));
    };
    let advanced =
        before.len() == 2 && after.len() == 2 && before.iter().zip(after).all(|(before, after)| after > before);
    expect(advanced, "a timer that advances on both cores", format!("{before:?}, then {after:?}"))?;
    Ok(format!("timer interrupts went from {before:?} to {after:?}"))
}

/// Interrupts by core of a line of /proc/interrupts, such as ` 11:  265  459  GICv3  27 Level  arch_timer`.
fn counts(line: &str) -> Vec<u64> {
    line.split_whitespace().skip(1).map_while(|word| word.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::counts;

    #[test]
    fn counts_end_at_the_controller() {
        assert_eq!(counts(" 11:        265        459     GICv3  27 Level     arch_timer\n"), [265, 459]);
        assert_eq!(counts("grep: /proc/interrupts: No such file\n"), []);
    }
}
