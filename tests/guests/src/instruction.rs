//! Instructions made at run time: system register accesses by encoding, which the assembler only takes as constants.

use core::arch::asm;
use core::cell::UnsafeCell;

use crate::memory::{cache_line, clean_and_invalidate};
use crate::read_register;
use crate::trap::{self, Trapped};

/// A system register's encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are the architecture's names")]
pub struct Encoding {
    pub op0: u32,
    pub op1: u32,
    pub crn: u32,
    pub crm: u32,
    pub op2: u32,
}

impl Encoding {
    /// S`op0`_`op1`_C`crn`_C`crm`_`op2`; `op0` is 2 or 3.
    pub const fn new(op0: u32, op1: u32, crn: u32, crm: u32, op2: u32) -> Self {
        Self { op0, op1, crn, crm, op2 }
    }

    /// The fields where the syndrome of a trapped MRS or MSR by x0 has them, with its class and IL; an MRS has bit 0 set
    /// (Arm ARM DDI 0487 D24.2.40).
    pub const fn syndrome(self) -> u64 {
        let Self { op0, op1, crn, crm, op2 } = self;
        (0x18 << 26 | 1 << 25 | op0 << 20 | op2 << 17 | op1 << 14 | crn << 10 | crm << 1) as u64
    }

    /// The fields where MRS, MSR and SYS have them (Arm ARM DDI 0487 C6.2.247).
    const fn bits(self) -> u32 {
        (self.op0 & 3) << 19 | self.op1 << 16 | self.crn << 12 | self.crm << 8 | self.op2 << 5
    }
}

const RETURN: u32 = 0xd65f_03c0;

#[repr(C, align(64))]
struct Code(UnsafeCell<[u32; 16]>);

// SAFETY: one vCPU at a time makes instructions.
unsafe impl Sync for Code {}

#[unsafe(link_section = ".data.code")]
static CODE: Code = Code(UnsafeCell::new([RETURN; 16]));

/// Runs the instruction `word` with x0 to x7 = `x`, which then holds them as they were left; how it trapped, if it did.
///
/// The word must change nothing but x0 to x17 and what the guest can do without.
pub fn run_with(word: u32, x: &mut [u64; 8]) -> Option<Trapped> {
    run_words([word], x)
}

/// Runs the instruction `word` as a big-endian guest (SCTLR_EL1.EE) with x0 to x2 = `x`, which then holds them as they were
/// left. With the MMU off: the tables would be big-endian, too.
pub fn run_big_endian(word: u32, x: &mut [u64; 3]) -> Option<Trapped> {
    /// MSR SCTLR_EL1, X3 and X4, each with an ISB behind it.
    const CONTROL_X3: u32 = 0xd518_1003;
    const CONTROL_X4: u32 = 0xd518_1004;
    const SYNCHRONIZE: u32 = 0xd503_3fdf;
    const BIG_ENDIAN: u64 = 1 << 25;
    let control = read_register!("sctlr_el1");
    let mut all = [x[0], x[1], x[2], control | BIG_ENDIAN, control, 0, 0, 0];
    let trapped = run_words([CONTROL_X3, SYNCHRONIZE, word, CONTROL_X4, SYNCHRONIZE], &mut all);
    x.copy_from_slice(&all[..3]);
    trapped
}

/// The same of some instructions, one after the other.
fn run_words<const N: usize>(words: [u32; N], x: &mut [u64; 8]) -> Option<Trapped> {
    let code = CODE.0.get();
    // SAFETY: the page is the guest's own, writable and executable, and nothing else uses it.
    unsafe {
        (&mut *code)[..N].copy_from_slice(&words);
        (*code)[N] = RETURN;
    }
    synchronise(code as usize);
    trap::probe(|| {
        // SAFETY: the code is `words` and a return; a trap skips a word. The clobbers are those of a C function.
        unsafe {
            asm!("blr {code}", code = in(reg) code, inout("x0") x[0], inout("x1") x[1], inout("x2") x[2],
                inout("x3") x[3], inout("x4") x[4], inout("x5") x[5], inout("x6") x[6], inout("x7") x[7],
                clobber_abi("C"));
        };
    })
}

/// Runs the instruction `word`, whose one register operand, if it has one, is x0, with x0 = `value`. x0 as it is left, or
/// how it trapped.
pub fn run(word: u32, value: u64) -> Result<u64, Trapped> {
    let mut x = [value, 0, 0, 0, 0, 0, 0, 0];
    run_with(word, &mut x).map_or(Ok(x[0]), Err)
}

core::arch::global_asm!(
    // Goes to EL0 at X0, with everything masked, X0 from X1 and vectors that come back from there: X0 as it is then, and
    // ESR_EL1. The caller's callee-saved registers are not touched at EL0.
    ".section .text.user, \"ax\"",
    ".global enter_user",
    "enter_user:",
    "mrs x9, vbar_el1",
    "adr x10, user_vectors",
    "msr vbar_el1, x10",
    "msr elr_el1, x0",
    "mov x10, #0x3c0",
    "msr spsr_el1, x10",
    "mov x0, x1",
    "eret",
    // Synchronous exceptions of a lower level come here.
    ".balign 0x800",
    "user_vectors:",
    ".space 0x400",
    "msr vbar_el1, x9",
    "isb",
    "mrs x1, esr_el1",
    "ret",
    ".text",
);

/// What EL0 left.
#[repr(C)]
struct UserLeft {
    x0: u64,
    esr: u64,
}

unsafe extern "C" {
    fn enter_user(code: u64, x0: u64) -> UserLeft;
}

/// SVC #0.
const CALL: u32 = 0xd400_0001;

/// Runs the instruction `word` with x0 = `value` at EL0, which must change nothing but x0 to x8, and then a call: x0 and
/// ESR_EL1 at the first exception.
pub fn run_user(word: u32, value: u64) -> (u64, u64) {
    let code = CODE.0.get();
    // SAFETY: the page is the guest's own, writable and executable, and nothing else uses it.
    unsafe {
        (*code)[0] = word;
        (*code)[1] = CALL;
    }
    synchronise(code as usize);
    // SAFETY: EL0 runs two instructions with everything masked, of which the second comes back.
    let left = unsafe { enter_user(code as u64, value) };
    // SAFETY: see above.
    unsafe { (*code)[1] = RETURN };
    synchronise(code as usize);
    (left.x0, left.esr)
}

/// MRS of `register` into x0.
pub const fn read_word(register: Encoding) -> u32 {
    0xd520_0000 | register.bits()
}

/// MSR of `register` from x0.
pub const fn write_word(register: Encoding) -> u32 {
    0xd500_0000 | register.bits()
}

/// Makes the code written at `address` visible to instruction fetch (Arm ARM DDI 0487 B2.7.4.2).
fn synchronise(address: usize) {
    clean_and_invalidate(address, cache_line());
    // SAFETY: cache maintenance and barriers.
    unsafe { asm!("ic ivau, {}", "dsb sy", "isb", in(reg) address, options(nostack)) };
}

/// Reads a system register.
pub fn read(register: Encoding) -> Result<u64, Trapped> {
    run(read_word(register), 0)
}

/// Writes a system register.
pub fn write(register: Encoding, value: u64) -> Result<(), Trapped> {
    run(write_word(register), value).map(|_| ())
}
