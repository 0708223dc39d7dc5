//! Reading and writing system registers that the crate aarch64-cpu does not have.

/// The value of the system register `$name`.
///
/// Reading a system register changes nothing that Rust knows of, so the macro is safe to use; a register that
/// the core does not have is an exception of our own, which is reported and stops the core.
macro_rules! read {
    ($name:literal) => {{
        let value: u64;
        // SAFETY: MRS writes only its destination.
        unsafe {
            core::arch::asm!(concat!("mrs {}, ", $name), out(reg) value, options(nomem, nostack, preserves_flags));
        }
        value
    }};
}

/// Writes `$value` to the system register `$name`, which must be one that acts on the guest or on an interrupt
/// controller only: never on EL2's own translation, stack or vectors.
macro_rules! write {
    ($name:literal, $value:expr) => {{
        let value: u64 = $value;
        // SAFETY: the callers name registers of EL1, of the guest's view or of the interrupt controller, none
        // of which changes how EL2 itself executes.
        unsafe {
            core::arch::asm!(concat!("msr ", $name, ", {}"), in(reg) value, options(nostack, preserves_flags));
        }
    }};
}

pub(crate) use {read, write};
