//! What reaches the terminal, and how it is taken back.

use alloc::string::String;
use alloc::vec::Vec;

use super::*;

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

/// What `output` of the port in focus looks like on the wire behind the prefix.
fn sent(output: &str) -> String {
    let mut wire = Wire::new(Sizes::default());
    wire.print(LINUX, output);
    wire.shown();
    assert_eq!(split(&wire.bytes)["linux"], output.replace("\r\n", "\n").as_bytes());
    plain(&wire.bytes).replace("linux     | ", "")
}

#[test]
fn a_return_goes_back_to_the_prefix_and_is_not_sent_where_it_would_do_nothing() {
    assert_eq!(sent("50%\r100%\r\n"), "50%\r100%/");
    assert_eq!(sent("\r50%\n"), "\x1b[?13z50%/");
    assert_eq!(sent("a\r\r\n"), "a\x1b[?13z/");
    assert_eq!(sent("a\r\r\rb\n"), "a\x1b[?13z\x1b[?13z\rb/");
    assert_eq!(sent("a\r\x1b[A\rb\n"), "a\r\x1b[?27;91;65z\x1b[?13zb/");
}

#[test]
fn the_cursor_stops_at_the_prefix() {
    assert_eq!(sent("a\x08\x08\n"), "a\x08\x1b[?8z/");
    assert_eq!(sent("a\n\x08b\n"), "a/\x1b[?8zb/");
    assert_eq!(sent("\x1b[0D\x1b[D\n"), "\x1b[?27;91;48;68z\x1b[?27;91;68z/");
    assert_eq!(sent("abc\x1b[2D\x1b[2D\n"), "abc\x1b[2D\x1b[?27;91;50;68z/");
    assert_eq!(sent("abc\rd\x08\x08\n"), "abc\rd\x08\x1b[?8z/");
}

#[test]
fn a_continued_line_begins_at_the_prefix_again() {
    let mut wire = Wire::new(Sizes::default());
    wire.print(LINUX, "prompt");
    wire.shown();
    wire.print(RTOS, "line\n");
    wire.shown();
    wire.print(LINUX, "\x08\x08x");
    assert_eq!(wire.shown(), "linux     : \x1b[?8z\x1b[?8zx");
}

#[test]
fn a_sequence_too_long_to_judge_is_concealed() {
    let long = alloc::format!("\x1b[{}m\n", "1;".repeat(40));
    assert!(sent(&long).starts_with("\x1b[?27;91;49;59;"));
    assert!(sent("\x1b[38;2;255;255;255;48;2;255;255;255;1;4m\n").starts_with("\x1b[38;2;"));
}

#[test]
fn a_terminal_that_doubles_returns_does_no_harm() {
    let mut wire = Wire::new(Sizes::default());
    wire.print(LINUX, "a\nb\rc\n");
    wire.shown();
    let doubled = String::from_utf8(wire.bytes).unwrap().replace("\r\n", "\r\r\n");
    assert_eq!(split(doubled.as_bytes())["linux"], b"a\nb\rc\n");
}
