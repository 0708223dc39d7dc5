//! FreeRTOS's control periods, judged from the raw (k, CNTVCT) samples that it logged.

use std::collections::BTreeMap;

/// Every period between a `log start` and its `log stop`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// When period 0 was due, in counter ticks.
    pub t0: u64,
    /// A period's length, in counter ticks.
    pub period: u64,
    /// Counter ticks per second.
    pub frequency: u64,
    /// The number of the first period.
    pub first: u64,
    /// CNTVCT at task entry, of the first period and each that follows it.
    pub entries: Vec<u64>,
}

impl Frame {
    /// The periods that were missed: begun later than `t0 + (k + 1) * period`.
    pub fn missed(&self) -> Vec<u64> {
        let late = |(k, entry): &(u64, &u64)| **entry > self.t0 + (k + 1) * self.period;
        (self.first..).zip(&self.entries).filter(late).map(|(k, _)| k).collect()
    }

    /// How many periods it has.
    pub fn count(&self) -> u64 {
        self.entries.len() as u64
    }

    /// The largest delay of a task entry after its period was due, in microseconds.
    pub fn worst_delay(&self) -> u64 {
        let delay = |(k, entry): (u64, &u64)| entry.saturating_sub(self.t0 + k * self.period);
        let ticks = (self.first..).zip(&self.entries).map(delay).max().unwrap_or(0);
        ticks * 1_000_000 / self.frequency
    }
}

/// The frames that `lines` hold.
///
/// # Errors
/// A sample is lost, out of order or unreadable, the clock ran backwards, or a frame has no end.
pub fn frames<'l>(lines: impl Iterator<Item = &'l str>) -> Result<Vec<Frame>, String> {
    let mut frames = Vec::new();
    let mut open: Option<Frame> = None;
    for line in lines {
        if let Some(origin) = line.strip_prefix("log start ") {
            open = Some(start(origin)?);
        } else if let Some(origin) = line.strip_prefix("log stop ") {
            let frame = open.take().ok_or("a log stop without its log start")?;
            frames.push(finish(frame, origin)?);
        } else if let (Some(rest), Some(frame)) = (line.strip_prefix("samples "), &mut open) {
            take(frame, rest)?;
        }
    }
    match open {
        None => Ok(frames),
        Some(frame) => Err(format!("a log start k={} without its log stop", frame.first)),
    }
}

fn start(origin: &str) -> Result<Frame, String> {
    let value = values(origin)?;
    let frame = Frame {
        first: value("k")?,
        t0: value("t0")?,
        period: value("T")?,
        frequency: value("frequency")?,
        entries: Vec::new(),
    };
    if frame.period == 0 || frame.frequency == 0 { Err(format!("a log start {origin:?}")) } else { Ok(frame) }
}

fn finish(frame: Frame, origin: &str) -> Result<Frame, String> {
    let value = values(origin)?;
    let expected = (frame.first + frame.count(), frame.t0, frame.period, frame.frequency);
    let found = (value("k")?, value("t0")?, value("T")?, value("frequency")?);
    if found == expected { Ok(frame) } else { Err(format!("a log stop of {found:?} where {expected:?} was due")) }
}

/// `K CNTVCT D D ...`
fn take(frame: &mut Frame, rest: &str) -> Result<(), String> {
    let mut numbers = rest.split(' ').map(|word| word.parse::<u64>().map_err(|_| format!("samples {rest:?}")));
    let mut next = || numbers.next().transpose();
    let k = next()?;
    let due = frame.first + frame.count();
    if k != Some(due) {
        return Err(format!("sample {k:?} where {due} was due"));
    }
    let mut entry = 0;
    let mut previous = frame.entries.last().copied().unwrap_or(0);
    while let Some(distance) = next()? {
        entry += distance;
        if entry <= previous {
            return Err(format!("CNTVCT {entry} after {previous}"));
        }
        frame.entries.push(entry);
        previous = entry;
    }
    Ok(())
}

/// Looks up values in `a=1 b=2`.
fn values(text: &str) -> Result<impl Fn(&str) -> Result<u64, String>, String> {
    let cell = |cell: &str| {
        let (key, value) = cell.split_once('=')?;
        Some((key.to_string(), value.parse::<u64>().ok()?))
    };
    let cells: Option<BTreeMap<String, u64>> = text.split(' ').map(cell).collect();
    let cells = cells.ok_or_else(|| format!("numbers {text:?}"))?;
    Ok(move |key: &str| cells.get(key).copied().ok_or_else(|| format!("no {key}=")))
}

/// The number of the last period in what FreeRTOS printed so far.
pub fn last_period(output: &[u8]) -> Option<u64> {
    let text = String::from_utf8_lossy(output);
    let line = text.rsplit_once('\n')?.0.lines().rev().find_map(|line| line.strip_prefix("samples "))?;
    let (k, rest) = line.split_once(' ')?;
    Some(k.parse::<u64>().ok()? + rest.split(' ').count() as u64 - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "log start k=5 t0=100 T=10 frequency=1000\nsamples 5 151 10 10\nnoise\nsamples 8 190 11\nlog stop k=10 t0=100 T=10 frequency=1000";

    #[test]
    fn a_period_is_missed_when_its_task_begins_after_the_next_was_due() {
        let frame = frames(GOOD.lines()).unwrap().remove(0);
        assert_eq!(frame.entries, [151, 161, 171, 190, 201]);
        assert_eq!((frame.missed(), frame.count(), frame.worst_delay()), (vec![9], 5, 11_000));
        let on_the_edge = frames(GOOD.replace("190 11", "190 10").lines()).unwrap().remove(0);
        assert!(on_the_edge.missed().is_empty());
    }

    #[test]
    fn nothing_may_be_left_out() {
        let error = |text: String| frames(text.lines()).unwrap_err();
        assert_eq!(error(GOOD.replace("samples 8", "samples 9")), "sample Some(9) where 8 was due");
        assert_eq!(error(GOOD.replace("samples 8 190 11", "samples lost")), "samples \"lost\"");
        assert!(error(GOOD.replace("k=10", "k=11")).starts_with("a log stop of (11, "));
        assert!(error(GOOD.replace("stop k=10 t0=100", "stop k=10 t0=90")).starts_with("a log stop of (10, 90"));
        assert_eq!(error(GOOD.replace("8 190", "8 170")), "CNTVCT 170 after 171");
        assert_eq!(error(GOOD.replace("\nlog stop", "\nstop")), "a log start k=5 without its log stop");
    }

    #[test]
    fn the_last_period_is_of_whole_lines_only() {
        assert_eq!(last_period(b"samples 5 151 10 10\r\nsamples 8 1"), Some(7));
        assert_eq!(last_period(b"samples 5 151 10\nlog stop\n"), Some(6));
        assert_eq!(last_period(b"rtos> "), None);
    }
}
