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
    let mut echo = Vec::new();
    let lines = keys.iter().filter_map(|key| editor.input(*key, &mut |byte| echo.push(byte))).collect();
    (lines, String::from_utf8(echo).unwrap())
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
    assert_eq!(edit(b"one\rtwo\rtwo\r\x1b[A\x1b[A\r").0, ["one", "two", "two", "one"]);
    assert_eq!(edit(b"one\rtwo\r\x1b[A\x1b[A\x1b[B\r").0[2], "two");
    assert_eq!(edit(b"one\rx\x1b[A\x1b[By\r").0[1], "y");
    assert_eq!(edit(b"\x1b[Aa\x1b[1;5Cb\x1bOc\r").0, ["abc"]);
    let many: Vec<u8> = (0..20).flat_map(|number| format!("{number}\r").into_bytes()).collect();
    assert_eq!(edit(&[many, b"\x1b[A".repeat(30), b"\r".to_vec()].concat()).0.last().unwrap(), "12");
}

#[test]
fn every_command_is_read() {
    let cases = [
        ("help", Command::Help(None)),
        ("help vm", Command::Help(Some("vm".into()))),
        ("vm list", Command::VmList),
        (" vm  stop linux ", Command::VmStop("linux".into())),
        ("vm start linux", Command::VmStart("linux".into())),
        ("vm restart linux", Command::VmRestart("linux".into())),
        ("vm info linux", Command::VmInfo("linux".into())),
        ("vm move freertos 3", Command::VmMove { name: "freertos".into(), core: 3 }),
        ("focus linux", Command::Focus("linux".into())),
        ("stats", Command::Stats(None)),
        ("stats linux", Command::Stats(Some("linux".into()))),
        ("log", Command::Log(None)),
        ("log 20", Command::Log(Some(20))),
        ("poweroff", Command::PowerOff),
    ];
    for (line, command) in cases {
        assert_eq!(Command::parse(line), Ok(command), "{line}");
    }
}

#[test]
fn what_is_not_a_command_is_told_what_is() {
    let cases = [
        ("", "type a command, such as help"),
        ("ls -l", "no command \"ls\"; there are: help, vm, focus, stats, log, poweroff"),
        ("vm", "vm needs one of: list, info, start, stop, restart, move"),
        ("vm kill linux", "vm needs one of: list, info, start, stop, restart, move"),
        ("vm list all", "usage: vm list"),
        ("vm stop", "usage: vm stop NAME"),
        ("vm move linux", "usage: vm move NAME CORE"),
        ("vm move linux two", "usage: vm move NAME CORE"),
        ("vm move linux -1", "usage: vm move NAME CORE"),
        ("log many", "usage: log [N]"),
        ("stats a b", "usage: stats [NAME]"),
        ("poweroff now", "usage: poweroff"),
    ];
    for (line, message) in cases {
        assert_eq!(Command::parse(line), Err(message.into()), "{line}");
    }
}

#[test]
fn help_tells_every_form_or_those_of_one_command() {
    let all = help(None).unwrap();
    assert_eq!(all.lines().count(), 11);
    assert!(all.lines().all(|line| line.len() <= 100));
    assert_eq!(help(Some("log")).unwrap(), "log [N]  the newest N records of the hypervisor's log\n");
    assert_eq!(help(Some("vm")).unwrap().lines().count(), 6);
    assert!(help(Some("ls")).unwrap_err().starts_with("no command \"ls\"; there are: help"));
}

fn vms() -> [VmView; 2] {
    let vcpu = |core, timer, hvc| VcpuView {
        core: Some(core),
        state: "running",
        exits: vec![("timer", timer), ("sgi", 5), ("hvc", hvc), ("data-abort", 3), ("system-register", 0)],
        asleep_ticks: 985,
        total_ticks: 1000,
    };
    let linux = VmView {
        name: "linux".into(),
        state: "running",
        vcpus: vec![vcpu(0, 1000, 12), vcpu(1, 990, 0)],
        memory: 256 << 20,
        stage2_faults: 3,
        restarts: 0,
        timer_expiries: 1990,
        sgis: 10,
    };
    let stopped = VcpuView { state: "off", ..VcpuView::default() };
    let freertos =
        VmView { name: "freertos".into(), state: "stopped", vcpus: vec![stopped], memory: 4096, ..VmView::default() };
    [linux, freertos]
}

#[test]
fn guests_are_listed_in_columns() {
    assert_eq!(
        answer::vm_list(&vms()),
        "vm=linux     state=running  vcpus=2  cores=0,1   memory=256MiB  restarts=0\n\
         vm=freertos  state=stopped  vcpus=1  cores=none  memory=4KiB    restarts=0\n"
    );
    assert_eq!(answer::vm_list(&[]), "no guests\n");
}

