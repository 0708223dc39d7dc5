//! When each interrupt of the PL011 is raised and cleared (Arm DDI 0183 r1p5, 2.8).
//!
//! The receive and transmit interrupts follow a FIFO's passing through its trigger level, not the level: what
//! software cleared stays clear until the level is passed again.

use tock_registers::fields::FieldValue;

use super::register::{Flag, Interrupt};
use super::{Pl011, State};

impl Pl011 {
    /// The level of UARTINTR: whether any interrupt is raised and not masked.
    pub fn interrupt(&self) -> bool {
        self.state.raw_interrupts & self.state.interrupt_mask != 0
    }

    pub(super) fn raise(&mut self, interrupt: FieldValue<u32, Interrupt::Register>) {
        self.state.raw_interrupts |= interrupt.value;
    }

    pub(super) fn lower(&mut self, interrupt: FieldValue<u32, Interrupt::Register>) {
        self.state.raw_interrupts &= !interrupt.value;
    }

    /// Does `what` to the FIFOs or their levels, and what follows from it for the two FIFOs' interrupts.
    pub(super) fn change<R>(&mut self, what: impl FnOnce(&mut Self) -> R) -> R {
        let receive_was_high = self.receive_is_high();
        let transmit_was_low = self.transmit_is_low();
        let result = what(self);
        self.state.transmit_level = self.state.fifo_depth().saturating_sub(self.transmit_space);
        match (receive_was_high, self.receive_is_high()) {
            (false, true) => self.raise(Interrupt::RX::SET),
            (_, false) => self.lower(Interrupt::RX::SET),
            (true, true) => {}
        }
        match (transmit_was_low, self.transmit_is_low()) {
            (false, true) => self.raise(Interrupt::TX::SET),
            (_, false) => self.lower(Interrupt::TX::SET),
            (true, true) => {}
        }
        result
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
        let pairs = [
            (Flag::RI, Interrupt::RI::SET),
            (Flag::CTS, Interrupt::CTS::SET),
            (Flag::DCD, Interrupt::DCD::SET),
            (Flag::DSR, Interrupt::DSR::SET),
        ];
        for (input, interrupt) in pairs {
            if input.is_set(changed) {
                self.raise(interrupt);
            }
        }
    }

    /// A write of `value` to UARTICR.
    pub(super) fn clear_interrupts(&mut self, value: u32) {
        let survives = Interrupt::RT.is_set(value) && self.state.timeout_pending;
        self.state.raw_interrupts &= !(value & State::INTERRUPTS);
        if survives {
            self.state.timeout_pending = false;
            self.raise(Interrupt::RT::SET);
        }
    }

    fn receive_is_high(&self) -> bool {
        self.state.received.len() >= self.state.receive_trigger()
    }

    pub(super) fn transmit_is_low(&self) -> bool {
        self.state.transmit_level <= self.state.transmit_trigger()
    }
}
