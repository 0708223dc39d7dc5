//! FreeRTOS's control loop misses no period while Linux is busy, and one that is late is reported.

use super::config::unchanged;
use super::{Check, Driver, Evidence, Mismatch, expect};
use crate::demo::samples::{Frame, frames};
use crate::demo::session::{Port, Stopped, find};
use crate::demo::transcript::Section;

pub const CHECK: Check = Check {
    name: "periods",
    claim: "5,000 control periods, none missed, under Linux's load; a delayed task is reported",
    sabotage: "the control task is held for three periods meanwhile",
    changes: unchanged,
    drive,
    judge,
};

/// Control periods that are judged at least.
pub const PERIODS: u64 = 5_000;
/// Periods for which the task is delayed on purpose.
const DELAY: u64 = 3;
/// Both cores' time by use, in hundredths of a second (Linux Documentation/filesystems/proc.rst, "stat").
const TIMES: &str = "head -n 3 /proc/stat";
const PORTS: [Port; 2] = [Port::Linux, Port::FreeRtos];

fn drive(driver: &mut Driver) -> Result<(), Stopped> {
    driver.begin(CHECK.name, &PORTS)?;
    driver.session.command(Port::FreeRtos, "log start")?;
    driver.session.command(Port::Linux, "load start")?;
    driver.session.command(Port::Linux, TIMES)?;
    driver.await_periods(PERIODS)?;
    if driver.broken {
        delay(driver)?;
    }
    driver.session.command(Port::Linux, TIMES)?;
    driver.session.command(Port::Linux, "load stop")?;
    driver.session.command(Port::FreeRtos, "log stop")?;
    driver.session.command(Port::FreeRtos, "log start")?;
    delay(driver)?;
    driver.session.command(Port::FreeRtos, "log stop")?;
    driver.end(CHECK.name, &PORTS)
}

/// Holds the control task, and waits for the watchdog to say so.
fn delay(driver: &mut Driver) -> Result<(), Stopped> {
    let from = driver.session.length(Port::FreeRtos.name());
    driver.session.command(Port::FreeRtos, &format!("delay {DELAY}"))?;
    let reported = |bytes: &[u8]| find(bytes, b"watchdog: control missed");
    driver.session.wait(Port::FreeRtos.name(), from, "the watchdog's report", reported).map(|_| ())
}

fn judge(evidence: &Evidence) -> Result<String, Mismatch> {
    let freertos = evidence.section(Port::FreeRtos, CHECK.name)?;
    let busy = busy(evidence)?;
    let frames = frames(freertos.lines())?;
    let [loaded, delayed] = frames.as_slice() else {
        return Err(Mismatch::new("two runs of samples", format!("{}", frames.len())));
    };
    let none = none_missed(loaded)?;
    let report = reported(&freertos, delayed)?;
    Ok(format!("{none}; Linux's cores worked {busy:?} hundredths of a second meanwhile; {report}"))
}

/// The watchdog's report of the periods that the delayed task missed in `frame`: as many as the samples show.
fn reported(freertos: &Section<'_>, frame: &Frame) -> Result<String, Mismatch> {
    let missed = frame.missed();
    let expected = format!("at least {DELAY} periods missed by the delayed task");
    expect(missed.len() as u64 >= DELAY, expected, format!("{missed:?}"))?;
    let report = format!("watchdog: control missed {}, last k={}", missed.len(), missed[missed.len() - 1]);
    let seen: Vec<&str> = freertos.lines().filter(|line| line.starts_with("watchdog")).collect();
    expect(seen == [report.as_str()], format!("{report:?} alone"), format!("{seen:?}"))?;
    Ok(report)
}

/// What `frame` proves, if it is long enough and no period of it was missed.
pub fn none_missed(frame: &Frame) -> Result<String, Mismatch> {
    none_missed_of(frame, PERIODS)
}

/// The same for a frame of `least` periods.
pub fn none_missed_of(frame: &Frame, least: u64) -> Result<String, Mismatch> {
    let (count, missed) = (frame.count(), frame.missed());
    expect(count >= least, format!("{least} periods"), format!("{count}"))?;
    let first = missed.first().copied().unwrap_or(0);
    expect(
        missed.is_empty(),
        format!("none of {count} periods missed"),
        format!("{}, the first k={first}", missed.len()),
    )?;
    Ok(format!("{count} periods, none missed, the latest {} us after it was due", frame.worst_delay()))
}

/// How long each of Linux's two cores worked between the two readings, in hundredths of a second: most of the time
/// that the periods took.
fn busy(evidence: &Evidence) -> Result<[u64; 2], Mismatch> {
    let linux = evidence.section(Port::Linux, CHECK.name)?;
    let readings: Vec<Option<[u64; 2]>> = linux.all(TIMES).iter().map(|exchange| worked(exchange.answer)).collect();
    let [Some(before), Some(after)] = readings.as_slice() else {
        return Err(Mismatch::new("two readings of both cores' times", format!("{readings:?}")));
    };
    let busy = [0, 1].map(|core: usize| after[core].saturating_sub(before[core]));
    // A millisecond a period; nine tenths of it, for the shell that takes the readings.
    let least = PERIODS / 10 * 9 / 10;
    expect(
        busy.iter().all(|busy| *busy >= least),
        format!("{least} hundredths of work on each core"),
        format!("{busy:?}"),
    )?;
    Ok(busy)
}

/// Time in user and system mode of cpu0 and cpu1.
fn worked(stat: &str) -> Option<[u64; 2]> {
    let of = |cpu: &str| {
        let line = stat.lines().find_map(|line| line.strip_prefix(cpu))?;
        let mut times = line.split_whitespace().map_while(|word| word.parse::<u64>().ok());
        Some(times.next()? + times.next()? + times.next()?)
    };
    Some([of("cpu0 ")?, of("cpu1 ")?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_user_nice_and_system_time() {
        let stat = "cpu  9 9 9 9\ncpu0 1 2 3 400 5\ncpu1 10 20 30 4000\n";
        assert_eq!(worked(stat), Some([6, 60]));
        assert_eq!(worked("cpu  9 9 9\ncpu0 1 2 3\n"), None);
    }

    #[test]
    fn too_few_periods_prove_nothing() {
        let frame = Frame { t0: 0, period: 10, frequency: 1000, first: 0, entries: vec![1] };
        assert_eq!(none_missed(&frame).unwrap_err(), Mismatch::new("5000 periods", "1"));
    }
}
