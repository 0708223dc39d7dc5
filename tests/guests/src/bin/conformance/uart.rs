//! PL011 (DDI 0183).

use core::sync::atomic::{AtomicU32, Ordering};

use bulkhead_guests::console::{address, register, write_byte};
use bulkhead_guests::memory::{read8, read16, read32, write32};
use bulkhead_guests::{Machine, cpu, interrupt, section, timer};

/// UARTPeriphID0-3 and UARTPCellID0-3 (DDI 0183 3.3.14 to 3.3.15); the revision in bits 7:4 of ID2 may differ.
const IDENTIFICATION: [u32; 8] = [0x11, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1];
/// Transmit interrupt in UARTIMSC, UARTRIS, UARTMIS and UARTICR.
const TRANSMIT: u32 = 1 << 5;

pub fn check(machine: &Machine) {
    for (index, expected) in IDENTIFICATION.into_iter().enumerate() {
        let seen = read32(address(register::PERIPHERAL_ID + index * 4)) & if index == 2 { 0x0f } else { 0xff };
        section::pl011("3.3").equal(format_args!("UART identification {index}"), seen, expected);
    }
    section::pl011("3.3").equal("UART control reads back", read32(address(register::CONTROL)), 0x301);
    section::pl011("3.3").equal("UART registers by half-word", read16(address(register::CONTROL)), 0x301);
    section::pl011("3.3").equal("UART registers by byte", read8(address(register::PERIPHERAL_ID)), 0x11);
    transmit_interrupt(machine);
}

/// More than a FIFO of bytes drains past the trigger level: the transmit interrupt comes, and goes when cleared.
fn transmit_interrupt(machine: &Machine) {
    static SENT: AtomicU32 = AtomicU32::new(0);
    interrupt::handle(machine.uart_intid, |_| {
        SENT.store(read32(address(register::MASKED_INTERRUPT)), Ordering::SeqCst);
        write32(address(register::INTERRUPT_MASK), 0);
        write32(address(register::INTERRUPT_CLEAR), 0x7ff);
    });
    write32(address(register::INTERRUPT_CLEAR), 0x7ff);
    write32(address(register::INTERRUPT_MASK), TRANSMIT);
    cpu::enable_interrupts();
    for byte in b"a line that is longer than the transmit FIFO of a PL011\r\n" {
        write_byte(*byte);
    }
    let deadline = timer::count() + timer::frequency();
    while SENT.load(Ordering::SeqCst) == 0 && timer::count() < deadline {}
    cpu::disable_interrupts();
    section::pl011("3.3").equal("UART transmit interrupt", SENT.load(Ordering::SeqCst), TRANSMIT);
    section::pl011("3.3").equal("UART transmit interrupt clears", read32(address(register::MASKED_INTERRUPT)), 0);
}
