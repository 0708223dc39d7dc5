//! What is typed.

use alloc::vec::Vec;

use super::*;

#[test]
fn keys_reach_the_port_in_focus_and_no_other() {
    let mut wire = Wire::new(Sizes::default());
    assert_eq!(
        wire.type_keys(b"l\x1d2r\x1d0m\x1d\x1d\x1dn1"),
        [
            InputAction::Delivered(LINUX),
            InputAction::Escaped,
            InputAction::Focused(RTOS),
            InputAction::Delivered(RTOS),
            InputAction::Escaped,
            InputAction::Focused(MONITOR),
            InputAction::Delivered(MONITOR),
            InputAction::Escaped,
            InputAction::Delivered(MONITOR),
            InputAction::Escaped,
            InputAction::Focused(LINUX),
            InputAction::Delivered(LINUX),
        ]
    );
    let typed = |port: usize| {
        let mut port = wire.ports[port].lock();
        core::iter::from_fn(|| port.take_input()).collect::<Vec<u8>>()
    };
    assert_eq!(typed(LINUX), b"l1");
    assert_eq!(typed(RTOS), b"r");
    assert_eq!(typed(MONITOR), b"m\x1d");
}

#[test]
fn without_guests_keys_reach_the_monitor() {
    let port = |name, kind| Mutex::new(Port::new(name, kind, Sizes::default()));
    let ports = [port("hypervisor", Kind::Log), port("monitor", Kind::Monitor)];
    let mut multiplexer = Multiplexer::new(&ports, SETTINGS);
    assert_eq!(multiplexer.input(&ports, b'h'), InputAction::Delivered(1));
}

#[test]
fn an_owner_that_does_not_read_gets_no_more() {
    let mut wire = Wire::new(Sizes { input: 2, ..Sizes::default() });
    let actions = wire.type_keys(b"abc");
    assert_eq!(actions.last(), Some(&InputAction::Refused(LINUX)));
    assert_eq!(wire.ports[LINUX].lock().counters().refused, 1);
}

#[test]
fn a_change_of_focus_shows_the_last_output_again_and_split_drops_it() {
    let mut wire = Wire::new(Sizes { replay: 16, ..Sizes::default() });
    wire.print(RTOS, "too old now\nlast\n> ");
    wire.now = 1;
    wire.shown();
    wire.now = 60;
    wire.shown();
    wire.type_keys(b"\x1d2");
    wire.print(RTOS, "ok\n");
    assert_eq!(
        wire.shown(),
        "~/freertos  ! keys go to freertos, which printed last:/freertos  < last/freertos  < > /\
         freertos  ! keys go to freertos; from here on it is live/freertos  : ok/"
    );
    assert_eq!(split(&wire.bytes)["freertos"], b"too old now\nlast\n> ok\n");
}

#[test]
fn help_names_the_keys() {
    let mut wire = Wire::new(Sizes::default());
    assert_eq!(wire.type_keys(b"\x1d?"), [InputAction::Escaped, InputAction::Answered]);
    assert_eq!(
        wire.shown(),
        "linux     ! after Ctrl-]:  1 linux  2 freertos  m monitor  n next  ? this help  the same key again: sends it/"
    );
    assert_eq!(wire.type_keys(b"\x1d9"), [InputAction::Escaped, InputAction::Answered]);
}

#[test]
fn a_new_focus_ends_the_replay_of_the_last() {
    let mut wire = Wire::new(Sizes::default());
    wire.print(LINUX, &"a line of output\n".repeat(60));
    wire.print(RTOS, "short\n");
    wire.shown();
    wire.type_keys(b"\x1dn\x1d1");
    wire.pull(300);
    wire.type_keys(b"\x1d2");
    let shown = wire.shown();
    assert!(shown.matches("linux     <").count() < 5, "{shown}");
    assert!(shown.ends_with("freertos  < short/freertos  ! keys go to freertos; from here on it is live/"), "{shown}");
    let start = shown.find("/freertos  !").expect("the line of the replay is ended first");
    assert!(!shown[start..].contains("linux"), "{shown}");
}

#[test]
fn keys_pressed_faster_than_the_wire_take_no_memory() {
    let mut wire = Wire::new(Sizes::default());
    wire.type_keys(&b"\x1d?".repeat(1000));
    assert_eq!(wire.shown().matches("! ").count(), 1);
    wire.type_keys(&b"\x1dn".repeat(1000));
    assert_eq!(wire.shown(), "freertos  ! keys go to freertos/");
}
