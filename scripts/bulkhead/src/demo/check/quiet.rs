//! Idle Linux takes no exit but for its timer's expiries and the SGIs that its cores send each other.

use super::config::unchanged;
use super::{Check, Driver, Evidence, Mismatch, expect};
use crate::demo::cells::{Subject, Table, number, table};
use crate::demo::session::{Port, Stopped};

pub const CHECK: Check = Check {
    name: "quiet",
    claim: "idle Linux for 10 virtual seconds: exits - timer expiries - SGIs = 0",
    sabotage: "a job in Linux prints a line meanwhile",
    changes: unchanged,
    drive,
    judge,
};

const PORTS: [Port; 2] = [Port::FreeRtos, Port::Monitor];
const STATS: &str = "stats linux";
/// Control periods, of a millisecond each, that Linux is idle for.
const PERIODS: u64 = 10_000;
const SECOND: u64 = 1_000;
const COUNT: &str = "stat";

fn drive(driver: &mut Driver) -> Result<(), Stopped> {
    driver.begin(CHECK.name, &PORTS)?;
    if driver.broken {
        driver.session.command(Port::Linux, "(sleep 5; echo noise) &")?;
    }
    driver.session.command(Port::FreeRtos, "status on")?;
    // A second for what the last command left to do.
    let settling = await_status(driver, 0)?;
    await_status(driver, settling + SECOND)?;
    driver.session.command(Port::Monitor, STATS)?;
    let first = driver.session.command(Port::FreeRtos, COUNT)?;
    let first = periods(&first).ok_or_else(|| Stopped { awaited: "periods=".into(), seen: first })?;
    await_status(driver, first + PERIODS)?;
    driver.session.command(Port::FreeRtos, COUNT)?;
    driver.session.command(Port::Monitor, STATS)?;
    driver.session.command(Port::FreeRtos, "status off")?;
    driver.end(CHECK.name, &PORTS)
}

/// Waits for a status line of FreeRTOS that tells of `least` periods; how many it tells of.
fn await_status(driver: &Driver, least: u64) -> Result<u64, Stopped> {
    let name = Port::FreeRtos.name();
    let told = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        let mut told = text.lines().filter(|line| line.starts_with("status ")).filter_map(periods);
        told.find(|periods| *periods >= least)
    };
    driver.session.wait(name, driver.session.length(name), &format!("a status of {least} periods"), told)
}

/// The number behind the first `periods=`.
fn periods(text: &str) -> Option<u64> {
    text.split_once("periods=")?.1.split_whitespace().next()?.parse().ok()
}

fn judge(evidence: &Evidence) -> Result<String, Mismatch> {
    let freertos = evidence.section(Port::FreeRtos, CHECK.name)?;
    let counts: Vec<Option<u64>> = freertos.all(COUNT).iter().map(|exchange| periods(exchange.answer)).collect();
    let long = matches!(counts.as_slice(), [Some(first), Some(last)] if last - first >= PERIODS);
    expect(long, format!("{PERIODS} periods between two counts"), format!("{counts:?}"))?;
    let monitor = evidence.section(Port::Monitor, CHECK.name)?;
    let readings: Vec<Option<Reading>> =
        monitor.all(STATS).iter().map(|exchange| Reading::of(&table(exchange.answer))).collect();
    let [Some(before), Some(after)] = readings.as_slice() else {
        return Err(Mismatch::new("two readings of stats", format!("{readings:?}")));
    };
    after.since(before).judge()
}

/// What `stats linux` counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Reading {
    exits: u64,
    timer_expiries: u64,
    /// SGIs that were sent.
    sent: u64,
    /// Exits of a core that was interrupted so that it takes what another sent.
    received: u64,
}

impl Reading {
    fn of(table: &Table) -> Option<Self> {
        let vm = Subject::Vm("linux".into());
        Some(Self {
            exits: number(table, &vm, "exits")?,
            timer_expiries: number(table, &vm, "timer-expiries")?,
            sent: number(table, &vm, "sgis-sent")?,
            received: number(table, &vm, "sgis-received")?,
        })
    }

    fn since(&self, before: &Self) -> Self {
        Self {
            exits: self.exits.wrapping_sub(before.exits),
            timer_expiries: self.timer_expiries.wrapping_sub(before.timer_expiries),
            sent: self.sent.wrapping_sub(before.sent),
            received: self.received.wrapping_sub(before.received),
        }
    }

    /// An SGI costs the exit that sends it and at most one of the core that it is for.
    fn judge(&self) -> Result<String, Mismatch> {
        let Self { exits, timer_expiries, sent, received } = *self;
        let seen = format!("exits {exits}, timer expiries {timer_expiries}, SGIs sent {sent} and received {received}");
        let rest = i128::from(exits) - i128::from(timer_expiries) - i128::from(sent) - i128::from(received);
        expect(rest == 0, "exits - timer expiries - SGIs = 0", format!("{rest}: {seen}"))?;
        expect(received <= sent, "no more SGIs received than sent", seen.clone())?;
        expect(timer_expiries > 0, "a Linux whose timer expires", seen.clone())?;
        Ok(seen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exit_that_nothing_explains_is_one_too_many() {
        let good = Reading { exits: 20, timer_expiries: 12, sent: 5, received: 3 };
        assert!(good.judge().is_ok());
        assert!(Reading { exits: 21, ..good }.judge().is_err());
        assert!(Reading { exits: 23, received: 6, ..good }.judge().is_err());
        assert!(Reading { exits: 8, timer_expiries: 0, ..good }.judge().is_err());
    }

    #[test]
    fn readings_come_from_the_monitors_rows() {
        let answer = "vm=linux  exits=9  timer-expiries=4  sgis-sent=2  sgis-received=3\nvm=linux  vcpu=0  kick=1\n";
        let reading = Reading { exits: 9, timer_expiries: 4, sent: 2, received: 3 };
        assert_eq!(Reading::of(&table(answer)), Some(reading));
        assert_eq!(reading.since(&reading), Reading { exits: 0, timer_expiries: 0, sent: 0, received: 0 });
        assert_eq!(Reading::of(&table("vm=linux  exits=9\n")), None);
    }
}
