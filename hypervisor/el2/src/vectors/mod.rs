//! EL2's exception vectors.

use crate::boot::EMERGENCY_STACK_TOP;
use crate::cpu;
use bulkhead_vmm::vcpu::GeneralRegisters;
use core::arch::{asm, global_asm};

global_asm!(include_str!("vectors.s"), emergency_stack_top = const EMERGENCY_STACK_TOP);

unsafe extern "C" {
    static vectors: u8;
    fn probe(address: u64) -> u64;
}

/// Points this core's VBAR_EL2 at the vectors.
pub fn install() {
    let address = &raw const vectors as u64;
    // SAFETY: the table is aligned to 2 KiB and mapped executable.
    unsafe {
        asm!("msr vbar_el2, {}", "isb", in(reg) address, options(nostack, preserves_flags));
    }
}

/// Runs the guest whose general registers are `registers` until its next exception to EL2; returns the number
/// of the vector taken: 0 synchronous, 1 IRQ, 2 FIQ, 3 SError.
#[inline(always)]
pub fn enter(registers: &mut GeneralRegisters) -> u64 {
    let vector;
    // SAFETY: guest_enter keeps X19, X29 and the stack; all else is said to change. The guest runs at EL1 in its
    // own address space, by HCR_EL2 and VTTBR_EL2, which guest.rs set when it loaded the vCPU.
    unsafe {
        asm!("bl guest_enter", inout("x0") &raw mut *registers => vector,
            out("x20") _, out("x21") _, out("x22") _, out("x23") _, out("x24") _,
            out("x25") _, out("x26") _, out("x27") _, out("x28") _, clobber_abi("C"));
    }
    vector
}

/// Whether the word at `address` can be read, or nothing answers there: a read of absent memory ends in a synchronous
/// external abort (Arm ARM DDI 0487 D1.3.6.2), or, as a system chooses, in an SError, which ends more than the read. Only
/// for the boot core: it shares the emergency stack. `address` must be mapped, and a multiple of 4.
pub fn can_be_read(address: u64) -> bool {
    // SAFETY: it reads one word, and uses the registers that the procedure call standard leaves it.
    unsafe { probe(address) != 0 }
}

/// What vectors.s stores of an exception of our own.
#[repr(C)]
struct OwnException {
    x: [u64; 31],
    pc: u64,
    esr: u64,
    sp: u64,
}

const _: () = assert!(size_of::<OwnException>() == 272);
const _: () = assert!(core::mem::offset_of!(GeneralRegisters, pc) == 256);
const _: () = assert!(align_of::<GeneralRegisters>() == 16, "the stack pointer points there");

#[unsafe(no_mangle)]
extern "C" fn own_exception_report(vector: u64, exception: &OwnException) {
    let far = crate::sysreg::read!("far_el2");
    crate::panic::report(
        format_args!(
            "exception {vector} at EL2: ESR {:#x} FAR {far:#x} PC {:#x} LR {:#x} SP {:#x} X0 {:#x} X1 {:#x}",
            exception.esr, exception.pc, exception.x[30], exception.sp, exception.x[0], exception.x[1]
        ),
        exception.sp,
    );
    cpu::halt()
}
