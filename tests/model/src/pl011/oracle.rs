//! A PL011 as its manual tells it (Arm DDI 0183 r1p5), in bytes and lists, with a far end that takes `room`
//! more bytes. Simple before fast; it shares nothing with the real one.

use std::collections::{BTreeMap, VecDeque};

/// Registers that only keep what is written: offset, implemented bits, value after reset.
const PLAIN: [(u64, u32, u32); 8] = [
    (0x20, 0xff, 0),
    (0x24, 0xffff, 0),
    (0x28, 0x3f, 0),
    (0x2c, 0xff, 0),
    (0x30, 0xff87, 0x300),
    (0x34, 0x3f, 0x12),
    (0x38, 0x7ff, 0),
    (0x48, 0x7, 0),
];
const LINE_CONTROL: u64 = 0x2c;
const CONTROL: u64 = 0x30;
const LEVELS: u64 = 0x34;
const MASK: u64 = 0x38;

/// Characters at which each value of a level select field triggers.
const TRIGGERS: [usize; 8] = [4, 8, 16, 24, 28, 16, 16, 16];

const RX: u32 = 0x10;
const TX: u32 = 0x20;
const RT: u32 = 0x40;
const OE: u32 = 0x400;

/// The oracle.
#[derive(Clone, Debug)]
pub struct Oracle {
    plain: BTreeMap<u64, u32>,
    characters: VecDeque<u32>,
    room: usize,
    raised: u32,
    overrun_flag: bool,
    mark_next: bool,
    unseen: bool,
    /// Bytes written to a full FIFO.
    pub lost: u64,
}

impl Oracle {
    /// After reset, with a far end that takes `room` bytes.
    pub fn new(room: usize) -> Self {
        Self {
            plain: PLAIN.iter().map(|(offset, _, value)| (*offset, *value)).collect(),
            characters: VecDeque::new(),
            room,
            raised: 0,
            overrun_flag: false,
            mark_next: false,
            unseen: false,
            lost: 0,
        }
    }

