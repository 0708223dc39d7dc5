//! What is printed when.

use alloc::string::String;
use alloc::vec::Vec;

use super::*;

#[test]
fn a_line_has_its_ports_coloured_name_before_it() {
    let mut wire = Wire::new(Sizes::default());
    wire.print(LINUX, "hello\r\nthere\n");
    wire.shown();
    let expected = "\x1b[0;36mlinux     \x1b[0m| hello\r\n\x1b[0;36mlinux     \x1b[0m| there\r\n";
    assert_eq!(String::from_utf8(wire.bytes).unwrap(), expected);
}

#[test]
fn whole_lines_go_by_turns() {
    let mut wire = Wire::new(Sizes::default());
    wire.print(LINUX, "a\nb\nc\n");
    wire.print(RTOS, "x\ny\n");
    wire.print(LOG, "1\n");
    assert_eq!(wire.shown(), "linux     | a/freertos  | x/hypervisor| 1/linux     | b/freertos  | y/linux     | c/");
}

#[test]
fn a_prompt_in_focus_is_shown_at_once_and_another_when_it_has_rested() {
    let mut wire = Wire::new(Sizes::default());
    wire.print(LINUX, "# ");
    wire.print(RTOS, "> ");
    assert_eq!(wire.shown(), "linux     | # ");
    assert_eq!(wire.multiplexer.deadline(), Some(50));
    wire.now = 49;
    assert_eq!(wire.shown(), "");
    wire.now = 50;
    assert_eq!(wire.shown(), "~/freertos  | > ");
    assert_eq!(wire.multiplexer.deadline(), None);
    wire.print(LINUX, "ls\n");
    wire.print(RTOS, "tasks\n");
    assert_eq!(wire.shown(), "~/linux     : ls/freertos  : tasks/");
    assert_eq!(split(&wire.bytes)["linux"], b"# ls\n");
    assert_eq!(split(&wire.bytes)["freertos"], b"> tasks\n");
}

#[test]
fn a_line_without_end_gives_way_after_256_bytes() {
    let mut wire = Wire::new(Sizes::default());
    wire.multiplexer.focus(MONITOR);
    wire.shown();
    wire.print(LINUX, &"a".repeat(1000));
    assert!(!wire.shown().contains('~'), "nobody else has anything to print");
    wire.print(LINUX, &"a".repeat(1000));
    wire.print(RTOS, "x\ny\n");
    let shown = wire.shown();
    let lines: Vec<&str> = shown.split('/').collect();
    assert!(lines[0].len() <= 257 && lines[1] == "freertos  | x" && lines[3] == "freertos  | y", "{shown}");
}

#[test]
fn a_flood_takes_every_other_turn_at_most() {
    let mut wire = Wire::new(Sizes::default());
    wire.multiplexer.focus(MONITOR);
    wire.shown();
    let mut shown = String::new();
    for line in 0..100 {
        while wire.ports[LINUX].lock().push(b"flood\n"[line % 6]) {}
        if line == 50 {
            wire.print(RTOS, "1\n2\n3\n");
        }
        wire.pull(40);
    }
    shown.push_str(&plain(&wire.bytes));
    let first = shown.find("freertos  | 1").unwrap();
    let third = shown.find("freertos  | 3").unwrap();
    assert!(third - first < 3 * 270, "{}", third - first);
}

#[test]
fn the_housekeeping_core_is_woken_only_for_what_it_would_miss() {
    let mut wire = Wire::new(Sizes::default());
    let notices = |wire: &mut Wire, port: usize, text: &str| {
        wire.print(port, text);
        wire.ports[port].lock().take_notice()
    };
    wire.shown();
    assert!(notices(&mut wire, RTOS, "a"));
    assert!(!notices(&mut wire, RTOS, "b\n"), "it is on its way");
    wire.shown();
    assert!(notices(&mut wire, RTOS, "a"));
    wire.shown();
    assert!(!notices(&mut wire, RTOS, "b"), "the deadline is enough");
    assert!(notices(&mut wire, RTOS, "\n"));
}

#[test]
fn whoever_waits_for_room_is_named_when_it_is_there() {
    let mut wire = Wire::new(Sizes { transmit: 64, ..Sizes::default() });
    let mut serial = Serial::new(crate::device::pl011::Pl011::new());
    let port = &wire.ports[LINUX];
    serial.access(0x2c, 4, Some(0x70), port);
    serial.access(0x38, 4, Some(1 << 5), port);
    while serial.access(0x18, 4, None, port).0 & 1 << 5 == 0 {
        serial.access(0, 4, Some(0x2e), port);
    }
    assert!(!serial.uart().interrupt() && !serial.has_changed_line());
    wire.shown();
    let freed = wire.multiplexer.take_freed();
    assert!(freed.contains(LINUX) && !freed.contains(RTOS));
    serial.refresh(&mut wire.ports[LINUX].lock());
    assert!(serial.has_changed_line() && serial.tell_line());
    assert!(!serial.has_changed_line() && serial.uart().lost() == 0);
    assert_eq!(split(&wire.bytes)["linux"].len(), 64);
}

