//! Guests' drivers, each as hard on its UART as a real one, in steps of one register access or a few.

use std::collections::VecDeque;

use super::machine::Bus;

const DATA: u64 = 0x00;
const FLAGS: u64 = 0x18;
const LINE_CONTROL: u64 = 0x2c;
const CONTROL: u64 = 0x30;
const LEVELS: u64 = 0x34;
const MASK: u64 = 0x38;
const RAW: u64 = 0x3c;
const CLEAR: u64 = 0x44;

const RECEIVE_EMPTY: u64 = 1 << 4;
const TRANSMIT_FULL: u64 = 1 << 5;
const BUSY: u64 = 1 << 3;
const RX: u64 = 1 << 4;
const TX: u64 = 1 << 5;
const RT: u64 = 1 << 6;

/// How a guest uses its UART.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Habit {
    /// Transmits by interrupt: until full first, then half a FIFO per interrupt without looking. Clears no
    /// receive interrupt. So does Linux's amba-pl011.
    HalfAFifo,
    /// Waits for room before each byte, and for the line to be idle after each few. Reads all there is and
    /// clears the interrupts then.
    ClearAfter,
    /// The same without FIFOs; clears the interrupts first.
    ClearBefore,
    /// Reads one character per interrupt, after clearing.
    OneByOne,
    /// Clears the interrupts and reads later, from a task; writes one byte per interrupt.
    Deferred,
}

/// Every habit.
pub const HABITS: [Habit; 5] =
    [Habit::HalfAFifo, Habit::ClearAfter, Habit::ClearBefore, Habit::OneByOne, Habit::Deferred];

/// A guest that prints what it is given and reads what is typed.
#[derive(Debug)]
pub struct Driver {
    habit: Habit,
    mask: u64,
    /// To print.
    pub output: VecDeque<u8>,
    /// Read.
    pub input: Vec<u8>,
    /// The task of [`Habit::Deferred`] is to read.
    deferred: bool,
}

impl Driver {
    /// A driver that has set up its UART.
    pub fn new(habit: Habit, bus: &mut dyn Bus) -> Self {
        let line_control = if habit == Habit::ClearBefore { 0x60 } else { 0x70 };
        bus.write(LINE_CONTROL, line_control);
        bus.write(LEVELS, 0x12);
        bus.write(CONTROL, 0x301);
        bus.write(CLEAR, 0x7ff);
        bus.write(MASK, RX | RT);
        Self { habit, mask: RX | RT, output: VecDeque::new(), input: Vec::new(), deferred: false }
    }

    /// Whether it has something to do without an interrupt.
    pub fn is_runnable(&self) -> bool {
        let by_interrupt = matches!(self.habit, Habit::HalfAFifo | Habit::Deferred) && self.mask & TX > 0;
        self.deferred || !(self.output.is_empty() || by_interrupt)
    }

    /// Runs for a little.
    pub fn run(&mut self, bus: &mut dyn Bus) {
        if self.deferred {
            self.deferred = false;
            self.read_all(bus);
            return;
        }
        match self.habit {
            Habit::HalfAFifo => {
                while !self.output.is_empty() && bus.read(FLAGS) & TRANSMIT_FULL == 0 {
                    self.write_one(bus);
                }
                self.set_transmit_mask(!self.output.is_empty(), bus);
            }
            Habit::Deferred => {
                if bus.read(FLAGS) & TRANSMIT_FULL == 0 {
                    self.write_one(bus);
                    self.set_transmit_mask(!self.output.is_empty(), bus);
                }
            }
            _ => {
                let room = bus.read(FLAGS) & TRANSMIT_FULL == 0;
                let idle = !self.output.len().is_multiple_of(7) || bus.read(FLAGS) & BUSY == 0;
                if room && idle {
                    self.write_one(bus);
                }
            }
        }
    }

    /// Takes an interrupt.
    pub fn interrupted(&mut self, bus: &mut dyn Bus) {
        match self.habit {
            Habit::HalfAFifo => self.handle_like_linux(bus),
            Habit::ClearAfter => {
                self.read_all(bus);
                bus.write(CLEAR, RX | RT);
            }
            Habit::ClearBefore => {
                bus.write(CLEAR, RX | RT);
                self.read_all(bus);
            }
            Habit::OneByOne => {
                bus.write(CLEAR, RX | RT);
                if bus.read(FLAGS) & RECEIVE_EMPTY == 0 {
                    self.read_one(bus);
                }
            }
            Habit::Deferred => self.handle_later(bus),
        }
    }

    fn handle_later(&mut self, bus: &mut dyn Bus) {
        let raised = bus.read(RAW) & self.mask;
        bus.write(CLEAR, raised);
        self.deferred |= raised & (RX | RT) > 0;
        if raised & TX > 0 {
            self.write_one(bus);
            self.set_transmit_mask(!self.output.is_empty(), bus);
        }
    }

    fn handle_like_linux(&mut self, bus: &mut dyn Bus) {
        loop {
            let raised = bus.read(RAW) & self.mask;
            if raised == 0 {
                return;
            }
            bus.write(CLEAR, raised & !(RX | RT | TX));
            if raised & (RX | RT) > 0 {
                self.read_all(bus);
            }
            if raised & TX > 0 {
                for _ in 0..16 {
                    self.write_one(bus);
                }
                self.set_transmit_mask(!self.output.is_empty(), bus);
            }
        }
    }

    fn read_all(&mut self, bus: &mut dyn Bus) {
        while bus.read(FLAGS) & RECEIVE_EMPTY == 0 {
            self.read_one(bus);
        }
    }

    fn read_one(&mut self, bus: &mut dyn Bus) {
        let character = bus.read(DATA);
        assert!(character <= 0xff, "error flags in {character:#x}");
        self.input.push(character as u8);
    }

    fn write_one(&mut self, bus: &mut dyn Bus) {
        if let Some(byte) = self.output.pop_front() {
            bus.write(DATA, u64::from(byte));
        }
    }

    fn set_transmit_mask(&mut self, on: bool, bus: &mut dyn Bus) {
        self.mask = if on { self.mask | TX } else { self.mask & !TX };
        bus.write(MASK, self.mask);
    }
}
