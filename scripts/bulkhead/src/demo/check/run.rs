//! One run: boots, drives each check, writes the logs, and judges.

use super::evidence::{BANNER, Evidence, file};
use super::{CHECKS, Check, Driver, Mismatch};
use crate::demo::board::{self, Gic, Time};
use crate::demo::files::Files;
use crate::demo::record;
use crate::demo::samples::last_period;
use crate::demo::session::{LOG, Port, Session, Stopped};
use crate::demo::transcript::{begin, end};
use crate::error::ToolError;
use crate::output::{complain, line};
use std::path::PathBuf;
use std::time::Duration;

/// What is asked for.
pub struct Options {
    /// The board's interrupt controller.
    pub gic: Gic,
    /// The check to sabotage.
    pub broken: Option<&'static Check>,
    /// The checks to run.
    pub checks: Vec<&'static Check>,
    /// Where the logs go.
    pub folder: PathBuf,
    /// How long any one thing is waited for: only to give up.
    pub limit: Duration,
}

/// Runs the checks and says a line for each. Whether all are good.
///
/// # Errors
/// The board cannot be started, or a log not be written.
pub fn run(options: &Options, files: &Files) -> Result<bool, ToolError> {
    let session = boot(options, files)?;
    let mut driver = Driver { session, nonce: record::nonce(), broken: false };
    let mut stopped = driver.await_prompts().err().map(|stopped| ("the boot", stopped));
    let mut facts = format!("nonce {}\n", driver.nonce);
    let mut good = true;
    for check in &options.checks {
        driver.broken = options.broken.is_some_and(|broken| broken.name == check.name);
        let judged = match &stopped {
            Some((before, stopped)) => {
                Err(Mismatch::new("a run that gets so far", format!("{before} stopped: {stopped}")))
            }
            None => (check.drive)(&mut driver).map_err(|stop| {
                stopped = Some((check.name, stop.clone()));
                Mismatch::from(stop)
            }),
        };
        save(&driver.session, options)?;
        let judged = judged.and_then(|()| judge(check, options, &driver.nonce));
        good &= judged.is_ok();
        facts += &say(check, judged)?;
        record::write(&options.folder.join("facts"), facts.as_bytes())?;
    }
    if driver.session.output().has_ended() {
        let said = std::fs::read_to_string(options.folder.join("qemu-errors")).unwrap_or_default();
        complain(&format!("QEMU ended by itself; it said: {}", said.trim()));
    }
    Ok(good)
}

/// Prints a check's line; a line of the facts that it rests on.
fn say(check: &Check, judged: Result<String, Mismatch>) -> Result<String, ToolError> {
    let name = check.name;
    match judged {
        Ok(facts) => {
            line(&format!("check {name}: ok"))?;
            Ok(format!("check {name}: ok: {facts}\n"))
        }
        Err(mismatch) => {
            line(&format!("check {name}: {mismatch}"))?;
            Ok(format!("check {name}: {mismatch}\n"))
        }
    }
}

fn judge(check: &Check, options: &Options, nonce: &str) -> Result<String, Mismatch> {
    let evidence = Evidence::read(&options.folder, nonce).map_err(|error| Mismatch::new("logs", error.to_string()))?;
    (check.judge)(&evidence)
}

fn boot(options: &Options, files: &Files) -> Result<Session, ToolError> {
    let changes = options.broken.map(|check| (check.changes)()).unwrap_or_default();
    let packed = options.folder.join("packed.img");
    record::write(&packed, &board::pack(files, &changes)?)?;
    let arguments = board::arguments(options.gic, Time::Fast, &packed.display().to_string());
    record::manifest(&options.folder, files, &packed, &arguments)?;
    Session::start(&files.qemu, &arguments, &options.folder.join("qemu-errors"), options.limit)
}

/// Writes everything that was printed so far.
fn save(session: &Session, options: &Options) -> Result<(), ToolError> {
    let output = session.output();
    let write = |name: &str, bytes: &[u8]| record::write(&file(&options.folder, name), bytes);
    for name in [Port::Linux.name(), Port::FreeRtos.name(), Port::Monitor.name(), LOG] {
        write(name, output.port(name))?;
    }
    write(BANNER, &output.foreign)?;
    write("uart", &output.raw)
}

impl Driver {
    /// Waits until every console can be typed to.
    fn await_prompts(&mut self) -> Result<(), Stopped> {
        for port in [Port::Monitor, Port::FreeRtos, Port::Linux] {
            self.session.wait_text(port.name(), 0, port.prompt())?;
        }
        Ok(())
    }

    /// Marks the beginning of `check` on `ports`.
    pub fn begin(&mut self, check: &str, ports: &[Port]) -> Result<(), Stopped> {
        let line = begin(check, &self.nonce);
        ports.iter().try_for_each(|port| self.session.command(*port, &line).map(|_| ()))
    }

    /// Marks the end of `check` on `ports`.
    pub fn end(&mut self, check: &str, ports: &[Port]) -> Result<(), Stopped> {
        let line = end(check, &self.nonce);
        ports.iter().try_for_each(|port| self.session.command(*port, &line).map(|_| ()))
    }

    /// Waits until FreeRTOS, which logs its samples, has run `count` further periods.
    pub fn await_periods(&mut self, count: u64) -> Result<(), Stopped> {
        let port = Port::FreeRtos.name();
        let from = self.session.length(port);
        let first = self.session.wait(port, from, "samples", last_period)?;
        let ran = |bytes: &[u8]| last_period(bytes).filter(|last| *last >= first + count);
        self.session.wait(port, from, &format!("{count} periods"), ran).map(|_| ())
    }
}

/// The check called `name`.
///
/// # Errors
/// There is none; the message names all.
pub fn named(name: &str) -> Result<&'static Check, String> {
    let names: Vec<&str> = CHECKS.iter().map(|check| check.name).collect();
    let found = CHECKS.iter().find(|check| check.name == name);
    found.ok_or_else(|| format!("no check {name:?}; there are: {}", names.join(", ")))
}
