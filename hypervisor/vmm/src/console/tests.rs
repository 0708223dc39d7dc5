//! The multiplexer as its users see it.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use proptest::prelude::*;
use spin::Mutex;

use super::*;

const SETTINGS: Settings = Settings { escape: Settings::DEFAULT_ESCAPE, flush_after: 50 };
const LINUX: usize = 0;
const RTOS: usize = 1;
const MONITOR: usize = 2;
const LOG: usize = 3;

fn ports(sizes: Sizes) -> Vec<Mutex<Port>> {
    let kinds =
        [("linux", Kind::Guest), ("freertos", Kind::Guest), ("monitor", Kind::Monitor), ("hypervisor", Kind::Log)];
    kinds.into_iter().map(|(name, kind)| Mutex::new(Port::new(name, kind, sizes))).collect()
}

/// A machine's consoles, and all that came over its wire.
struct Wire {
    ports: Vec<Mutex<Port>>,
    multiplexer: Multiplexer,
    now: u64,
    bytes: Vec<u8>,
}

impl Wire {
    fn new(sizes: Sizes) -> Self {
        let ports = ports(sizes);
        Self { multiplexer: Multiplexer::new(&ports, SETTINGS), ports, now: 0, bytes: Vec::new() }
    }

    fn print(&self, port: usize, text: &str) {
        assert!(text.bytes().all(|byte| self.ports[port].lock().push(byte)), "no room for {text:?}");
    }

    fn pull(&mut self, room: usize) -> usize {
        let mut out = alloc::vec![0; room];
        let count = self.multiplexer.pull(&self.ports, self.now, &mut out);
        self.bytes.extend_from_slice(&out[..count]);
        count
    }

    /// Pulls all there is, and returns it without colours.
    fn shown(&mut self) -> String {
        let start = self.bytes.len();
        while self.pull(7) == 7 {}
        plain(&self.bytes[start..])
    }

    fn type_keys(&mut self, keys: &[u8]) -> Vec<InputAction> {
        keys.iter().map(|key| self.multiplexer.input(&self.ports, *key)).collect()
    }
}

/// `wire` as text, with the colours left out, `~` for the broken end of a line and `/` for each end.
fn plain(wire: &[u8]) -> String {
    let mut text = String::from_utf8(wire.to_vec()).unwrap();
    for colour in [36, 32, 97, 90] {
        text = text.replace(&alloc::format!("\x1b[0;{colour}m"), "");
    }
    text.replace("\x1b[0m", "").replace("\x1b[?z", "~").replace("\r\n", "/")
}

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
    wire.multiplexer.focus(&wire.ports, MONITOR);
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
    wire.multiplexer.focus(&wire.ports, MONITOR);
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
    let mut uart = crate::device::pl011::Pl011::new();
    uart.write(0x2c, 4, 0x70);
    uart.write(0x38, 4, 1 << 5);
    attach(&mut uart, &mut wire.ports[LINUX].lock());
    while uart.read(0x18, 4) & 1 << 5 == 0 {
        let byte = uart.write(0, 4, 0x2e).unwrap();
        let mut port = wire.ports[LINUX].lock();
        assert!(port.push(byte));
        attach(&mut uart, &mut port);
    }
    assert!(!uart.interrupt());
    wire.shown();
    let freed = wire.multiplexer.take_freed();
    assert!(freed.contains(LINUX) && !freed.contains(RTOS));
    attach(&mut uart, &mut wire.ports[LINUX].lock());
    assert!(uart.interrupt() && uart.lost() == 0);
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
        "linux     ! after Ctrl-]:  1 linux  2 freertos  m monitor  n next  ? this help/\
         linux     ! Ctrl-] twice sends it/"
    );
    assert_eq!(wire.type_keys(b"\x1d9"), [InputAction::Escaped, InputAction::Answered]);
}

