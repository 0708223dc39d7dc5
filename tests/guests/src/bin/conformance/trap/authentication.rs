//! Pointer authentication, where the core has it (Arm ARM DDI 0487 D8.11): keys of each vCPU's own, kept over exits, and what
//! becomes of a pointer that is not authentic.

use core::sync::atomic::{AtomicU64, Ordering};

use bulkhead_guests::instruction::run_with;
use bulkhead_guests::psci::{self, function};
use bulkhead_guests::section::{self, Section};
use bulkhead_guests::trap::{Trapped, class};
use bulkhead_guests::{Machine, cpu, read_register, write_register};

use crate::crew;

/// A key with the instructions that use it: X0 with the modifier X1.
struct Key {
    name: &'static str,
    sign: u32,
    authenticate: u32,
    strip: u32,
    /// The instruction fault's ISS: whether it is one of data, and of the B key.
    fault: u64,
    set: fn(u64),
}

/// XPACI and XPACD.
const STRIP: [u32; 2] = [0xdac1_43e0, 0xdac1_47e0];

const KEYS: [Key; 4] = [
    Key {
        name: "APIA",
        sign: 0xdac1_0020,
        authenticate: 0xdac1_1020,
        strip: STRIP[0],
        fault: 0,
        set: |value| {
            write_register!("s3_0_c2_c1_0", value);
            write_register!("s3_0_c2_c1_1", !value);
        },
    },
    Key {
        name: "APIB",
        sign: 0xdac1_0420,
        authenticate: 0xdac1_1420,
        strip: STRIP[0],
        fault: 1,
        set: |value| {
            write_register!("s3_0_c2_c1_2", value);
            write_register!("s3_0_c2_c1_3", !value);
        },
    },
    Key {
        name: "APDA",
        sign: 0xdac1_0820,
        authenticate: 0xdac1_1820,
        strip: STRIP[1],
        fault: 2,
        set: |value| {
            write_register!("s3_0_c2_c2_0", value);
            write_register!("s3_0_c2_c2_1", !value);
        },
    },
    Key {
        name: "APDB",
        sign: 0xdac1_0c20,
        authenticate: 0xdac1_1c20,
        strip: STRIP[1],
        fault: 3,
        set: |value| {
            write_register!("s3_0_c2_c2_2", value);
            write_register!("s3_0_c2_c2_3", !value);
        },
    },
];

/// PACGA X0, X0, X1.
const GENERIC: u32 = 0x9ac1_3000;
/// SCTLR_EL1.EnIA, EnIB, EnDA and EnDB.
const ENABLE: u64 = 1 << 31 | 1 << 30 | 1 << 27 | 1 << 13;

const POINTER: u64 = 0x4020_1230;
const MODIFIER: u64 = 0x1234_5678;
/// What one vCPU's keys are made of, and another's.
const SEEDS: [u64; 2] = [0x0123_4567_89ab_cdef, 0xfedc_ba98_7654_3210];

/// The algorithms for addresses: ID_AA64ISAR1_EL1.APA and API, ID_AA64ISAR2_EL1.APA3.
fn algorithms() -> [u64; 3] {
    let (isar1, isar2) = (read_register!("id_aa64isar1_el1"), read_register!("s3_0_c0_c6_2"));
    [isar1 >> 4 & 0xf, isar1 >> 8 & 0xf, isar2 >> 12 & 0xf]
}

fn exists() -> bool {
    algorithms().iter().any(|algorithm| *algorithm != 0)
}

/// ID_AA64ISAR1_EL1.GPA and GPI, ID_AA64ISAR2_EL1.GPA3.
fn has_generic() -> bool {
    read_register!("id_aa64isar1_el1") >> 24 != 0 || read_register!("s3_0_c0_c6_2") >> 8 & 0xf != 0
}

/// FEAT_FPAC: authenticating what is not authentic traps.
fn faults() -> bool {
    algorithms().iter().any(|algorithm| *algorithm >= 4)
}

/// What belongs to one vCPU alone.
pub fn check() {
    if !exists() {
        return;
    }
    with_keys(SEEDS[0], || {
        KEYS.iter().for_each(|key| {
            signs(key);
            refuses(key);
        });
        if has_generic() {
            generic();
        }
    });
    let signed = KEYS.map(|key| run(key.sign, POINTER).ok());
    section::arm("D8.11").equal("with SCTLR_EL1.EnIA and the like clear nothing is signed", signed, [Some(POINTER); 4]);
}

fn section() -> Section {
    section::arm("D8.11")
}

/// Runs `body` with all instructions enabled and keys that follow from `seed`.
fn with_keys(seed: u64, body: impl FnOnce()) {
    let before = read_register!("sctlr_el1");
    write_register!("sctlr_el1", before | ENABLE);
    set_keys(seed);
    body();
    set_keys(0);
    write_register!("sctlr_el1", before);
}

/// Each key is another.
fn set_keys(seed: u64) {
    (0_u32..).zip(&KEYS).for_each(|(index, key)| (key.set)(seed.rotate_left(8 * index)));
    if has_generic() {
        set_generic_key(seed.rotate_left(32));
    }
}

