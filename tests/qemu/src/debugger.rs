//! A debugger of a board: as much of gdb's remote protocol as it takes to look at what software cannot say of itself
//! (<https://sourceware.org/gdb/current/onlinedocs/gdb.html/Remote-Protocol.html>).

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

use crate::session::LIMIT;

/// Numbers of registers (org.gnu.gdb.aarch64.core).
const SP: u64 = 31;
const PC: u64 = 32;
/// Characters of a description that are read at once: QEMU answers with less than 4 KiB.
const CHUNK: usize = 0x400;

/// A board that stands still while it is looked at. Registers are those of the core that [`Self::core`] chose.
pub struct Debugger {
    stream: UnixStream,
    /// QEMU's description of the system registers.
    description: String,
}

impl Debugger {
    /// Stops the board whose QEMU listens at `socket`. Nobody else can look at it then.
    ///
    /// # Panics
    /// If QEMU does not listen, or does not answer.
    pub(crate) fn attach(socket: &Path) -> Self {
        let stream = UnixStream::connect(socket).unwrap_or_else(|error| panic!("{}: {error}", socket.display()));
        stream.set_read_timeout(Some(LIMIT)).expect("the limit is not 0");
        // QEMU would leave it behind when it is killed. What cannot be removed is in nobody's way.
        let _ = fs::remove_file(socket);
        let mut debugger = Self { stream, description: String::new() };
        assert!(debugger.ask("?").starts_with('T'), "the board does not stand");
        assert_eq!(debugger.ask("Qqemu.PhyMemMode:1"), "OK");
        debugger.description = debugger.describe();
        debugger
    }

    fn describe(&mut self) -> String {
        let mut text = String::new();
        loop {
            let part = self.ask(&format!("qXfer:features:read:system-registers.xml:{:x},{CHUNK:x}", text.len()));
            text += part.get(1..).expect("a letter says whether more follows");
            if part.starts_with('l') {
                return text;
            }
        }
    }

    /// Looks at core `core`, from 0, from here on.
    pub fn core(&mut self, core: u32) -> &mut Self {
        assert_eq!(self.ask(&format!("Hg{:x}", core + 1)), "OK");
        self
    }

    /// The stack pointer in use.
    pub fn sp(&mut self) -> u64 {
        self.register(SP)
    }

    /// The address of the next instruction.
    pub fn pc(&mut self) -> u64 {
        self.register(PC)
    }

    /// Goes on at `address`.
    pub fn set_pc(&mut self, address: u64) {
        assert_eq!(self.ask(&format!("P{PC:x}={:016x}", address.swap_bytes())), "OK");
    }

    /// The system register `name`, such as `SCTLR_EL2`.
    ///
    /// # Panics
    /// If QEMU has none of that name.
    pub fn system(&mut self, name: &str) -> u64 {
        let element = self.description.split("<reg ").find(|element| element.contains(&format!("name=\"{name}\"")));
        let number = element.and_then(|element| element.split("regnum=\"").nth(1)?.split('"').next()?.parse().ok());
        self.register(number.unwrap_or_else(|| panic!("QEMU does not show {name}")))
    }

    /// The 64-bit word at the physical `address`.
    pub fn word(&mut self, address: u64) -> u64 {
        little_endian(&self.ask(&format!("m{address:x},8")))
    }

    /// Lets all cores go on.
    pub fn go(&mut self) {
        self.send("c");
    }

    /// Stops them again.
    pub fn stop(&mut self) {
        self.stream.write_all(&[3]).expect("QEMU listens");
        assert!(self.answer().starts_with('T'), "the board does not stand");
    }

    fn register(&mut self, number: u64) -> u64 {
        little_endian(&self.ask(&format!("p{number:x}")))
    }

    fn ask(&mut self, packet: &str) -> String {
        self.send(packet);
        self.answer()
    }

    fn send(&mut self, packet: &str) {
        self.stream.write_all(framed(packet).as_bytes()).expect("QEMU listens");
    }

    /// The next packet from QEMU, acknowledged; acknowledgements of ours are passed over.
    fn answer(&mut self) -> String {
        while self.byte() != b'$' {}
        let text: Vec<u8> = std::iter::from_fn(|| Some(self.byte()).filter(|byte| *byte != b'#')).collect();
        let text = String::from_utf8(text).expect("QEMU answers in ASCII");
        let sum = String::from_iter([self.byte(), self.byte()].map(char::from));
        assert!(framed(&text).ends_with(&sum), "a damaged answer: {text}");
        self.stream.write_all(b"+").expect("QEMU listens");
        text
    }

    fn byte(&mut self) -> u8 {
        let mut byte = [0];
        self.stream.read_exact(&mut byte).expect("QEMU answers");
        byte[0]
    }
}

fn framed(packet: &str) -> String {
    format!("${packet}#{:02x}", packet.bytes().fold(0, u8::wrapping_add))
}

fn little_endian(answer: &str) -> u64 {
    let number = u64::from_str_radix(answer, 16).ok().filter(|_| answer.len() == 16);
    number.unwrap_or_else(|| panic!("expected a 64-bit word, got {answer:?}")).swap_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_end_with_their_sum_and_words_come_low_byte_first() {
        assert_eq!(framed("OK"), "$OK#9a");
        assert_eq!(little_endian("0102000000000080"), 0x8000_0000_0000_0201);
    }
}
