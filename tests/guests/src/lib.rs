//! Runtime of the bare-metal guests that the tests run: at EL1, under Bulkhead or natively on QEMU.
//!
//! A guest is a file in `src/bin` that names its main function with [`entry!`]. The runtime reads the
//! device tree, turns the MMU and the caches on (unless told `mmu off`), calls that function, and when it
//! returns prints `guest: N passed, N failed` and asks PSCI for SYSTEM_OFF.
#![no_std]

pub mod arguments;
pub mod boot;
pub mod check;
pub mod console;
pub mod cpu;
pub mod gic;
pub mod instruction;
pub mod interrupt;
pub mod machine;
pub mod memory;
pub mod mmu;
pub mod psci;
pub mod section;
pub mod smp;
pub mod sync;
pub mod timer;
pub mod trap;
pub mod vector_registers;

pub use bulkhead_script::random;
pub use machine::{Machine, machine};

/// Names the guest's main function, `fn(&'static Machine)`, and whether it starts with its MMU on (the default).
#[macro_export]
macro_rules! entry {
    ($main:path) => {
        $crate::entry!($main, true);
    };
    ($main:path, mmu off) => {
        $crate::entry!($main, false);
    };
    ($main:path, $mmu:expr) => {
        #[unsafe(no_mangle)]
        static GUEST: $crate::boot::Guest = $crate::boot::Guest { main: $main, mmu: $mmu };
    };
}
