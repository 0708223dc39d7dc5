//! All that a PL011 remembers.

use arrayvec::ArrayVec;

use super::register::{FifoLevel, LineControl};

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
    /// UARTILPR.
    pub low_power_counter: u32,
    /// UARTIBRD.
    pub integer_baud: u32,
    /// UARTFBRD.
    pub fractional_baud: u32,
    /// UARTLCR_H.
    pub line_control: u32,
    /// UARTCR.
    pub control: u32,
    /// UARTIFLS.
    pub fifo_level: u32,
    /// UARTIMSC.
    pub interrupt_mask: u32,
    /// UARTRIS.
    pub raw_interrupts: u32,
    /// UARTDMACR.
    pub dma_control: u32,
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
            low_power_counter: 0,
            integer_baud: 0,
            fractional_baud: 0,
            line_control: 0,
            control: 0x300,
            fifo_level: 0x12,
            interrupt_mask: 0,
            raw_interrupts: 0,
            dma_control: 0,
            lost: 0,
        }
    }
}

impl State {
    /// Implemented bits of UARTRSR that can be set here.
    pub(super) const RECEIVE_STATUS: u32 = 0x8;
    pub(super) const LOW_POWER_COUNTER: u32 = 0xff;
    pub(super) const INTEGER_BAUD: u32 = 0xffff;
    pub(super) const FRACTIONAL_BAUD: u32 = 0x3f;
    pub(super) const LINE_CONTROL: u32 = 0xff;
    /// All of UARTCR but bits 6:3, which are reserved.
    pub(super) const CONTROL: u32 = 0xff87;
    pub(super) const FIFO_LEVEL: u32 = 0x3f;
    pub(super) const INTERRUPTS: u32 = 0x7ff;
    pub(super) const DMA_CONTROL: u32 = 0x7;
    /// UARTDR.OE: characters were lost before this one.
    pub(super) const OVERRUN: u16 = 1 << 11;
    /// What UARTDR can show of a character here.
    const CHARACTER: u16 = Self::OVERRUN | 0xff;

    /// Characters that each FIFO holds.
    pub(super) fn fifo_depth(&self) -> usize {
        if LineControl::FEN.is_set(self.line_control) { FIFO_DEPTH } else { 1 }
    }

    /// The receive interrupt is raised when the FIFO has come to hold this many characters.
    pub(super) fn receive_trigger(&self) -> usize {
        if self.fifo_depth() == 1 { 1 } else { eighths(FifoLevel::RXIFLSEL.read(self.fifo_level)) }
    }

    /// The transmit interrupt is raised when the FIFO has come down to this many characters.
    pub(super) fn transmit_trigger(&self) -> usize {
        if self.fifo_depth() == 1 { 0 } else { eighths(FifoLevel::TXIFLSEL.read(self.fifo_level)) }
    }

    pub(super) fn receive_is_full(&self) -> bool {
        self.received.len() >= self.fifo_depth()
    }

    /// Whether a PL011 can be in this state, given that its transmit FIFO is not over-full: neither is the receive
    /// FIFO, and no register holds a bit that it lacks.
    pub(super) fn is_possible(&self) -> bool {
        let registers = [
            (self.receive_status, Self::RECEIVE_STATUS),
            (self.low_power_counter, Self::LOW_POWER_COUNTER),
            (self.integer_baud, Self::INTEGER_BAUD),
            (self.fractional_baud, Self::FRACTIONAL_BAUD),
            (self.line_control, Self::LINE_CONTROL),
            (self.control, Self::CONTROL),
            (self.fifo_level, Self::FIFO_LEVEL),
            (self.interrupt_mask, Self::INTERRUPTS),
            (self.raw_interrupts, Self::INTERRUPTS),
            (self.dma_control, Self::DMA_CONTROL),
        ];
        registers.iter().all(|(value, implemented)| value & !implemented == 0)
            && self.received.iter().all(|character| character & !Self::CHARACTER == 0)
            && self.received.len() <= self.fifo_depth()
    }
}

/// The trigger level that a field of UARTIFLS selects, in characters. The reserved values select the reset
/// value's level.
fn eighths(selection: u32) -> usize {
    match selection {
        0 => FIFO_DEPTH / 8,
        1 => FIFO_DEPTH / 4,
        3 => FIFO_DEPTH / 4 * 3,
        4 => FIFO_DEPTH / 8 * 7,
        _ => FIFO_DEPTH / 2,
    }
}
