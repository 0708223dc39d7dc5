use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use ::log::Level;

use super::*;
use crate::console::{Kind, Port, Sizes};

/// Types `keys`; returns the lines entered and the echo.
fn edit(keys: &[u8]) -> (Vec<String>, String) {
    let mut editor = LineEditor::default();
    let mut echo = String::new();
    let lines = keys.iter().filter_map(|key| editor.input(*key, &mut echo)).collect();
    (lines, echo)
}

#[test]
fn lines_end_with_a_return_a_line_feed_or_both() {
    assert_eq!(edit(b"a\rb\nc\r\nd\n\n").0, ["a", "b", "c", "d", ""]);
}

#[test]
fn a_line_can_be_edited() {
    assert_eq!(edit(b"vm lixt\x7f\x08st\r"), (vec!["vm list".to_string()], "vm lixt\x08 \x08\x08 \x08st\n".into()));
    assert_eq!(edit(b"nonsense\x15log\r").0, ["log"]);
    assert_eq!(edit(b"vm stop  \x17list\r").0, ["vm list"]);
    assert_eq!(edit(b"\x7f\x17\x15x\r"), (vec!["x".to_string()], "x\n".into()));
    assert_eq!(edit(b"vm\x03log\r"), (vec!["log".to_string()], "vm^C\n> log\n".into()));
}

#[test]
fn strange_keys_and_endless_lines_ring_the_bell() {
    assert_eq!(edit(b"a\x01\xffb\r"), (vec!["ab".to_string()], "a\x07\x07b\n".into()));
    let (lines, echo) = edit(&[vec![b'x'; 250], b"\r".to_vec()].concat());
    assert_eq!(lines[0].len(), 200);
    assert_eq!(echo.matches('\x07').count(), 50);
}

#[test]
fn arrow_keys_bring_lines_back() {
    assert_eq!(edit(b"one\rtwo\r\r\x1b[A\x1b[A\r").0, ["one", "two", "", "one"]);
    assert_eq!(edit(b"one\rtwo\r\x1b[A\x1b[A\x1b[B\r").0[2], "two");
    assert_eq!(edit(b"one\rx\x1b[A\x1b[By\r").0[1], "y");
    assert_eq!(edit(b"\x1b[Aa\x1b[1;5Cb\x1bOc\r").0, ["abc"]);
    let many: Vec<u8> = (0..20).flat_map(|number| format!("{number}\r").into_bytes()).collect();
    assert_eq!(edit(&[many, b"\x1b[A".repeat(30), b"\r".to_vec()].concat()).0.last().unwrap(), "12");
}

/// What `line` is as a command, and what is said if it is none.
fn parse(line: &str) -> (Option<Command<'_>>, String) {
    let mut answer = String::new();
    (Command::parse(line, &mut answer), answer)
}

#[test]
fn every_command_is_read() {
    let cases = [
        ("help", Verb::Help, ["", ""]),
        ("help vm", Verb::Help, ["vm", ""]),
        ("vm list", Verb::VmList, ["", ""]),
        (" vm  stop linux ", Verb::VmStop, ["linux", ""]),
        ("vm start linux", Verb::VmStart, ["linux", ""]),
        ("vm restart linux", Verb::VmRestart, ["linux", ""]),
        ("vm info linux", Verb::VmInfo, ["linux", ""]),
        ("vm move freertos 3", Verb::VmMove, ["freertos", "3"]),
        ("focus linux", Verb::Focus, ["linux", ""]),
        ("stats", Verb::Stats, ["", ""]),
        ("stats linux", Verb::Stats, ["linux", ""]),
        ("watch on", Verb::WatchOn, ["", ""]),
        ("watch off", Verb::WatchOff, ["", ""]),
        ("log", Verb::Log, ["", ""]),
        ("log 20", Verb::Log, ["20", ""]),
        ("poweroff", Verb::PowerOff, ["", ""]),
    ];
    for (line, verb, arguments) in cases {
        assert_eq!(parse(line), (Some(Command { verb, arguments }), String::new()), "{line}");
    }
}

#[test]
fn what_is_not_a_command_is_told_what_is() {
    let cases = [
        ("ls -l", "no command \"ls\": see help\n"),
        ("VM list", "no command \"VM\": see help\n"),
        ("log 1 2", "log [N]            the newest N records of the hypervisor's log\n"),
        ("focus", "focus NAME         let the keys go to a guest\n"),
        ("stats a b", "stats [NAME]       exits by cause, wake-ups and time asleep\n"),
        ("poweroff now", "poweroff           stop every guest and switch the machine off\n"),
        ("", ""),
        ("  ", ""),
    ];
    for (line, answer) in cases {
        assert_eq!(parse(line), (None, answer.into()), "{line}");
    }
    for line in ["vm", "vm kill linux", "vm list all", "vm stop", "vm move linux", "vm move linux 2 3"] {
        let (command, answer) = parse(line);
        assert_eq!((command, answer.lines().count()), (None, 6), "{line}");
        assert!(answer.lines().all(|form| form.starts_with("vm ")), "{line}");
    }
}

