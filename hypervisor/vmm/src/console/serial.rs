//! A guest's UART at its port.

use super::port::Port;
use crate::device::pl011::Pl011;
use spin::Mutex;

/// A guest's PL011, whose far end is a console port. It has a lock of its own: what the guest does with it concerns the
/// rest of its VM only when the level of the interrupt line changes.
#[derive(Debug)]
pub struct Serial {
    uart: Pl011,
    /// The level that the interrupt controller was last told.
    told: bool,
}

impl Serial {
    /// `uart`, of whose interrupt line the interrupt controller knows.
    pub fn new(uart: Pl011) -> Self {
        Self { told: uart.interrupt(), uart }
    }

    /// The UART.
    pub fn uart(&self) -> &Pl011 {
        &self.uart
    }

    /// The guest stores the low `size` bytes (1, 2, 4 or 8) of `stored`, or else loads, at `offset` bytes from the UART's
    /// base. Returns what a load reads, and whether the console has something new for the housekeeping core.
    #[inline(always)]
    pub fn access(&mut self, offset: u64, size: u8, stored: Option<u64>, port: &Mutex<Port>) -> (u64, bool) {
        // While the transmit FIFO is empty, more room in the port shows nowhere.
        if stored.is_none() && !Pl011::is_data(offset) && !self.uart.is_transmitting() {
            return (self.uart.read(offset, size), false);
        }
        self.access_with_port(offset, size, stored, &mut port.lock())
    }

    #[inline(always)]
    fn access_with_port(&mut self, offset: u64, size: u8, stored: Option<u64>, port: &mut Port) -> (u64, bool) {
        if self.uart.is_transmitting() || !Pl011::is_data(offset) {
            self.refresh(port);
        }
        let mut value = 0;
        match stored {
            None => value = self.uart.read(offset, size),
            Some(stored) => {
                if let Some(byte) = self.uart.write(offset, size, stored) {
                    port.push(byte);
                }
            }
        }
        self.refresh(port);
        (value, port.take_notice())
    }

    /// Brings the UART and its `port` up to date with each other: what was typed goes to the guest as far as it reads,
    /// and the guest sees the room there is. Also to be called when the multiplexer names the port.
    pub fn refresh(&mut self, port: &mut Port) {
        self.uart.set_transmit_space(port.free());
        while port.has_input()
            && self.uart.can_receive()
            && let Some(byte) = port.take_input()
        {
            self.uart.receive(byte);
        }
        port.await_space(self.uart.awaited_transmit_space());
    }

    /// Whether the interrupt controller must hear of the line: ask after each access, and after [`Self::refresh`].
    pub fn has_changed_line(&self) -> bool {
        self.uart.interrupt() != self.told
    }

    /// The level of the interrupt line, which the interrupt controller is told now.
    pub fn tell_line(&mut self) -> bool {
        self.told = self.uart.interrupt();
        self.told
    }
}
