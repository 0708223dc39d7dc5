//! The vCPU itself: identification, interrupt mask, waiting.

use core::arch::asm;

/// Reads a system register by the name the assembler knows it by.
#[macro_export]
macro_rules! read_register {
    ($name:literal) => {{
        let value: u64;
        // SAFETY: reading a system register changes no memory.
        unsafe { core::arch::asm!(concat!("mrs {}, ", $name), out(reg) value, options(nostack)) };
        value
    }};
}

/// Writes a system register, then synchronises with ISB.
#[macro_export]
macro_rules! write_register {
    ($name:literal, $value:expr) => {{
        let value: u64 = $value;
        // SAFETY: the guest owns its system registers; callers write none that would pull memory from under Rust.
        unsafe { core::arch::asm!(concat!("msr ", $name, ", {}"), "isb", in(reg) value, options(nostack)) };
    }};
}

/// Affinity fields Aff3..Aff0 of MPIDR_EL1, as PSCI takes them (Arm ARM DDI 0487 D24.2.119).
pub fn affinity() -> u64 {
    read_register!("mpidr_el1") & 0xff_00ff_ffff
}

/// Exception level, from CurrentEL.
pub fn exception_level() -> u64 {
    read_register!("CurrentEL") >> 2 & 3
}

/// Index of this vCPU: 0 boots, others as [`crate::smp::start`] numbered them.
pub fn index() -> usize {
    read_register!("tpidr_el1") as usize
}

/// Lets IRQs in.
pub fn enable_interrupts() {
    // SAFETY: handlers are installed before interrupts are enabled at the GIC.
    unsafe { asm!("msr daifclr, #2", options(nostack)) };
}

/// Keeps IRQs out; they stay pending.
pub fn disable_interrupts() {
    // SAFETY: masking is always allowed.
    unsafe { asm!("msr daifset, #2", options(nostack)) };
}

/// Waits for an interrupt, masked or not.
pub fn wait_for_interrupt() {
    // SAFETY: a hint; DSB completes what the waker must see.
    unsafe { asm!("dsb sy", "wfi", options(nostack)) };
}

/// Sleeps, and goes back to sleep whatever wakes it.
pub fn sleep_for_good() -> ! {
    loop {
        wait_for_interrupt();
    }
}

/// DSB: what was accessed before is complete.
pub fn data_barrier() {
    // SAFETY: a barrier.
    unsafe { asm!("dsb sy", options(nostack)) };
}

/// Waits for an event.
pub fn wait_for_event() {
    // SAFETY: a hint.
    unsafe { asm!("wfe", options(nostack)) };
}

/// Sends an event to every vCPU.
pub fn send_event() {
    // SAFETY: a barrier and a hint.
    unsafe { asm!("dsb sy", "sev", options(nostack)) };
}

/// Waits with IRQs masked until `done`, letting pending ones in between, so that none is lost between test and WFI.
pub fn wait_until(done: impl Fn() -> bool) {
    loop {
        disable_interrupts();
        if done() {
            enable_interrupts();
            return;
        }
        wait_for_interrupt();
        enable_interrupts();
    }
}