#[test]
fn a_guest_cannot_leave_its_line() {
    let forgeries = [
        "\r\x1b[0;32mfreertos  \x1b[0m| forged\n",
        "\x08\x08\x08\x08\x08\x08\x08\x08forged\n",
        "ab\x1b[3Dforged\n",
        "\x1b[A\x1b[Hforged\n",
        "\x1b]0;title\x07\x1b[2J\x1bcforged\n",
        "\u{9b}2J\u{85}forged\n",
        "\x1b[1\nforged\n",
    ];
    for forgery in forgeries {
        let mut wire = Wire::new(Sizes::default());
        wire.print(LINUX, forgery);
        wire.shown();
        assert_eq!(split(&wire.bytes).keys().collect::<Vec<_>>(), ["linux"], "{forgery:?}");
        assert_eq!(split(&wire.bytes)["linux"], forgery.as_bytes(), "{forgery:?}");
        let text = String::from_utf8(wire.bytes).unwrap();
        for harmful in ["\x1b[A", "\x1b[H", "\x1b]", "\x1b[2J", "\x1bc", "\u{9b}", "\u{85}", "| \x08", "\x1b[3D"] {
            assert!(!text.contains(harmful), "{forgery:?} sent {harmful:?}");
        }
        let starts = text.split(['\r', '\n']).filter(|start| !start.is_empty());
        assert!(starts.into_iter().all(|start| start.starts_with("\x1b[0;36mlinux     \x1b[0m")), "{text:?}");
    }
}

#[test]
fn editing_within_the_line_goes_through() {
    let mut wire = Wire::new(Sizes::default());
    let editing = "# l\x08\x1b[Jls\x1b[1D\x1b[K\x1b[01;34mbin\x1b[0m \u{fc}\u{20ac}\t\x07";
    wire.print(LINUX, editing);
    wire.shown();
    assert!(String::from_utf8(wire.bytes.clone()).unwrap().ends_with(editing));
    wire.print(LINUX, "\r50%\r100%\n");
    assert_eq!(wire.shown(), "\rlinux     | 50%\rlinux     | 100%/");
}

#[test]
fn only_the_port_in_focus_asks_the_terminal() {
    let mut wire = Wire::new(Sizes::default());
    wire.print(LINUX, "\x1b[6n\n");
    wire.print(RTOS, "\x1b[6n\n");
    assert_eq!(wire.shown(), "linux     | \x1b[6n/freertos  | \x1b[?27;91;54;110z/");
}

#[test]
fn what_has_no_prefix_is_foreign() {
    let mut pieces = Vec::new();
    let stream = b"U-Boot\r\n\r\n\x1b[0;36mlinux\x1b[0m| a\r\n\x1b[1mboot\r\nx";
    Splitter::default().push(stream, &mut |piece| {
        pieces.push((String::from(piece.port), piece.source, String::from_utf8(piece.bytes.to_vec()).unwrap()));
    });
    let expected = [("", "U-Boot\n\n"), ("linux", "a\n"), ("", "\x1b[1mboot\nx")];
    assert_eq!(pieces.iter().map(|(port, _, text)| (port.as_str(), text.as_str())).collect::<Vec<_>>(), expected);
    assert_eq!(pieces[0].1, Source::Foreign);
}

#[derive(Clone, Debug)]
enum Step {
    Print(usize, Vec<u8>),
    Pull(usize),
    Wait(u64),
    Keys(Vec<u8>),
}

/// Output with much of what matters to the multiplexer: line ends, escapes, prefixes, parts of characters.
fn output() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => "[ -~]{0,40}".prop_map(String::into_bytes),
        3 => Just(b"\n".to_vec()),
        2 => Just(b"\r\n".to_vec()),
        1 => prop::sample::select(vec![
            &b"\r"[..], b"\x1b", b"\x1b[", b"\x1b[2J", b"\x1b[6n", b"\x1b[?z", b"\x1b[?10z", b"\x1b[0m", b"\x08", b"|",
            b"\x1b[0;32mfreertos  \x1b[0m| ", b"\r\n\x1b[0;36mlinux     \x1b[0m: ", b"\xc3", b"\xe2\x82", b"\xf0\x9f",
        ]).prop_map(<[u8]>::to_vec),
        1 => prop::collection::vec(any::<u8>(), 0..8),
        1 => prop::collection::vec(Just(b'='), 200..600),
    ];
    prop::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