#[test]
fn a_log_loses_its_oldest_lines_and_says_so() {
    let mut wire = Wire::new(Sizes { transmit: 16, ..Sizes::default() });
    wire.print(LOG, "first\nsecond\nthird\nfourth\n");
    assert_eq!(wire.shown(), "hypervisor! 13 bytes were lost here/hypervisor| third/hypervisor| fourth/");
    assert_eq!(wire.ports[LOG].lock().counters().dropped, 13);
}

#[test]
fn a_guests_full_queue_refuses_and_keeps_what_it_has() {
    let mut wire = Wire::new(Sizes { transmit: 4, ..Sizes::default() });
    wire.print(LINUX, "abcd");
    assert!(!wire.ports[LINUX].lock().push(b'e'));
    wire.shown();
    assert_eq!(split(&wire.bytes)["linux"], b"abcd");
}

#[test]
fn a_line_that_is_open_is_continued_at_once() {
    let mut wire = Wire::new(Sizes::default());
    wire.print(RTOS, "> ");
    wire.shown();
    wire.now = 50;
    assert_eq!(wire.shown(), "freertos  | > ");
    wire.print(RTOS, "t");
    assert_eq!(wire.shown(), "t");
}

#[test]
fn a_part_of_a_line_rests_from_when_it_was_seen() {
    let mut wire = Wire::new(Sizes::default());
    wire.now = 1000;
    wire.print(RTOS, "> ");
    assert_eq!(wire.shown(), "");
    assert_eq!(wire.multiplexer.deadline(), Some(1050));
    wire.print(LINUX, &"\n".repeat(10));
    assert_eq!(wire.pull(20), 20);
    assert_eq!(wire.multiplexer.deadline(), None, "there is more to pull at once");
    wire.now = 1040;
    wire.print(RTOS, ">");
    wire.shown();
    assert_eq!(wire.multiplexer.deadline(), Some(1090), "it did not rest");
}

#[test]
fn a_full_queue_is_not_waited_for() {
    let mut wire = Wire::new(Sizes { transmit: 8, ..Sizes::default() });
    wire.print(RTOS, "12345678");
    assert_eq!(wire.shown(), "freertos  | 12345678");
}

#[test]
fn nobody_is_woken_while_the_wire_is_busy() {
    let mut wire = Wire::new(Sizes::default());
    wire.print(RTOS, "a line\n");
    assert!(wire.ports[RTOS].lock().take_notice());
    wire.pull(5);
    wire.print(RTOS, "b\n");
    assert!(!wire.ports[RTOS].lock().take_notice());
    wire.shown();
    wire.print(RTOS, "c\n");
    assert!(wire.ports[RTOS].lock().take_notice());
}

#[test]
fn a_log_that_loses_part_of_an_open_line_ends_it() {
    let mut wire = Wire::new(Sizes { transmit: 16, ..Sizes::default() });
    wire.print(LOG, "part\x1b");
    wire.shown();
    wire.now = 50;
    assert_eq!(wire.shown(), "hypervisor| part");
    wire.print(LOG, "of a line\nnext 15 bytes.\nx");
    assert_eq!(wire.shown(), "/hypervisor! 10 bytes were lost here/hypervisor| next 15 bytes./");
    wire.now = 99;
    assert_eq!(wire.shown(), "", "the rest is a part of a line");
    wire.now = 150;
    assert_eq!(wire.shown(), "hypervisor| x");
}

#[test]
fn room_is_told_once() {
    let mut wire = Wire::new(Sizes { transmit: 16, ..Sizes::default() });
    wire.print(LINUX, "1234567\n");
    wire.ports[LINUX].lock().await_space(Some(16));
    wire.shown();
    assert!(wire.multiplexer.take_freed().contains(LINUX));
    assert!(wire.multiplexer.take_freed().is_empty());
    wire.print(LINUX, "1234567\n");
    wire.shown();
    assert!(wire.multiplexer.take_freed().is_empty());
}

#[test]
fn nobody_is_woken_while_a_part_that_has_rested_goes_out() {
    let mut wire = Wire::new(Sizes::default());
    wire.print(RTOS, "> ");
    wire.shown();
    wire.now = 50;
    wire.pull(3);
    wire.print(RTOS, "\n");
    assert!(!wire.ports[RTOS].lock().take_notice());
}

#[test]
fn a_part_of_a_line_that_grows_long_wakes_the_housekeeping_core() {
    let mut wire = Wire::new(Sizes::default());
    wire.print(RTOS, "a");
    wire.shown();
    wire.print(RTOS, &"a".repeat(254));
    assert!(!wire.ports[RTOS].lock().take_notice());
    wire.print(RTOS, "a");
    assert!(wire.ports[RTOS].lock().take_notice());
}
