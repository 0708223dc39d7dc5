//! PL011 console (DDI 0183), polled.

use core::fmt::{self, Write};
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::memory::{read32, write32};
use crate::sync::SpinLock;

/// Register offsets in bytes (DDI 0183 3.2).
pub mod register {
    /// UARTDR.
    pub const DATA: usize = 0x00;
    /// UARTFR.
    pub const FLAGS: usize = 0x18;
    /// UARTIBRD, and behind it UARTFBRD.
    pub const INTEGER_BAUD_RATE: usize = 0x24;
    /// UARTCR.
    pub const CONTROL: usize = 0x30;
    /// UARTIFLS.
    pub const FIFO_LEVEL: usize = 0x34;
    /// UARTIMSC.
    pub const INTERRUPT_MASK: usize = 0x38;
    /// UARTRIS.
    pub const RAW_INTERRUPT: usize = 0x3c;
    /// UARTMIS.
    pub const MASKED_INTERRUPT: usize = 0x40;
    /// UARTICR.
    pub const INTERRUPT_CLEAR: usize = 0x44;
    /// UARTPeriphID0; seven further identification registers follow.
    pub const PERIPHERAL_ID: usize = 0xfe0;
}

/// UARTFR.TXFF: the transmit FIFO is full.
pub const TRANSMIT_FULL: u32 = 1 << 5;
/// UARTFR.RXFE: the receive FIFO is empty.
pub const RECEIVE_EMPTY: u32 = 1 << 4;
/// Receive and receive-timeout interrupt in UARTIMSC, UARTRIS, UARTMIS and UARTICR.
pub const RECEIVE_INTERRUPTS: u32 = 1 << 4 | 1 << 6;

/// Base address of the UART; QEMU's `virt` has it here, and until the tree is read nothing better is known.
static BASE: AtomicUsize = AtomicUsize::new(0x0900_0000);
static LOCK: SpinLock = SpinLock::new();
static SEIZED: AtomicBool = AtomicBool::new(false);

/// Address of the UART register at `offset` bytes.
pub fn address(offset: usize) -> usize {
    BASE.load(Ordering::Relaxed) + offset
}

/// Uses the UART at `base`: FIFOs on, transmitter and receiver on, interrupts masked.
pub fn initialise(base: usize) {
    initialise_sbsa(base);
    write32(address(0x2c), 0x70);
    write32(address(register::CONTROL), 0x301);
}

/// Uses the SBSA UART at `base`, which firmware or a hypervisor set up: interrupts masked.
pub fn initialise_sbsa(base: usize) {
    BASE.store(base, Ordering::Relaxed);
    write32(address(register::INTERRUPT_MASK), 0);
}

/// Stops honouring the lock: for messages of a vCPU that will not go on.
pub fn seize() {
    SEIZED.store(true, Ordering::Relaxed);
}

/// Writes `byte`, waiting while the transmit FIFO is full.
pub fn write_byte(byte: u8) {
    while read32(address(register::FLAGS)) & TRANSMIT_FULL != 0 {}
    write32(address(register::DATA), u32::from(byte));
}

/// The next received byte, if there is one.
pub fn read_byte() -> Option<u8> {
    if read32(address(register::FLAGS)) & RECEIVE_EMPTY != 0 {
        return None;
    }
    Some(read32(address(register::DATA)) as u8)
}

struct Console;

impl Write for Console {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            if byte == b'\n' {
                write_byte(b'\r');
            }
            write_byte(byte);
        }
        Ok(())
    }
}

/// Writes formatted text whole, with no other vCPU's text inside. Not for interrupt handlers.
pub fn print(arguments: fmt::Arguments<'_>) {
    let write = || Console.write_fmt(arguments).expect("writing to a UART cannot fail");
    if SEIZED.load(Ordering::Relaxed) { write() } else { LOCK.with(write) }
}

/// Prints one line.
#[macro_export]
macro_rules! println {
    ($($argument:tt)*) => {
        $crate::console::print(format_args!("{}\n", format_args!($($argument)*)))
    };
}