fn step() -> impl Strategy<Value = Step> {
    let keys = prop::sample::select(vec![&b"\x1d1"[..], b"\x1d2", b"\x1dm", b"\x1dn", b"\x1d?", b"\x1dq", b"ls\r"]);
    prop_oneof![
        6 => (0..3_usize, output()).prop_map(|(port, bytes)| Step::Print(port, bytes)),
        6 => prop_oneof![1..4_usize, 1..200_usize, 1000..2000_usize].prop_map(Step::Pull),
        2 => (0..80_u64).prop_map(Step::Wait),
        1 => keys.prop_map(|keys| Step::Keys(keys.to_vec())),
    ]
}

/// As the multiplexer hands it on: a line ends with `\n` alone.
fn normal(output: &[u8]) -> Vec<u8> {
    let mut normal = Vec::new();
    for byte in output {
        if *byte == b'\n' && normal.last() == Some(&b'\r') {
            normal.pop();
        }
        normal.push(*byte);
    }
    normal
}

proptest! {
    #[test]
    fn split_gives_back_what_each_port_printed(
        steps in prop::collection::vec(step(), 0..60),
        transmit in prop::sample::select(vec![16_usize, 64, 512, 4096]),
        cuts in prop::collection::vec(1..50_usize, 1..5),
    ) {
        let mut wire = Wire::new(Sizes { transmit, replay: 256, ..Sizes::default() });
        let mut printed: BTreeMap<usize, Vec<u8>> = BTreeMap::new();
        let print = |wire: &Wire, printed: &mut BTreeMap<usize, Vec<u8>>, port: usize, bytes: &[u8]| {
            for byte in bytes {
                if wire.ports[port].lock().push(*byte) {
                    printed.entry(port).or_default().push(*byte);
                }
            }
        };
        for step in steps {
            match step {
                Step::Print(port, bytes) => print(&wire, &mut printed, port, &bytes),
                Step::Pull(room) => { wire.pull(room); }
                Step::Wait(ticks) => wire.now += ticks,
                Step::Keys(keys) => { wire.type_keys(&keys); }
            }
        }
        wire.shown_to_the_end();
        for port in 0..3 {
            print(&wire, &mut printed, port, b".\n");
        }
        wire.shown_to_the_end();

        let mut found: BTreeMap<String, Vec<u8>> = BTreeMap::new();
        let mut splitter = Splitter::default();
        let mut rest = wire.bytes.as_slice();
        for cut in cuts.iter().cycle() {
            let (piece, after) = rest.split_at(rest.len().min(*cut));
            splitter.push(piece, &mut |piece| {
                assert_ne!(piece.source, Source::Foreign);
                if piece.source == Source::Output {
                    found.entry(String::from(piece.port)).or_default().extend_from_slice(piece.bytes);
                }
            });
            rest = after;
            if rest.is_empty() {
                break;
            }
        }
        for (port, name) in ["linux", "freertos", "monitor"].into_iter().enumerate() {
            prop_assert_eq!(&found[name], &normal(&printed[&port]));
        }
        prop_assert_eq!(found, split(&wire.bytes));
    }
}

impl Wire {
    /// Pulls until every port is empty, whatever has to rest.
    fn shown_to_the_end(&mut self) {
        loop {
            while self.pull(64) == 64 {}
            let Some(deadline) = self.multiplexer.deadline() else { break };
            self.now = deadline;
        }
        assert!(self.ports.iter().all(|port| port.lock().queued() == 0));
    }
}
