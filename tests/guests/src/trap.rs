//! Exceptions: reported and fatal, unless a probe expects them.

use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::{check, console, cpu, interrupt, read_register, smp};

core::arch::global_asm!(include_str!("vectors.s"));

/// What the vectors save of the interrupted code.
#[repr(C)]
pub struct Frame {
    /// x0 to x30.
    pub x: [u64; 31],
    /// Where the exception returns to.
    pub elr: u64,
    /// The processor state it returns with.
    pub spsr: u64,
    padding: u64,
}

/// A synchronous exception or SError that a probe caught.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trapped {
    /// ESR_EL1.
    pub esr: u64,
    /// FAR_EL1; meaningful for aborts only.
    pub far: u64,
    /// ELR_EL1: the instruction's own address.
    pub elr: u64,
    /// SPSR_EL1: the processor state at the instruction.
    pub spsr: u64,
}

impl Trapped {
    /// ESR_EL1.EC (Arm ARM DDI 0487 D24.2.40).
    pub fn class(&self) -> u64 {
        self.esr >> 26 & 0x3f
    }

    /// The fault status code of an abort, `ESR_EL1.ISS[5:0]`.
    pub fn fault_status(&self) -> u64 {
        self.esr & 0x3f
    }
}

/// Exception classes that the guests look for.
pub mod class {
    /// Undefined instruction or register.
    pub const UNKNOWN: u64 = 0x00;
    /// A branch to what may not be a branch's target.
    pub const BRANCH_TARGET: u64 = 0x0d;
    /// SVC.
    pub const CALL_64: u64 = 0x15;
    /// Trapped MRS, MSR or system instruction.
    pub const SYSTEM_REGISTER: u64 = 0x18;
    /// A pointer that is not authentic.
    pub const POINTER_AUTHENTICATION: u64 = 0x1c;
    /// Instruction abort, same exception level.
    pub const INSTRUCTION_ABORT: u64 = 0x21;
    /// PC alignment fault.
    pub const PC_ALIGNMENT: u64 = 0x22;
    /// Data abort, same exception level.
    pub const DATA_ABORT: u64 = 0x25;
}

/// Fault status of a synchronous external abort that is not on a translation table walk.
pub const EXTERNAL_ABORT: u64 = 0x10;

/// One vCPU's probe: whether one is open, and what it caught.
struct Probe {
    open: AtomicBool,
    caught: AtomicBool,
    esr: AtomicU64,
    far: AtomicU64,
    elr: AtomicU64,
    spsr: AtomicU64,
}

static PROBES: [Probe; smp::MAXIMUM] = [const {
    Probe {
        open: AtomicBool::new(false),
        caught: AtomicBool::new(false),
        esr: AtomicU64::new(0),
        far: AtomicU64::new(0),
        elr: AtomicU64::new(0),
        spsr: AtomicU64::new(0),
    }
}; smp::MAXIMUM];

/// Runs `body`, one instruction of which may trap; says what it trapped with, if it did. The instruction is skipped;
/// one that was fetched from outside the guest's image instead returns to its caller (x30), so `body` gets there by BLR.
#[must_use]
pub fn probe(body: impl FnOnce()) -> Option<Trapped> {
    let probe = &PROBES[cpu::index()];
    probe.caught.store(false, Ordering::SeqCst);
    probe.open.store(true, Ordering::SeqCst);
    body();
    // An SError or a late abort must arrive while the probe is open.
    // SAFETY: barriers.
    unsafe { core::arch::asm!("dsb sy", "isb", options(nostack)) };
    probe.open.store(false, Ordering::SeqCst);
    probe.caught.load(Ordering::SeqCst).then(|| Trapped {
        esr: probe.esr.load(Ordering::SeqCst),
        far: probe.far.load(Ordering::SeqCst),
        elr: probe.elr.load(Ordering::SeqCst),
        spsr: probe.spsr.load(Ordering::SeqCst),
    })
}

unsafe extern "C" {
    static _image_start: u8;
    static _data_end: u8;
}

fn in_code(address: u64) -> bool {
    (&raw const _image_start as u64..&raw const _data_end as u64).contains(&address)
}

/// Called by the vectors; `number` is the vector's, 0 to 15.
#[unsafe(no_mangle)]
extern "C" fn exception_main(number: u64, frame: &mut Frame) {
    match number & 3 {
        0 => synchronous(number, frame),
        1 | 2 => interrupt::dispatch(),
        _ => system_error(number, frame),
    }
}

fn synchronous(number: u64, frame: &mut Frame) {
    if !caught(frame) {
        fatal("synchronous exception", number, frame);
    }
    frame.elr = if in_code(frame.elr) { frame.elr + 4 } else { frame.x[30] };
}

fn system_error(number: u64, frame: &mut Frame) {
    if !caught(frame) {
        fatal("SError", number, frame);
    }
}

/// Records the exception of `frame` if a probe is open here.
fn caught(frame: &Frame) -> bool {
    let probe = &PROBES[cpu::index().min(smp::MAXIMUM - 1)];
    if !probe.open.load(Ordering::SeqCst) {
        return false;
    }
    probe.esr.store(read_register!("esr_el1"), Ordering::SeqCst);
    probe.far.store(read_register!("far_el1"), Ordering::SeqCst);
    probe.elr.store(frame.elr, Ordering::SeqCst);
    probe.spsr.store(frame.spsr, Ordering::SeqCst);
    probe.caught.store(true, Ordering::SeqCst);
    true
}

fn fatal(kind: &str, number: u64, frame: &Frame) -> ! {
    // A second exception while this one is told would tell itself for ever: drop the vectors' help then.
    static TELLING: AtomicBool = AtomicBool::new(false);
    if TELLING.load(Ordering::Relaxed) {
        check::end_failed();
    }
    TELLING.store(true, Ordering::Relaxed);
    console::seize();
    crate::println!(
        "guest: unexpected {kind} (vector {number}) on vCPU {}: esr={:#x} elr={:#x} far={:#x} spsr={:#x} lr={:#x}",
        cpu::index(),
        read_register!("esr_el1"),
        frame.elr,
        read_register!("far_el1"),
        frame.spsr,
        frame.x[30]
    );
    check::end_failed()
}
