//! Accesses to addresses where nothing is: a synchronous external abort, told precisely.

pub mod order;
pub mod transfers;
pub mod walk;

use core::arch::asm;

use bulkhead_guests::memory::{read8, read16, read32, read64, write8, write32, write64};
use bulkhead_guests::section;
use bulkhead_guests::trap::{self, EXTERNAL_ABORT, Trapped, class};

use crate::trap::branch_target;

/// An address of QEMU's `virt` map, and of Bulkhead's ordinary machine, where nothing is.
const NOTHING: usize = 0x0b00_0000;
/// ESR_EL1.ISS.FnV: FAR_EL1 is not valid.
const NOT_VALID: u64 = 1 << 10;
/// Fault status of an access that is not aligned.
const ALIGNMENT: u64 = 0x21;
/// ESR_EL1.ISS.WnR of a data abort.
const WRITE: u64 = 1 << 6;

pub fn check(when: &str) {
    let probes: [(&str, fn(), u64); 8] = [
        (
            "byte read",
            || {
                read8(NOTHING);
            },
            0,
        ),
        (
            "half-word read",
            || {
                read16(NOTHING);
            },
            0,
        ),
        (
            "word read",
            || {
                read32(NOTHING);
            },
            0,
        ),
        (
            "double-word read",
            || {
                read64(NOTHING);
            },
            0,
        ),
        ("byte write", || write8(NOTHING, 1), WRITE),
        ("word write", || write32(NOTHING, 1), WRITE),
        ("double-word write", || write64(NOTHING, 1), WRITE),
        ("pair read", read_pair, 0),
    ];
    for (name, access, direction) in probes {
        let expected = (class::DATA_ABORT, EXTERNAL_ABORT, direction, NOTHING as u64);
        is_abort(format_args!("{name} of nothing, {when}"), trap::probe(access), expected);
    }
}

/// An access at an address, its offset from a frame, and its direction.
type Probe = (&'static str, fn(usize), usize, u64);

/// An access to a device that is not aligned faults before it gets there, inside a frame as outside.
pub fn misaligned(distributor: usize, when: &str) {
    let probes: [Probe; 4] = [
        ("half-word read", |at| _ = read16(at), 0x101, 0),
        ("word read", |at| _ = read32(at), 0x402, 0),
        ("word write", |at| write32(at, 0), 0x403, WRITE),
        ("double-word read", |at| _ = read64(at), 0x404, 0),
    ];
    for (name, access, offset, direction) in probes {
        let at = distributor + offset;
        let expected = (class::DATA_ABORT, ALIGNMENT, direction, at as u64);
        is_abort(format_args!("misaligned {name} of a device, {when}"), trap::probe(|| access(at)), expected);
    }
}

/// A load pair has no syndrome that an emulator could use: the abort must come all the same.
fn read_pair() {
    // SAFETY: nothing is there to be changed.
    unsafe { asm!("ldp {}, {}, [{}]", out(reg) _, out(reg) _, in(reg) NOTHING, options(nostack)) };
}

fn is_abort(name: impl core::fmt::Display, trapped: Option<Trapped>, expected: (u64, u64, u64, u64)) {
    match trapped {
        Some(t) => section::arm("D24.2").equal(
            name,
            (t.class(), t.fault_status(), t.esr & (WRITE | NOT_VALID), t.far),
            expected,
        ),
        None => section::arm("D24.2").failed(name, "expected an external abort got none"),
    }
}

/// A jump to nothing is an external abort of the fetch; to an odd address a PC alignment fault. MMU off.
pub fn fetch() {
    let jumped = jump(NOTHING);
    is_abort("jump to nothing", jumped, (class::INSTRUCTION_ABORT, EXTERNAL_ABORT, 0, NOTHING as u64));
    section::arm("D24.2").equal("jump to nothing, return address", jumped.map(|t| t.elr), Some(NOTHING as u64));
    let branch_type = jumped.map(|t| t.spsr >> 10 & 3);
    section::arm("D24.2").equal("jump to nothing, branch type", branch_type, Some(branch_target::of_call()));
    let odd = jump(0x4020_0002);
    section::arm("D24.2").equal("jump to an odd address", odd.map(|t| t.class()), Some(class::PC_ALIGNMENT));
    let beyond = trap::probe(|| {
        read32(1 << 47);
    });
    section::arm("D24.2").equal("read beyond every address", beyond.map(|t| t.class()), Some(class::DATA_ABORT));
}

fn jump(address: usize) -> Option<Trapped> {
    trap::probe(|| {
        // SAFETY: the fetch traps, and the probe returns to the instruction after the branch.
        unsafe { asm!("blr {}", in(reg) address, clobber_abi("C")) };
    })
}
