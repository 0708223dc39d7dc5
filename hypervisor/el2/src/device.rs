//! Loads of devices, all of them, are load-acquires. Cortex-A57 up to r1p2 may stop for good where plain loads of Device memory
//! mix with exclusives (erratum 832075, of which this is the workaround); elsewhere it costs an addition at most.

use core::cell::UnsafeCell;
use core::marker::PhantomData;
use tock_registers::RegisterLongName;
use tock_registers::interfaces::{Readable, Writeable};

macro_rules! loads {
    ($($name:ident: $type:ty, $instruction:literal;)*) => {$(
        /// What the device has at `address`.
        ///
        /// # Safety
        /// `address` must be mapped as a device for good, and be a multiple of the size.
        #[inline(always)]
        pub unsafe fn $name(address: u64) -> $type {
            let value;
            // SAFETY: as the caller promised; devices are none of Rust's memory, and the load is no compiler's to move.
            unsafe {
                core::arch::asm!(concat!($instruction, ", [{}]"), out(reg) value, in(reg) address,
                    options(nostack, preserves_flags));
            }
            value
        }
    )*};
}

loads! {
    load8: u8, "ldarb {:w}";
    load32: u32, "ldar {:w}";
    load64: u64, "ldar {}";
}

/// A register of 32 bits, with the fields `R`, in the memory of a device.
#[repr(transparent)]
pub struct Register<R: RegisterLongName = ()>(UnsafeCell<u32>, PhantomData<R>);

impl<R: RegisterLongName> Readable for Register<R> {
    type T = u32;
    type R = R;

    #[inline(always)]
    fn get(&self) -> u32 {
        // SAFETY: whoever has a reference to a register has mapped its device for good.
        unsafe { load32(self.0.get() as u64) }
    }
}

impl<R: RegisterLongName> Writeable for Register<R> {
    type T = u32;
    type R = R;

    #[inline(always)]
    fn set(&self, value: u32) {
        // SAFETY: as for `get`.
        unsafe { self.0.get().write_volatile(value) }
    }
}