    /// A read of `size` bytes.
    pub fn read(&mut self, offset: u64, size: u8) -> u64 {
        let words = if size == 8 { 2 } else { 1 };
        let first = offset / 4;
        let mut bytes: Vec<u8> =
            (first..first + words).flat_map(|word| self.register(word * 4).to_le_bytes()).collect();
        bytes.resize(16, 0);
        let lanes = &bytes[(offset % 4) as usize..][..size as usize];
        lanes.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte))
    }

    /// A write of the low `size` bytes of `value`; the byte that goes out.
    pub fn write(&mut self, offset: u64, size: u8, value: u64) -> Option<u8> {
        if !offset.is_multiple_of(4) {
            return None;
        }
        let mut bytes = value.to_le_bytes();
        bytes[size as usize..].fill(0);
        let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
        let out = self.set_register(offset, word(0));
        if size == 8 {
            self.set_register(offset + 4, word(4));
        }
        out
    }

    /// A character on the line; whether it was taken.
    pub fn receive(&mut self, byte: u8) -> bool {
        let taken = self.can_receive();
        if taken {
            self.arrive(byte);
        }
        taken
    }

    /// Whether a character on the line would be taken.
    pub fn can_receive(&self) -> bool {
        self.plain[&CONTROL] & 0x280 == 0x200 && self.characters.len() < self.depth()
    }

    /// The far end takes `room` bytes now.
    pub fn set_room(&mut self, room: usize) {
        self.watching(|oracle| oracle.room = room);
    }

    /// The interrupt line.
    pub fn interrupt(&self) -> bool {
        self.raised & self.plain[&MASK] > 0
    }

    fn depth(&self) -> usize {
        if self.plain[&LINE_CONTROL] & 0x10 == 0 { 1 } else { 32 }
    }

    fn empty_places(&self) -> usize {
        self.room.min(self.depth())
    }

    /// Whether the receive FIFO is at its trigger, and whether the transmit FIFO is.
    fn at_triggers(&self) -> (bool, bool) {
        if self.depth() == 1 {
            return (!self.characters.is_empty(), self.room > 0);
        }
        let levels = self.plain[&LEVELS] as usize;
        let (transmit, receive) = (TRIGGERS[levels % 8], TRIGGERS[levels / 8]);
        (self.characters.len() >= receive, 32 - self.empty_places() <= transmit)
    }

    /// Does `what`, and raises or clears the interrupts of FIFOs whose trigger was passed.
    fn watching(&mut self, what: impl FnOnce(&mut Self)) {
        let before = self.at_triggers();
        what(self);
        let after = self.at_triggers();
        for (bit, before, after) in [(RX, before.0, after.0), (TX, before.1, after.1)] {
            if !after {
                self.raised &= !bit;
            } else if !before {
                self.raised |= bit;
            }
        }
    }

    fn arrive(&mut self, byte: u8) {
        let mark = if self.mark_next { 0x800 } else { 0 };
        self.mark_next = false;
        self.watching(|oracle| oracle.characters.push_back(mark | u32::from(byte)));
        self.raised |= RT;
        self.unseen = true;
    }

    /// The timeout for what is still in the receive FIFO, after something was taken out.
    fn time_out(&mut self) {
        if self.characters.is_empty() {
            self.raised &= !RT;
            self.unseen = false;
        } else {
            self.raised |= RT;
        }
    }

    fn register(&mut self, offset: u64) -> u32 {
        match offset {
            0x00 => {
                let Some(character) = self.characters.front().copied() else { return 0 };
                self.watching(|oracle| {
                    oracle.characters.pop_front();
                });
                self.time_out();
                character
            }
            0x04 => u32::from(self.overrun_flag) * 8,
            0x18 => self.flags(),
            0x3c => self.raised,
            0x40 => self.raised & self.plain[&MASK],
            0xfe0..=0xffc => [0x11, 0x10, 0x34, 0, 0x0d, 0xf0, 0x05, 0xb1][(offset as usize - 0xfe0) / 4],
            _ => self.plain.get(&offset).copied().unwrap_or(0),
        }
    }

    fn set_register(&mut self, offset: u64, value: u32) -> Option<u8> {
        match offset {
            0x00 => return self.transmit(value.to_le_bytes()[0]),
            0x04 => self.overrun_flag = false,
            0x44 => {
                let keeps = self.unseen && value & RT > 0;
                self.raised &= !value;
                if keeps {
                    self.raised |= RT;
                    self.unseen = false;
                }
            }
            _ => self.set_plain(offset, value),
        }
        None
    }

    fn set_plain(&mut self, offset: u64, value: u32) {
        let Some((_, implemented, _)) = PLAIN.iter().find(|(plain, ..)| *plain == offset) else { return };
        let (fifos, inputs) = (self.depth() == 32, self.modem_inputs());
        self.watching(|oracle| {
            oracle.plain.insert(offset, value & implemented);
            if fifos && oracle.depth() == 1 {
                oracle.characters.clear();
            }
        });
        if fifos && self.depth() == 1 {
            self.time_out();
        }
        // UARTFR has CTS, DSR, DCD in bits 0 to 2 and RI in bit 8; UARTRIS has RI, CTS, DCD, DSR in bits 0 to 3.
        for (flag, interrupt) in [(0x100, 1), (1, 2), (4, 4), (2, 8)] {
            if (inputs ^ self.modem_inputs()) & flag > 0 {
                self.raised |= interrupt;
            }
        }
    }

    fn transmit(&mut self, byte: u8) -> Option<u8> {
        let control = self.plain[&CONTROL];
        if control & 0x80 > 0 {
            if control & 0x200 > 0 && self.characters.len() == self.depth() {
                (self.overrun_flag, self.mark_next) = (true, true);
                self.raised |= OE;
            } else if control & 0x200 > 0 {
                self.arrive(byte);
            }
        } else if self.room == 0 {
            self.lost += 1;
            return None;
        } else {
            self.watching(|oracle| oracle.room -= 1);
        }
        if self.at_triggers().1 {
            self.raised |= TX;
        }
        (control & 0x80 == 0).then_some(byte)
    }

    fn modem_inputs(&self) -> u32 {
        let control = self.plain[&CONTROL];
        if control & 0x80 == 0 {
            return 7;
        }
        let output = |bit: u32, flag: u32| if control >> bit & 1 > 0 { flag } else { 0 };
        output(11, 1) | output(10, 2) | output(12, 4) | output(13, 0x100)
    }

    fn flags(&self) -> u32 {
        let flag = |set: bool, bit: u32| u32::from(set) << bit;
        self.modem_inputs()
            | flag(self.empty_places() < self.depth(), 3)
            | flag(self.characters.is_empty(), 4)
            | flag(self.empty_places() == 0, 5)
            | flag(self.characters.len() == self.depth(), 6)
            | flag(self.empty_places() == self.depth(), 7)
    }
}
