//! What went over the board's UART, and when in the machine's own time, from QEMU's trace.
//!
//! The trace has events in their order but not their time. A guest that is woken every [`Wire::new`]'s `period` tells it: it
//! arms its virtual timer for `due + period` once `due` has passed, and QEMU traces the deadline in ticks of the
//! physical counter (`arm_gt_recalc`) for as long as it is to come. So at any such event the time is less than the
//! deadline and at least the deadline less a period, and what happens between two events lies between those bounds.
//! No other guest may use its virtual timer.

use std::collections::HashMap;

use bulkhead_vmm::console::{Source, Splitter};

/// The events that this reads, as QEMU's `-d` takes them.
pub const EVENTS: &str = "trace:pl011_fifo_rx_put,trace:pl011_write,trace:arm_gt_recalc";

/// A typed line's way: in over the wire, through a guest, and its answer's last byte out over the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The line, without its carriage return.
    pub line: String,
    /// Ticks of the counter from the arrival of its first byte until the answer was out: at most these.
    pub ticks: u64,
}

/// Reads a trace, event by event.
pub struct Wire {
    /// The port whose answers are looked for.
    port: String,
    /// Ticks from one deadline of the telling guest to the next.
    period: u64,
    splitter: Splitter,
    /// The time is at least this.
    now: u64,
    typed: Vec<u8>,
    /// When what is being typed began.
    began: u64,
    /// Lines by when they began.
    asked: HashMap<String, u64>,
    printed: Vec<u8>,
    /// Answers that are out, but not yet bounded.
    open: Vec<(String, u64)>,
    answers: Vec<Answer>,
}

impl Wire {
    /// For lines that the guest behind `port` answers by `echo: LINE ticks=...`.
    pub fn new(port: &str, period: u64) -> Self {
        Self {
            port: port.into(),
            period,
            splitter: Splitter::default(),
            now: 0,
            typed: Vec::new(),
            began: 0,
            asked: HashMap::new(),
            printed: Vec::new(),
            open: Vec::new(),
            answers: Vec::new(),
        }
    }

    /// The next line of the trace; events that tell nothing here are passed over.
    pub fn event(&mut self, event: &str) {
        if let Some(deadline) = event.strip_prefix("arm_gt_recalc gt recalc: timer 1 next tick ") {
            hexadecimal(deadline).into_iter().filter(|deadline| *deadline != u64::MAX).for_each(|it| self.time(it));
        } else if let Some(rest) = event.strip_prefix("pl011_fifo_rx_put RX FIFO push char [") {
            rest.split(']').next().and_then(hexadecimal).into_iter().for_each(|byte| self.arrived(byte as u8));
        } else if let Some(rest) = event.strip_prefix("pl011_write addr 0x000 value ") {
            rest.split(' ').next().and_then(hexadecimal).into_iter().for_each(|byte| self.left(byte as u8));
        }
    }

    /// The answers whose time is bounded.
    pub fn answers(self) -> Vec<Answer> {
        self.answers
    }

    fn time(&mut self, deadline: u64) {
        let answers = self.open.drain(..).map(|(line, began)| Answer { line, ticks: deadline.saturating_sub(began) });
        self.answers.extend(answers);
        self.now = self.now.max(deadline.saturating_sub(self.period));
    }

    fn arrived(&mut self, byte: u8) {
        if self.typed.is_empty() {
            self.began = self.now;
        }
        if byte == b'\r' {
            let line = String::from_utf8_lossy(&self.typed).into_owned();
            self.asked.insert(line, self.began);
            self.typed.clear();
        } else {
            self.typed.push(byte);
        }
    }

    fn left(&mut self, byte: u8) {
        let (port, printed) = (&self.port, &mut self.printed);
        self.splitter.push(&[byte], &mut |piece| {
            if piece.source == Source::Output && piece.port == port {
                printed.extend_from_slice(piece.bytes);
            }
        });
        if self.printed.ends_with(b"\n") {
            let line = String::from_utf8_lossy(&std::mem::take(&mut self.printed)).into_owned();
            let asked = line.strip_prefix("echo: ").and_then(|rest| rest.split(" ticks=").next());
            if let Some((line, began)) = asked.and_then(|asked| self.asked.remove_entry(asked)) {
                self.open.push((line, began));
            }
        }
    }
}

fn hexadecimal(text: &str) -> Option<u64> {
    u64::from_str_radix(text.strip_prefix("0x")?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transmit(wire: &mut Wire, text: &str) {
        text.bytes().for_each(|byte| wire.event(&format!("pl011_write addr 0x000 value {byte:#010x} reg DR")));
    }

    #[test]
    fn an_answer_is_bounded_by_the_deadlines_around_it() {
        let mut wire = Wire::new("echo", 100);
        wire.event("arm_gt_recalc gt recalc: timer 1 next tick 0x1f4");
        wire.event("arm_gt_recalc gt recalc: timer 2 next tick 0x9999");
        wire.event("arm_gt_recalc gt recalc: timer 1 next tick 0xffffffffffffffff");
        for byte in *b"hi\r" {
            wire.event(&format!("pl011_fifo_rx_put RX FIFO push char [{byte:#04x}] 1/16 depth used"));
        }
        transmit(&mut wire, "\x1b[32mecho \x1b[0m| echo: hi ti");
        wire.event("arm_gt_recalc gt recalc: timer 1 next tick 0x258");
        transmit(&mut wire, "cks=7\r\n");
        wire.event("arm_gt_recalc gt recalc: timer 1 next tick 0x2bc");
        assert_eq!(wire.answers(), [Answer { line: "hi".into(), ticks: 700 - 400 }]);
    }
}
