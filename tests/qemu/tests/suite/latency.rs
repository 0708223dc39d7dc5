//! From a byte's arrival at the board's UART to the end of its answer there, in the machine's own time, while two guests flood
//! the console.

use std::time::Duration;

use bulkhead_qemu::board::GICS;
use bulkhead_qemu::wire::Wire;
use bulkhead_qemu::{Board, Boot, Configuration, Session, Suite, Vm};

use crate::judge;

/// Ticks per second of the board's counter.
const FREQUENCY: u64 = 62_500_000;
/// Ticks that an answer may take: 10 ms.
const LIMIT: u64 = FREQUENCY / 100;
/// Answers without which the flood was no flood.
const FEWEST: usize = 20;
/// Answers whose time may be unknown: one may be out when the clock has ended.
const UNTIMED: usize = 1;
/// Limit in wall time where the whole flood passes before the text that is waited for.
const PATIENCE: Duration = Duration::from_secs(2400);

pub fn register(suite: &mut Suite) {
    let lines = suite.steps(20_000, 100_000);
    let boards = GICS.map(|gic| Board::virt(gic).cores(5).instruction_count().traced());
    suite.on_each("consoles_in_time", &boot(lines), boards, move |session| in_time(session, lines));
}

/// Beside the three, a guest that is woken every millisecond: by it the trace tells the time.
fn boot(count: u64) -> Boot {
    let printer = |name: &str| Vm::new(name, "lines").bootargs(&format!("count={count} tag={name}"));
    let vms = [Vm::new("echo", "echo"), Vm::new("clock", "victim").bootargs("say=100000000")];
    let vms = vms.into_iter().chain(["first", "second"].map(printer));
    Boot::packed(vms.fold(Configuration::new(), Configuration::vm))
}

fn in_time(session: &mut Session, count: u64) {
    let asked = ask_all_along(session);
    for name in ["first", "second"] {
        let text = session.port(name).text();
        judge::all_lines(&text, name, count).unwrap_or_else(|wrong| panic!("{name}: {wrong}"));
    }
    session.send("quit\r").focus('2').send("q").end();
    let mut wire = Wire::new("echo", FREQUENCY / 1000);
    session.each_event(|event| wire.event(event));
    let mut answers = wire.answers();
    answers.retain(|answer| answer.line.starts_with(PREFIX));
    assert!(answers.len() >= FEWEST && answers.len() + UNTIMED >= asked, "{} answers to {asked}", answers.len());
    let worst = answers.iter().max_by_key(|answer| answer.ticks).expect("there are some");
    assert!(worst.ticks <= LIMIT, "{worst:?}, the slowest of {}; expected at most {LIMIT} ticks", answers.len());
}

/// What the lines that are judged begin with.
const PREFIX: &str = "line-";

/// Types a line as soon as the one before is answered, until both floods have passed; how many.
fn ask_all_along(session: &mut Session) -> usize {
    session.limit(PATIENCE).port("echo").expect("echo: ready");
    session.port("clock").expect("victim: ");
    // The keys that move the focus are no line, and end where one would begin.
    session.focus('1').send("\r");
    let mut asked = 0;
    while ["first", "second"].into_iter().any(|name| !session.port(name).text().contains(" printed")) {
        let line = format!("{PREFIX}{asked}.{:x}", session.seed());
        session.send(&format!("{line}\r")).port("echo").expect(&format!("echo: {line} ticks="));
        asked += 1;
    }
    asked
}