#[test]
fn a_guest_is_told_with_its_vcpus() {
    assert_eq!(
        answer::vm_info(&vms()[0]),
        "vm=linux  state=running  vcpus=2  cores=0,1  memory=256MiB  restarts=0  stage2-faults=3\n\
         vm=linux  vcpu=0  state=running  core=0  exits=1020  asleep=98.5%\n\
         vm=linux  vcpu=1  state=running  core=1  exits=998   asleep=98.5%\n"
    );
}

#[test]
fn statistics_are_of_cores_guests_and_causes() {
    let core = CoreView { index: 0, vm: Some("linux".into()), wake_ups: 7, asleep_ticks: 1, total_ticks: 3 };
    let idle = CoreView { index: 3, ..CoreView::default() };
    assert_eq!(
        answer::stats(&[core, idle], &vms()),
        "core=0  vm=linux  wake-ups=7  asleep=33.3%  asleep-ticks=1  total-ticks=3\n\
         core=3  vm=none   wake-ups=0  asleep=0.0%   asleep-ticks=0  total-ticks=0\n\
         vm=linux     exits=2018  timer-expiries=1990  sgis=10  other-exits=18  stage2-faults=3  restarts=0\n\
         vm=freertos  exits=0     timer-expiries=0     sgis=0   other-exits=0   stage2-faults=0  restarts=0\n\
         vm=linux     vcpu=0  core=0     asleep=98.5%  asleep-ticks=985  timer=1000  sgi=5  hvc=12\n\
         vm=linux     vcpu=0  data-abort=3  system-register=0\n\
         vm=linux     vcpu=1  core=1     asleep=98.5%  asleep-ticks=985  timer=990   sgi=5  hvc=0\n\
         vm=linux     vcpu=1  data-abort=3  system-register=0\n\
         vm=freertos  vcpu=0  core=none  asleep=0.0%   asleep-ticks=0\n"
    );
    assert!(answer::stats(&[], &vms()).lines().all(|line| line.len() <= 100));
}

#[test]
fn a_guest_that_is_not_there_is_told_who_is() {
    assert_eq!(answer::no_such_vm("linus", &vms()), "no guest \"linus\"; there are: linux, freertos\n");
}

fn record(time_ms: u64, text: &str) -> Record {
    Record { level: Level::Warn, time_ms, text: text.into() }
}

#[test]
fn the_log_keeps_its_newest_records() {
    let mut log = LogRing::new(200);
    for time in 0..5 {
        log.push(record(time * 60_001, "linux: data abort"));
    }
    assert_eq!((log.len(), log.dropped()), (3, 2));
    assert_eq!(
        answer::log(&log, Some(2)),
        "records=3  shown=2  dropped=2\n\
         [  180.003] warn: linux: data abort\n\
         [  240.004] warn: linux: data abort\n"
    );
    assert_eq!(answer::log(&log, None).lines().count(), 4);
    log.push(record(0, &"x".repeat(500)));
    assert!(log.is_empty() && log.dropped() == 6);
}

/// Types `keys` into the monitor's port; returns the commands and what was printed. Each command is answered
/// by `answer`.
fn converse(transmit: usize, keys: &[u8], answer: &str) -> (Vec<Command>, String) {
    let mut port = Port::new("monitor", Kind::Monitor, Sizes { transmit, ..Sizes::default() });
    let mut monitor = Monitor::default();
    let (mut commands, mut printed) = (Vec::new(), Vec::new());
    for key in keys {
        port.push_input(*key);
        loop {
            if let Some(command) = monitor.serve(&mut port) {
                commands.push(command);
                monitor.answer(answer);
            }
            let before = printed.len();
            printed.extend(core::iter::from_fn(|| port.take_printed()));
            if printed.len() == before {
                break;
            }
        }
    }
    (commands, String::from_utf8(printed).unwrap())
}

#[test]
fn the_monitor_answers_each_line_and_prompts_again() {
    let (commands, printed) = converse(4096, b"stats\r\rvm\rlog 1\r", "an answer");
    assert_eq!(commands, [Command::Stats(None), Command::Log(Some(1))]);
    assert_eq!(
        printed,
        "> stats\nan answer\n> \n> vm\nvm needs one of: list, info, start, stop, restart, move\n> log 1\nan answer\n> "
    );
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
    assert_eq!(monitor.serve(&mut port), Some(Command::Stats(None)));
    assert_eq!(monitor.serve(&mut port), None);
    monitor.answer("");
    assert_eq!(monitor.serve(&mut port), Some(Command::Log(None)));
}