#[test]
fn help_tells_every_form() {
    let mut all = String::new();
    help("", &mut all);
    assert_eq!(all.lines().count(), 13);
    assert!(all.lines().all(|line| line.len() <= 100));
}

#[test]
fn cells_stand_below_each_other_in_lines_that_repeat_what_they_are_about() {
    let mut text = String::from("before\n");
    Table::write(&mut text, &mut |table| {
        for (name, long) in [("linux", 123_456), ("freertos", 7)] {
            table.row(format_args!("vm={name}"));
            table.number("a", long);
            table.cell(format_args!("state={}", "x".repeat(60)));
            table.number("first", 1);
            table.number("second", long);
            table.number("third", 3);
        }
    });
    let state = format!("state={}", "x".repeat(60));
    assert_eq!(
        text,
        format!(
            "before\n\
             vm=linux     a=123456  {state}  first=1\n\
             vm=linux     second=123456  third=3\n\
             vm=freertos  a=7       {state}  first=1\n\
             vm=freertos  second=7       third=3\n"
        )
    );
    assert!(text.lines().all(|line| line.len() <= 100));
}

#[test]
fn a_table_without_rows_is_nothing() {
    let mut text = String::from("before\n");
    Table::write(&mut text, &mut |_| {});
    assert_eq!(text, "before\n");
}

#[test]
fn a_record_is_a_line() {
    assert_eq!(log_line(Level::Warn, 180_003, format_args!("linux: stopped")), "[  180.003] warn: linux: stopped");
}

#[test]
fn the_log_keeps_its_newest_records() {
    let mut log = LogRing::new(150);
    for number in 0..5 {
        log.push(format!("record number {number}"));
    }
    assert_eq!((log.len(), log.dropped()), (3, 2));
    assert_eq!(log.last(2), ["record number 3", "record number 4"]);
    assert_eq!(log.last(usize::MAX).len(), 3);
    log.push("x".repeat(500));
    assert!(log.is_empty() && log.dropped() == 6);
    log.push("small".to_string());
    assert_eq!(log.last(9), ["small"]);
}

/// Types `keys` into the monitor's port; returns the lines and what was printed. Each is answered by `answer`.
fn converse(transmit: usize, keys: &[u8], answer: &str) -> (Vec<String>, String) {
    let mut port = Port::new("monitor", Kind::Monitor, Sizes { transmit, ..Sizes::default() });
    let mut monitor = Monitor::default();
    let (mut lines, mut printed) = (Vec::new(), Vec::new());
    for key in keys {
        port.push_input(*key);
        loop {
            if let Some(line) = monitor.serve(&mut port) {
                lines.push(line);
                monitor.output().push_str(answer);
                monitor.prompt();
                continue;
            }
            let before = printed.len();
            printed.extend(core::iter::from_fn(|| port.take_printed()));
            if printed.len() == before {
                break;
            }
        }
    }
    (lines, String::from_utf8(printed).unwrap())
}

#[test]
fn the_monitor_answers_each_line_and_prompts_again() {
    let (lines, printed) = converse(4096, b"stats\r\rlog 1\r", "an answer\n");
    assert_eq!(lines, ["stats", "", "log 1"]);
    assert_eq!(printed, "> stats\nan answer\n> \nan answer\n> log 1\nan answer\n> ");
}

#[test]
fn an_answer_longer_than_the_queue_is_printed_whole() {
    let answer = "0123456789\n".repeat(100);
    let (_, printed) = converse(64, b"stats\r", &answer);
    assert_eq!(printed, format!("> stats\n{answer}> "));
}

#[test]
fn what_is_typed_ahead_waits_for_the_answer() {
    let mut port = Port::new("monitor", Kind::Monitor, Sizes::default());
    let mut monitor = Monitor::default();
    b"stats\rlog\r".iter().for_each(|key| assert!(port.push_input(*key)));
    assert_eq!(monitor.serve(&mut port).as_deref(), Some("stats"));
    monitor.output().push_str("an answer\n");
    monitor.prompt();
    assert_eq!(monitor.serve(&mut port).as_deref(), Some("log"));
    assert_eq!(monitor.serve(&mut port), None);
    let printed: Vec<u8> = core::iter::from_fn(|| port.take_printed()).collect();
    assert_eq!(printed, b"> stats\nan answer\n> log\n");
}
