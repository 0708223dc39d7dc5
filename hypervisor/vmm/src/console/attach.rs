//! Between a guest's UART and its port.

use super::port::Port;
use crate::device::pl011::Pl011;

/// Brings `uart` and `port` up to date with each other: what was typed goes to the guest as far as it reads,
/// and the guest sees the room there is. Call before and after each access of the guest to its UART, and when
/// the multiplexer names the port.
pub fn attach(uart: &mut Pl011, port: &mut Port) {
    uart.set_transmit_space(port.free());
    while uart.can_receive()
        && let Some(byte) = port.take_input()
    {
        uart.receive(byte);
    }
    port.await_space(uart.awaited_transmit_space());
}
