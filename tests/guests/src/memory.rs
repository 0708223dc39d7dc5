//! Plain accesses to memory and to device registers by address.
//!
//! A guest owns its whole machine, so any address is its to touch; what is not there answers with an
//! exception, which [`crate::trap::probe`] catches. Single instructions by assembly: the access has the
//! stated width and addressing mode (one a hypervisor can emulate), whatever the compiler thinks of it.

use core::arch::asm;

macro_rules! access {
    ($read:ident, $write:ident, $type:ty, $load:literal, $store:literal, $register:literal) => {
        #[doc = concat!("Reads with one `", $load, "` at `address`.")]
        #[inline(always)]
        pub fn $read(address: usize) -> $type {
            let mut value: u64 = 0;
            // SAFETY: the guest owns its machine; a read changes no memory that Rust knows of.
            unsafe {
                asm!(concat!($load, " {value:", $register, "}, [{address}]"), value = inout(reg) value,
                    address = in(reg) address, options(nostack));
            }
            value as $type
        }

        #[doc = concat!("Writes with one `", $store, "` at `address`, which must not be memory that Rust code uses otherwise.")]
        #[inline(always)]
        pub fn $write(address: usize, value: $type) {
            // SAFETY: the caller passes a device register or memory outside every Rust object.
            unsafe {
                asm!(concat!($store, " {value:", $register, "}, [{address}]"), value = in(reg) u64::from(value),
                    address = in(reg) address, options(nostack));
            }
        }
    };
}

access!(read8, write8, u8, "ldrb", "strb", "w");
access!(read16, write16, u16, "ldrh", "strh", "w");
access!(read32, write32, u32, "ldr", "str", "w");
access!(read64, write64, u64, "ldr", "str", "x");

/// Reads `size` bytes (1, 2, 4 or 8) at `address` with one load.
pub fn read(address: usize, size: u8) -> u64 {
    match size {
        1 => read8(address).into(),
        2 => read16(address).into(),
        4 => read32(address).into(),
        _ => read64(address),
    }
}

/// Writes the low `size` bytes (1, 2, 4 or 8) of `value` at `address` with one store, as [`write64`] and its like.
pub fn write(address: usize, size: u8, value: u64) {
    match size {
        1 => write8(address, value as u8),
        2 => write16(address, value as u16),
        4 => write32(address, value as u32),
        _ => write64(address, value),
    }
}

/// Smallest data cache line in bytes, from CTR_EL0.DminLine (Arm ARM DDI 0487 D24.2.34).
pub fn cache_line() -> usize {
    let ctr: usize;
    // SAFETY: reads an identification register.
    unsafe { asm!("mrs {}, ctr_el0", out(reg) ctr, options(nomem, nostack)) };
    4 << (ctr >> 16 & 0xf)
}

/// Cleans and invalidates `length` bytes at `start` to the point of coherency.
pub fn clean_and_invalidate(start: usize, length: usize) {
    let line = cache_line();
    for address in (start & !(line - 1)..start + length).step_by(line) {
        // SAFETY: cache maintenance changes no contents.
        unsafe { asm!("dc civac, {}", in(reg) address, options(nostack)) };
    }
    // SAFETY: a barrier.
    unsafe { asm!("dsb sy", options(nostack)) };
}
