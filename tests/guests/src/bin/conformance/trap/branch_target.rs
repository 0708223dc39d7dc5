//! Branch target identification, where the core has it (FEAT_BTI): what may be the first instruction of a guarded page that
//! a branch by a register leads to (Arm ARM DDI 0487 C6.2 BTI, PACIASP and BR), and what becomes of any other (D24.2.40).

use core::arch::{asm, global_asm};

use bulkhead_guests::trap::{self, Trapped, class};
use bulkhead_guests::{mmu, read_register, section, write_register};

/// A GiB of addresses that the guest uses for nothing.
const UNUSED: usize = 9;
/// The GiB that the guest's code lies in.
const CODE: usize = 1;
/// SCTLR_EL1.BT1: PACIASP and PACIBSP are no landing pads for BR.
const STRICT: u64 = 1 << 36;

global_asm!(
    ".section .text.landing, \"ax\"",
    ".balign 8",
    "landing_pads:",
    "nop",
    "ret",
    "hint #32", // BTI
    "ret",
    "hint #34", // BTI c
    "ret",
    "hint #36", // BTI j
    "ret",
    "hint #38", // BTI jc
    "ret",
    "hint #25", // PACIASP
    "ret",
    "hint #27", // PACIBSP
    "ret",
    // A branch out of a guarded page, to X0 and by X0.
    "guarded_branch:",
    "hint #38",
    "br x0",
    // And by X16.
    "guarded_veneer:",
    "hint #38",
    "mov x16, x0",
    "br x16",
    ".text",
);

unsafe extern "C" {
    static landing_pads: u8;
    static guarded_branch: u8;
    static guarded_veneer: u8;
}

/// Landing pads, with the branch types that each lets in, a bit each; two instructions each.
const PADS: [(&str, u8); 7] = [
    ("no landing pad", 0),
    ("BTI", 0),
    ("BTI c", 1 << JUMP | 1 << CALL),
    ("BTI j", 1 << JUMP | 1 << ANY),
    ("BTI jc", 1 << JUMP | 1 << CALL | 1 << ANY),
    ("PACIASP", 1 << JUMP | 1 << CALL),
    ("PACIBSP", 1 << JUMP | 1 << CALL),
];
/// The last two of them.
const SIGNING: core::ops::Range<usize> = 5..7;

/// PSTATE.BTYPE after a branch by X16 or X17, or out of a page that is not guarded; after BLR; after any other BR.
const JUMP: u8 = 1;
const CALL: u8 = 2;
const ANY: u8 = 3;

pub fn check() {
    // ID_AA64PFR1_EL1.BT.
    if read_register!("id_aa64pfr1_el1") & 0xf == 0 {
        return;
    }
    let before = read_register!("sctlr_el1");
    for strict in [false, true] {
        write_register!("sctlr_el1", before & !STRICT | if strict { STRICT } else { 0 });
        for (index, pad) in PADS.iter().enumerate() {
            let let_in = pad.1 | if SIGNING.contains(&index) && !strict { 1 << ANY } else { 0 };
            lands(pad.0, index, let_in, strict);
        }
    }
    write_register!("sctlr_el1", before);
    let plain = trap::probe(|| call(&raw const landing_pads as usize));
    section::arm("C6.2").equal("BLR to no landing pad in a page that is not guarded", plain, None);
}

/// A branch by a register: its name, the type that it leaves, and how to go to an address by it.
type Branch = (&'static str, u8, fn(usize));

/// Comes to the landing pad `index` by each kind of branch: those in `let_in`, a bit each, lead there.
fn lands(name: &str, index: usize, let_in: u8, strict: bool) {
    let branches: [Branch; 5] = [
        ("BR", JUMP, jump),
        ("BLR", CALL, call),
        ("BR in a guarded page", ANY, |target| leave_by(&raw const guarded_branch, target)),
        ("BR X16 in a guarded page", JUMP, |target| leave_by(&raw const guarded_veneer, target)),
        ("RET", 0, come_back),
    ];
    let target = guarded((&raw const landing_pads).wrapping_add(8 * index));
    for (branch, kind, go) in branches {
        let trapped = mmu::with_guarded_at(UNUSED, CODE << 30, || trap::probe(|| go(target)));
        let expected = (kind != 0 && let_in >> kind & 1 == 0).then(|| refused(target, kind));
        let when = if strict { ", BT1 set" } else { "" };
        let name = format_args!("{branch} to {name}{when}: class, branch types, address");
        section::arm("D24.2.40").equal(name, trapped.map(told), expected);
    }
}

/// ESR_EL1.EC, its lower bits with IL, SPSR_EL1.BTYPE and ELR_EL1.
type Told = (u64, u64, u64, u64);

fn told(trapped: Trapped) -> Told {
    (trapped.class(), trapped.esr & 0x3ff_ffff, trapped.spsr >> 10 & 3, trapped.elr)
}

fn refused(target: usize, kind: u8) -> Told {
    (class::BRANCH_TARGET, 1 << 25 | u64::from(kind), kind.into(), target as u64)
}

/// The address of `code` where it lies in guarded pages.
fn guarded(code: *const u8) -> usize {
    code as usize + ((UNUSED - CODE) << 30)
}

/// BLR.
fn call(target: usize) {
    // SAFETY: what is there returns, or traps, which the probe takes for a return.
    unsafe { asm!("blr {}", in(reg) target, clobber_abi("C")) };
}

/// BR.
fn jump(target: usize) {
    // SAFETY: see `call`.
    unsafe { asm!("adr x30, 2f", "br {}", "2:", in(reg) target, clobber_abi("C")) };
}

/// RET: by a register that does not hold where the probe goes on.
fn come_back(target: usize) {
    // SAFETY: see `call`.
    unsafe { asm!("adr x30, 2f", "ret {}", "2:", in(reg) target, clobber_abi("C")) };
}

/// The branch at `veneer`, from where it lies in guarded pages.
fn leave_by(veneer: *const u8, target: usize) {
    // SAFETY: see `call`.
    unsafe { asm!("blr {}", in(reg) guarded(veneer), inout("x0") target => _, clobber_abi("C")) };
}

/// SPSR_EL1.BTYPE where BLR led to an instruction that traps: none on a core without branch types.
pub fn of_call() -> u64 {
    let has = read_register!("id_aa64pfr1_el1") & 0xf != 0;
    if has { CALL.into() } else { 0 }
}
