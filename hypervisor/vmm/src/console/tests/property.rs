//! The splitter undoes what the multiplexer does.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::*;

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
