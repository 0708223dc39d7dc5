//! Single loads and stores at an address, and what they cost in ticks.

use crate::vectors::ticks;

pub fn read(address: usize) -> u64 {
    ticks!(["ldr {value:w}, [{address}]"], value = out(reg) _, address = in(reg) address,)
}

pub fn write(address: usize, value: u32) -> u64 {
    ticks!(["str {value:w}, [{address}]"], value = in(reg) value, address = in(reg) address,)
}

pub fn write_byte(address: usize, value: u32) -> u64 {
    ticks!(["strb {value:w}, [{address}]"], value = in(reg) value, address = in(reg) address,)
}

pub fn read_long(address: usize) -> u64 {
    ticks!(["ldr {value}, [{address}]"], value = out(reg) _, address = in(reg) address,)
}

pub fn write_long(address: usize, value: u64) -> u64 {
    ticks!(["str {value}, [{address}]"], value = in(reg) value, address = in(reg) address,)
}
