//! When each interrupt of the PL011 is raised and cleared (Arm DDI 0183 r1p5, 2.8).
//!
//! The receive and transmit interrupts follow a FIFO's passing through its trigger level, not the level: what
//! software cleared stays clear until the level is passed again.

use tock_registers::fields::FieldValue;

use super::Pl011;
use super::register::{IMSC, Interrupt, MODEM, RIS};

impl Pl011 {
    /// The level of UARTINTR: whether any interrupt is raised and not masked.
    pub fn interrupt(&self) -> bool {
        self.masked_interrupts() != 0
    }

    /// UARTMIS.
    pub(super) fn masked_interrupts(&self) -> u32 {
        self.state.registers[RIS] & self.state.registers[IMSC]
    }

    pub(super) fn raise(&mut self, interrupt: FieldValue<u32, Interrupt::Register>) {
        self.state.registers[RIS] |= interrupt.value;
    }

    pub(super) fn lower(&mut self, interrupt: FieldValue<u32, Interrupt::Register>) {
        self.state.registers[RIS] &= !interrupt.value;
    }

    /// Whether the receive FIFO is at or over its trigger level, and the transmit FIFO at or under its own.
    pub(super) fn levels(&self) -> [bool; 2] {
        [self.state.received.len() >= self.state.receive_trigger(), self.transmit_is_low()]
    }

    /// What follows for the two FIFOs' interrupts from a change of the FIFOs or their trigger levels; `before` is what
    /// [`Self::levels`] was.
    pub(super) fn follow(&mut self, before: [bool; 2]) {
        self.state.transmit_level = self.state.fifo_depth().saturating_sub(self.transmit_space);
        let interrupts = [Interrupt::RX::SET, Interrupt::TX::SET];
        for ((before, after), interrupt) in before.into_iter().zip(self.levels()).zip(interrupts) {
            if !after {
                self.lower(interrupt);
            } else if !before {
                self.raise(interrupt);
            }
        }
    }

    /// After a character has gone into the transmit FIFO: it has left it at once, if the far end had room.
    pub(super) fn after_transmit(&mut self) {
        if self.transmit_is_low() {
            self.raise(Interrupt::TX::SET);
        }
    }

    /// After a character has come into the receive FIFO.
    pub(super) fn after_arrival(&mut self) {
        self.state.timeout_pending = true;
        self.raise(Interrupt::RT::SET);
    }

    /// After a character has been taken out of the receive FIFO, or all have. For what is still there the
    /// timeout begins again, and elapses.
    pub(super) fn after_read(&mut self) {
        if self.state.received.is_empty() {
            self.state.timeout_pending = false;
            self.lower(Interrupt::RT::SET);
        } else {
            self.raise(Interrupt::RT::SET);
        }
    }

    /// After the modem inputs `changed`, bits of UARTFR, have changed.
    pub(super) fn after_modem(&mut self, changed: u32) {
        for (_, input, interrupt) in MODEM {
            if input.is_set(changed) {
                self.raise(interrupt.val(1));
            }
        }
    }

    /// A write of `value` to UARTICR.
    pub(super) fn clear_interrupts(&mut self, value: u32) {
        let survives = Interrupt::RT.is_set(value) && self.state.timeout_pending;
        self.state.registers[RIS] &= !(value);
        if survives {
            self.state.timeout_pending = false;
            self.raise(Interrupt::RT::SET);
        }
    }

    pub(super) fn transmit_is_low(&self) -> bool {
        !self.is_transmitting() || self.state.transmit_level <= self.state.transmit_trigger()
    }
}
