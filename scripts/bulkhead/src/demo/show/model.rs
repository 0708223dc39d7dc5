//! Everything that is shown, made from nothing but what the board printed, what was said, and when.

use super::facts::Facts;
use super::lines::Lines;
use super::rates::{Rates, counter, rates};
use crate::demo::cells::{Subject, Table, number, table};
use crate::demo::session::{Port, known};
use bulkhead_vmm::console::{Source, Splitter};
use std::collections::VecDeque;

/// Status lines of which the sparkline tells.
const HISTORY: usize = 120;

/// FreeRTOS's last status line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the line's")]
pub struct Status {
    pub periods: u64,
    pub missed: u64,
    /// Delay of task entry after the period was due, in counter ticks, as the next three.
    pub minimum: u64,
    pub mean: u64,
    pub maximum: u64,
    /// The largest since the line before.
    pub recent: u64,
}

/// A line of a guest or of the hypervisor's log, for those who print lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Printed {
    /// Who printed it.
    pub port: String,
    /// What.
    pub line: String,
}

/// What is shown.
#[derive(Clone, Debug, Default)]
pub struct Model {
    splitter: Splitter,
    /// Linux's console.
    pub linux: Lines,
    /// FreeRTOS's console, without status lines.
    pub freertos: Lines,
    /// The hypervisor's log.
    pub log: Lines,
    /// What is known of hypervisor and board.
    pub facts: Facts,
    foreign: String,
    monitor: String,
    /// Answers of the monitor that were read.
    pub answers: usize,
    last_stats: Option<(Table, u64)>,
    /// Exits and sleep.
    pub rates: Rates,
    /// Physical address of FreeRTOS's RAM.
    pub neighbour: Option<u64>,
    /// FreeRTOS's numbers.
    pub status: Option<Status>,
    /// Its `recent` numbers, the newest last.
    pub recent: VecDeque<u64>,
    /// Host time of the last event, in milliseconds since the start.
    pub now: u64,
    /// What is being shown, in words.
    pub caption: String,
    /// Lines since they were last taken.
    pub printed: Vec<Printed>,
}

impl Model {
    /// Takes what the board printed until `now`.
    pub fn output(&mut self, now: u64, bytes: &[u8]) {
        self.now = now;
        let mut splitter = std::mem::take(&mut self.splitter);
        splitter.push(bytes, &mut |piece| match piece.source {
            Source::Output => self.print(known(piece.port), piece.bytes),
            Source::Foreign => {
                self.foreign += &String::from_utf8_lossy(piece.bytes);
                self.facts.read_banner(&self.foreign);
            }
            Source::Replay | Source::Notice => {}
        });
        self.splitter = splitter;
    }

    /// Takes what is said about what is being shown.
    pub fn say(&mut self, now: u64, caption: &str) {
        self.now = now;
        self.caption = caption.into();
        self.printed.push(Printed { port: "demo".into(), line: caption.into() });
    }

    fn print(&mut self, port: &str, bytes: &[u8]) {
        let mut ended = Vec::new();
        let mut end = |line: &str| ended.push(line.to_string());
        match port {
            "linux" => self.linux.push(bytes, &mut end),
            "freertos" => return self.print_freertos(bytes),
            "monitor" => return self.hear_monitor(bytes),
            _ => self.log.push(bytes, &mut end),
        }
        for line in ended {
            if port != Port::Linux.name() {
                self.facts.read_log(&line);
            }
            self.printed.push(Printed { port: port.into(), line });
        }
    }

