//! The PL011 (DDI 0183).

use crate::Bench;
use crate::vectors::ticks;
use bulkhead_guests::console::{self, register};
use bulkhead_guests::memory::read32;
use bulkhead_guests::println;

pub fn measure(bench: &Bench) {
    let (flags, data) = (console::address(register::FLAGS), console::address(register::DATA));
    bench.measure(
        "uart-flags-read",
        || ticks!(["ldr {value:w}, [{address}]"], value = out(reg) _, address = in(reg) flags,),
    );
    let write_dot = || {
        while read32(flags) & console::TRANSMIT_FULL != 0 {}
        ticks!(["str {value:w}, [{address}]"], value = in(reg) u32::from(b'.'), address = in(reg) data,)
    };
    bench.measure_then("uart-byte-write", write_dot, || println!(""));
}
