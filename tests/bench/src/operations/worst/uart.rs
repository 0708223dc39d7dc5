//! The PL011 (DDI 0183), whose interrupt comes and goes. A byte written wakes the core that keeps house as well, which
//! would be counted too.

use crate::Bench;
use crate::operations::access::{read, write};
use bulkhead_guests::console::{address, register};
use bulkhead_guests::memory::write32;

/// The transmit interrupt, in UARTIMSC and UARTICR.
const TRANSMIT: u32 = 1 << 5;

pub fn measure(bench: &Bench) {
    let mask = address(register::INTERRUPT_MASK);
    bench.measure("worst-uart-mask-write", || {
        write32(mask, 0);
        write(mask, TRANSMIT)
    });
    bench.measure("worst-uart-clear-write", || write(address(register::INTERRUPT_CLEAR), TRANSMIT));
    write32(mask, 0);
    bench.measure("worst-uart-flags-read", || read(address(register::FLAGS)));
}