fn set_generic_key(value: u64) {
    write_register!("s3_0_c2_c3_0", value);
    write_register!("s3_0_c2_c3_1", !value);
}

fn signs(key: &Key) {
    let signed = run(key.sign, POINTER);
    section().holds(format_args!("{} signs", key.name), signed.is_ok_and(|signed| signed != POINTER));
    let signed = signed.unwrap_or(0);
    section().equal(format_args!("{} stripped is what it was", key.name), run(key.strip, signed), Ok(POINTER));
    exits();
    section().equal(format_args!("{} authentic after exits", key.name), run(key.authenticate, signed), Ok(POINTER));
    let others = KEYS.iter().filter(|other| other.name != key.name);
    let alike = others.filter(|other| run(other.sign, POINTER) == Ok(signed)).count();
    section().equal(format_args!("{} signs as no other key does", key.name), alike, 0);
}

fn exits() {
    psci::psci(function::AFFINITY_INFO_64, [0; 3]);
    crate::timer::nap();
}

/// One bit changed, another modifier, another key: a fault, or a pointer that is none.
fn refuses(key: &Key) {
    let signed = run(key.sign, POINTER).unwrap_or(0);
    is_refused(key, "one with a bit changed", run(key.authenticate, signed ^ 1 << 50));
    is_refused(key, "one by another modifier", run_by(key.authenticate, signed, MODIFIER + 1));
    (key.set)(SEEDS[1]);
    is_refused(key, "one by another key", run(key.authenticate, signed));
    (key.set)(SEEDS[0]);
}

/// Without FEAT_FPAC the upper bits of what is not authentic say which key it was, and nothing is translated by it. Which of
/// them, FEAT_PAuth2 says: only that it is none is looked at.
fn is_refused(key: &Key, what: &str, outcome: Result<u64, Trapped>) {
    let name = format_args!("{what}, {}", key.name);
    let told = outcome.map_err(|trapped| (trapped.class(), trapped.esr & 0x1ff_ffff));
    if faults() {
        section::arm("D24.2.40").equal(name, told, Err((class::POINTER_AUTHENTICATION, key.fault)));
    } else {
        section().holds(name, told.is_ok_and(|pointer| pointer != POINTER && pointer >> 48 != 0));
    }
}

/// The generic key makes a code of 32 bits in the upper half, which follows from value, modifier and key.
fn generic() {
    let code = |value, modifier| run_by(GENERIC, value, modifier).unwrap_or(1);
    let first = code(POINTER, MODIFIER);
    exits();
    section().equal("PACGA gives the same after exits", code(POINTER, MODIFIER), first);
    section().equal("its lower half is zero", first & 0xffff_ffff, 0);
    let others = [code(POINTER + 4, MODIFIER), code(POINTER, MODIFIER + 1)];
    section().holds("another value and another modifier give others", !others.contains(&first));
    set_generic_key(SEEDS[1]);
    section().holds("another key gives another", code(POINTER, MODIFIER) != first);
}

static SIGNED: AtomicU64 = AtomicU64::new(0);
static AUTHENTIC: AtomicU64 = AtomicU64::new(0);

/// Each vCPU has keys of its own: those of one change none of another's, whichever exits in between.
pub fn check_several(machine: &Machine) {
    if !exists() || machine.cpus.len() < 2 {
        return;
    }
    let key = &KEYS[0];
    with_keys(SEEDS[0], || {
        let signed = run(key.sign, POINTER).unwrap_or(0);
        crew::run(1, sign_there);
        section().holds("another vCPU's key signs otherwise", SIGNED.load(Ordering::SeqCst) != signed);
        exits();
        section().equal("this vCPU's key is its own", run(key.authenticate, signed), Ok(POINTER));
        crew::run(1, authenticate_there);
        section().equal("the other's is too, job after job", AUTHENTIC.load(Ordering::SeqCst), POINTER);
    });
    cpu::disable_interrupts();
}

/// On vCPU 1, which keeps its keys.
fn sign_there(_: usize) {
    write_register!("sctlr_el1", read_register!("sctlr_el1") | ENABLE);
    set_keys(SEEDS[1]);
    SIGNED.store(run(KEYS[0].sign, POINTER).unwrap_or(0), Ordering::SeqCst);
}

fn authenticate_there(_: usize) {
    let pointer = run(KEYS[0].authenticate, SIGNED.load(Ordering::SeqCst)).unwrap_or(0);
    AUTHENTIC.store(pointer, Ordering::SeqCst);
    set_keys(0);
    write_register!("sctlr_el1", read_register!("sctlr_el1") & !ENABLE);
}

/// X0 after `word`, or how it trapped.
fn run(word: u32, x0: u64) -> Result<u64, Trapped> {
    run_by(word, x0, MODIFIER)
}

fn run_by(word: u32, x0: u64, modifier: u64) -> Result<u64, Trapped> {
    let mut x = [x0, modifier, 0, 0, 0, 0, 0, 0];
    run_with(word, &mut x).map_or(Ok(x[0]), Err)
}
