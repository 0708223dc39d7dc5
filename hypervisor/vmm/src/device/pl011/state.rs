//! All that a PL011 remembers.

use arrayvec::ArrayVec;

use super::register::{FifoLevel, IFLS, IMPLEMENTED, KEPT, LCR_H, LineControl, RESET};

/// Characters in each FIFO of an r1p5 when FIFOs are enabled; 1 when not.
pub const FIFO_DEPTH: usize = 32;

/// The state of a PL011 in the terms of its manual, to save, carry and restore. The `u32` fields are the values
/// of registers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// The receive FIFO, oldest first, each character as UARTDR shows it.
    pub received: ArrayVec<u16, FIFO_DEPTH>,
    /// Characters were lost since the last that went into the receive FIFO.
    pub overrun: bool,
    /// A character came since the receive timeout interrupt was last cleared.
    pub timeout_pending: bool,
    /// Characters in the transmit FIFO. They belong to the far end already.
    pub transmit_level: usize,
    /// UARTRSR.
    pub receive_status: u32,
    /// The registers from UARTILPR to UARTDMACR, in the order of their offsets; of the two that only show or clear
    /// others, UARTMIS and UARTICR, nothing is kept.
    pub registers: [u32; KEPT],
    /// Characters written to a full transmit FIFO since the machine was made: a statistic.
    pub lost: u64,
}

impl Default for State {
    /// The state after reset (Arm DDI 0183 r1p5, 3.2).
    fn default() -> Self {
        Self {
            received: ArrayVec::new(),
            overrun: false,
            timeout_pending: false,
            transmit_level: 0,
            receive_status: 0,
            registers: RESET,
            lost: 0,
        }
    }
}

impl State {
    /// Implemented bits of UARTRSR that can be set here.
    const RECEIVE_STATUS: u32 = 0x8;
    /// UARTDR.OE: characters were lost before this one.
    pub(super) const OVERRUN: u16 = 1 << 11;
    /// What UARTDR can show of a character here.
    const CHARACTER: u16 = Self::OVERRUN | 0xff;

    /// Characters that each FIFO holds.
    pub(super) fn fifo_depth(&self) -> usize {
        if LineControl::FEN.is_set(self.registers[LCR_H]) { FIFO_DEPTH } else { 1 }
    }

    /// The receive interrupt is raised when the FIFO has come to hold this many characters.
    pub(super) fn receive_trigger(&self) -> usize {
        if self.fifo_depth() == 1 { 1 } else { trigger(FifoLevel::RXIFLSEL.read(self.registers[IFLS])) }
    }

    /// The transmit interrupt is raised when the FIFO has come down to this many characters.
    pub(super) fn transmit_trigger(&self) -> usize {
        if self.fifo_depth() == 1 { 0 } else { trigger(FifoLevel::TXIFLSEL.read(self.registers[IFLS])) }
    }

    pub(super) fn receive_is_full(&self) -> bool {
        self.received.len() >= self.fifo_depth()
    }

    /// Whether a PL011 can be in this state, given that its transmit FIFO is not over-full: neither is the receive
    /// FIFO, and no register holds a bit that it lacks.
    pub(super) fn is_possible(&self) -> bool {
        self.receive_status & !Self::RECEIVE_STATUS == 0
            && self.registers.iter().zip(IMPLEMENTED).all(|(value, implemented)| value & !implemented == 0)
            && self.received.iter().all(|character| character & !Self::CHARACTER == 0)
            && self.received.len() <= self.fifo_depth()
    }
}

/// The trigger level that a field of UARTIFLS selects, in characters. The reserved values select the reset
/// value's level.
fn trigger(selection: u32) -> usize {
    const EIGHTHS: [u8; 5] = [1, 2, 4, 6, 7];
    FIFO_DEPTH / 8 * usize::from(EIGHTHS.get(selection as usize).copied().unwrap_or(4))
}
