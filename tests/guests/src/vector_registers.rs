//! The FP and SIMD registers, which soft-float Rust leaves alone: a guest can park values in them.

use core::arch::asm;

/// v0 to v31 as they lie in memory.
pub type Vectors = [u64; 64];

macro_rules! transfer {
    ($instruction:literal, $address:expr) => {
        // SAFETY: the guest's Rust code is soft-float and keeps nothing in these registers; the array has their 512 bytes.
        unsafe {
            asm!(
                ".arch_extension fp",
                ".arch_extension simd",
                concat!($instruction, " q0, q1, [{a}]"), concat!($instruction, " q2, q3, [{a}, #32]"),
                concat!($instruction, " q4, q5, [{a}, #64]"), concat!($instruction, " q6, q7, [{a}, #96]"),
                concat!($instruction, " q8, q9, [{a}, #128]"), concat!($instruction, " q10, q11, [{a}, #160]"),
                concat!($instruction, " q12, q13, [{a}, #192]"), concat!($instruction, " q14, q15, [{a}, #224]"),
                concat!($instruction, " q16, q17, [{a}, #256]"), concat!($instruction, " q18, q19, [{a}, #288]"),
                concat!($instruction, " q20, q21, [{a}, #320]"), concat!($instruction, " q22, q23, [{a}, #352]"),
                concat!($instruction, " q24, q25, [{a}, #384]"), concat!($instruction, " q26, q27, [{a}, #416]"),
                concat!($instruction, " q28, q29, [{a}, #448]"), concat!($instruction, " q30, q31, [{a}, #480]"),
                a = in(reg) $address,
                options(nostack)
            )
        }
    };
}

/// Fills v0 to v31.
pub fn write(vectors: &Vectors) {
    transfer!("ldp", vectors.as_ptr());
}

/// What v0 to v31 hold.
pub fn read() -> Vectors {
    let mut vectors = [0; 64];
    transfer!("stp", vectors.as_mut_ptr());
    vectors
}

/// Writes FPCR and FPSR.
pub fn write_control(control: u64, status: u64) {
    crate::write_register!("s3_3_c4_c4_0", control);
    crate::write_register!("s3_3_c4_c4_1", status);
}

/// FPCR and FPSR.
pub fn read_control() -> (u64, u64) {
    (crate::read_register!("s3_3_c4_c4_0"), crate::read_register!("s3_3_c4_c4_1"))
}
