//! FreeRTOS goes on while Linux is switched off, started again, crashed and restarted.

use super::config::text;
use super::periods::{PERIODS, none_missed};
use super::{Check, Driver, Evidence, Mismatch, expect};
use crate::demo::samples::frames;
use crate::demo::session::{LOG, Port, Stopped, find};
use bulkhead_abi::property;

pub const CHECK: Check = Check {
    name: "survive",
    claim: "5,000 further periods, none missed, across Linux's poweroff, start, crash and restart",
    sabotage: "Linux is configured to stay off after a reset",
    changes: || vec![text("linux", property::ON_RESET, property::HALT)],
    drive,
    judge,
};

const PORTS: [Port; 2] = [Port::Linux, Port::FreeRtos];
const CRASH: &str = "echo c > /proc/sysrq-trigger";
/// Lets a crash end in a restart at once: waiting first, as Linux does it, takes very long under `-icount`.
const RESTART_AT_ONCE: &str = "echo -1 > /proc/sys/kernel/panic";
const PANIC: &str = "Kernel panic - not syncing: sysrq triggered crash";
/// What the hypervisor says when the VM is off.
const OFF: &str = "linux: off";

fn drive(driver: &mut Driver) -> Result<(), Stopped> {
    driver.begin(CHECK.name, &PORTS)?;
    driver.session.command(Port::FreeRtos, "log start")?;
    let from = driver.session.length(LOG);
    driver.session.type_line(Port::Linux, "poweroff")?;
    driver.session.wait_text(LOG, from, OFF)?;
    let booting = driver.session.length(Port::Linux.name());
    driver.session.command(Port::Monitor, "vm start linux")?;
    driver.session.wait_text(Port::Linux.name(), booting, Port::Linux.prompt())?;
    crash(driver)?;
    driver.await_periods(PERIODS)?;
    driver.session.command(Port::FreeRtos, "log stop")?;
    driver.end(CHECK.name, &PORTS)
}

/// Crashes Linux, and waits for its shell, or for the news that it stays off.
fn crash(driver: &mut Driver) -> Result<(), Stopped> {
    driver.session.command(Port::Linux, RESTART_AT_ONCE)?;
    let (from, log) = (driver.session.length(Port::Linux.name()), driver.session.length(LOG));
    driver.session.type_line(Port::Linux, CRASH)?;
    let panicked = driver.session.wait_text(Port::Linux.name(), from, "Kernel panic")?;
    let stays_off = driver.session.wait(LOG, log, "linux to be off or to run", |bytes| {
        find(bytes, b"linux: running").map(|_| false).or_else(|| find(bytes, OFF.as_bytes()).map(|_| true))
    })?;
    if stays_off {
        return Err(Stopped { awaited: "Linux to be restarted after its crash".into(), seen: OFF.into() });
    }
    driver.session.wait_text(Port::Linux.name(), panicked, Port::Linux.prompt()).map(|_| ())
}

fn judge(evidence: &Evidence) -> Result<String, Mismatch> {
    let linux = evidence.section(Port::Linux, CHECK.name)?;
    for (command, what) in [("poweroff", "a boot"), (CRASH, "a boot")] {
        let exchange = linux.one(command)?;
        let booted = exchange.answer.lines().any(|line| line.starts_with("Linux ") && line.contains("2 cores"));
        expect(booted, format!("{what} after {command:?}"), exchange.answer)?;
    }
    let crashed = linux.one(CRASH)?;
    expect(crashed.answer.contains(PANIC), PANIC, crashed.answer)?;
    let frames = frames(evidence.section(Port::FreeRtos, CHECK.name)?.lines())?;
    let [frame] = frames.as_slice() else {
        return Err(Mismatch::new("one run of samples", format!("{}", frames.len())));
    };
    none_missed(frame)
}
