//! Prints numbered lines of 80 bytes, newline included, as fast as the UART takes them.
//!
//! Bootargs: `count=N` (1000), `tag=X` (`line`). Line n is `X n ` and then letters that follow from n.
#![no_std]
#![no_main]

use core::fmt::Write;

use arrayvec::ArrayString;
use bulkhead_guests::{Machine, console, entry, println};

entry!(main);

/// Bytes of a line before its newline.
const TEXT: usize = 79;

fn main(machine: &'static Machine) {
    let count = machine.arguments.number("count", 1000);
    let tag = machine.arguments.text("tag").unwrap_or("line");
    for number in 0..count {
        line(tag, number).bytes().for_each(console::write_byte);
        console::write_byte(b'\n');
    }
    println!("lines: {count} printed");
}

fn line(tag: &str, number: u64) -> ArrayString<TEXT> {
    let mut line = ArrayString::new();
    write!(line, "{tag} {number:08} ").expect("the tag is short");
    while !line.is_full() {
        line.push(char::from(b'a' + ((number + line.len() as u64) % 26) as u8));
    }
    line
}