    fn print_freertos(&mut self, bytes: &[u8]) {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            let mut ended = None;
            self.freertos.push(part, &mut |line| ended = Some(line.to_string()));
            let Some(line) = ended else { continue };
            let status = status(&line);
            // A status line stands in the place of a prompt, which comes again behind it.
            let prompt = line.trim_end() == Port::FreeRtos.prompt().trim_end();
            if status.is_some() || prompt {
                self.freertos.unpush();
            }
            let second = self.second();
            if let Some(status) = status {
                self.note(status);
            }
            // Among plain lines one status a second is enough.
            if !prompt && (status.is_none() || second != self.second()) {
                self.printed.push(Printed { port: Port::FreeRtos.name().into(), line });
            }
        }
    }

    /// The second of FreeRTOS's time that its numbers are from.
    fn second(&self) -> Option<u64> {
        self.status.map(|status| status.periods / 1_000)
    }

    fn note(&mut self, status: Status) {
        self.status = Some(status);
        self.recent.push_back(status.recent);
        if self.recent.len() > HISTORY {
            self.recent.pop_front();
        }
    }

    /// An answer is whole when the next prompt follows it.
    fn hear_monitor(&mut self, bytes: &[u8]) {
        self.monitor += &String::from_utf8_lossy(bytes);
        while let Some((answer, rest)) = self.monitor.split_once("\n> ") {
            let (answer, rest) = (answer.to_string(), rest.to_string());
            self.monitor = rest;
            self.hear(&answer);
        }
    }

    fn hear(&mut self, answer: &str) {
        self.answers += 1;
        let table = table(answer);
        let freertos = Subject::Vm(Port::FreeRtos.name().into());
        self.neighbour = number(&table, &freertos, "physical").or(self.neighbour);
        let kept = answer.split_whitespace().find_map(|cell| cell.strip_prefix("kept="));
        self.facts.kept = kept.map(String::from).or(self.facts.kept.take());
        if answer.contains("stats\n") {
            if let Some((before, then)) = &self.last_stats {
                self.rates = rates(before, &table, self.seconds(before, &table, *then));
            }
            self.last_stats = Some((table, self.now));
        }
    }

    /// Seconds between two answers: the board's, or the host's if the answers do not tell the board's.
    fn seconds(&self, before: &Table, after: &Table, then: u64) -> f64 {
        let host = (self.now.saturating_sub(then)).max(1) as f64 / 1000.0;
        let ticks = counter(after).zip(counter(before)).map(|(after, before)| after.saturating_sub(before));
        ticks.filter(|ticks| *ticks > 0).map_or(host, |ticks| ticks as f64 / self.facts.frequency() as f64)
    }

    /// Whether Linux waits for a command.
    pub fn linux_waits(&self) -> bool {
        self.linux.current() == Port::Linux.prompt()
    }

    /// Whether FreeRTOS waits for a command.
    pub fn freertos_waits(&self) -> bool {
        self.freertos.current().starts_with(Port::FreeRtos.prompt())
    }

    /// Whether the monitor waits for a command.
    pub fn monitor_waits(&self) -> bool {
        self.monitor.ends_with(Port::Monitor.prompt()) || (self.answers > 0 && self.monitor.is_empty())
    }
}

/// `status periods=N missed=M jitter min=A mean=B max=C recent=D`
fn status(line: &str) -> Option<Status> {
    let cells = line.strip_prefix("status ")?;
    let value = |key: &str| cells.split(' ').find_map(|cell| cell.strip_prefix(key)?.strip_prefix('=')?.parse().ok());
    Some(Status {
        periods: value("periods")?,
        missed: value("missed")?,
        minimum: value("min")?,
        mean: value("mean")?,
        maximum: value("max")?,
        recent: value("recent")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(port: &str, line: &str) -> Vec<u8> {
        format!("\x1b[0;32m{port}\x1b[0m| {line}\r\n").into_bytes()
    }

    #[test]
    fn status_lines_become_numbers_and_leave_the_pane() {
        let mut model = Model::default();
        model.output(1, &said("freertos", "hello"));
        model.output(1, &said("freertos", "rtos> "));
        model.output(2, &said("freertos", "status periods=9 missed=1 jitter min=2 mean=3 max=4 recent=5"));
        let status = Status { periods: 9, missed: 1, minimum: 2, mean: 3, maximum: 4, recent: 5 };
        assert_eq!((model.status, model.recent.make_contiguous()), (Some(status), &mut [5][..]));
        assert_eq!(model.freertos.last(9, 80), ["hello", ""]);
        assert_eq!(model.printed.len(), 2);
    }

    #[test]
    fn plain_lines_have_one_status_a_second() {
        let mut model = Model::default();
        for periods in [900, 1_150, 1_400, 1_650, 1_900, 2_150] {
            let line = format!("status periods={periods} missed=0 jitter min=2 mean=3 max=4 recent=5");
            model.output(1, &said("freertos", &line));
            assert_eq!(model.status.map(|status| status.periods), Some(periods));
        }
        let printed: Vec<&str> = model.printed.iter().filter_map(|printed| printed.line.split(' ').nth(1)).collect();
        assert_eq!(printed, ["periods=900", "periods=1150", "periods=2150"]);
        assert_eq!(model.recent.len(), 6);
    }

    #[test]
    fn the_monitors_answers_stay_out_of_the_panes() {
        let mut model = Model::default();
        let mut answer = |now, kick: u64| {
            model.output(now, &said("monitor", "stats"));
            model.output(now, &said("monitor", "hypervisor kept=1112KiB first-guest-ticks=8 copying-ticks=9"));
            model.output(now, &said("monitor", "vm=freertos ram=0x40000000 physical=0x42000000 size=0x1000000"));
            model.output(now, &said("monitor", &format!("vm=linux  vcpu=0  kick={kick}")));
            model.output(now, b"\x1b[0;32mmonitor\x1b[0m| > \x1b[?z\r\n");
        };
        answer(1000, 4);
        answer(3000, 10);
        assert_eq!(model.rates.exits["linux"], [("kick".to_string(), 3.0)]);
        assert_eq!((model.neighbour, model.facts.kept.as_deref()), (Some(0x4200_0000), Some("1112KiB")));
        assert!(model.monitor_waits() && model.printed.is_empty());
    }
}
