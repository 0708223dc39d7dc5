//! Pointer authentication, where the core has it (Arm ARM DDI 0487 D8.11): keys of the guest's own, kept over exits.

use bulkhead_guests::instruction::run_with;
use bulkhead_guests::psci::{self, function};
use bulkhead_guests::{read_register, section, write_register};

/// PACIA, AUTIA, XPACI: X0 with the modifier X1.
const SIGN: u32 = 0xdac1_0020;
const AUTHENTICATE: u32 = 0xdac1_1020;
const STRIP: u32 = 0xdac1_43e0;
/// SCTLR_EL1.EnIA.
const ENABLE: u64 = 1 << 31;
/// ID_AA64ISAR1_EL1.APA and API, and ID_AA64ISAR2_EL1.APA3: algorithms for addresses.
const ALGORITHMS: [u64; 2] = [0xff << 4, 0xf << 12];

const POINTER: u64 = 0x4020_1230;
const MODIFIER: u64 = 0x1234_5678;

pub fn check() {
    let shown = [read_register!("id_aa64isar1_el1"), read_register!("s3_0_c0_c6_2")];
    if shown.iter().zip(ALGORITHMS).all(|(register, fields)| register & fields == 0) {
        return;
    }
    let before = read_register!("sctlr_el1");
    write_register!("sctlr_el1", before | ENABLE);
    set_keys(0x0123_4567_89ab_cdef);
    let signed = run(SIGN, POINTER);
    let section = section::arm("D8.11");
    section.holds("a signed pointer is another", signed.is_some_and(|signed| signed != POINTER));
    let signed = signed.unwrap_or(0);
    section.equal("it strips to what it was", run(STRIP, signed), Some(POINTER));
    psci::psci(function::AFFINITY_INFO_64, [0; 3]);
    crate::timer::nap();
    section.equal("it is authentic after exits", run(AUTHENTICATE, signed), Some(POINTER));
    section.holds("one with a bit changed is not", run(AUTHENTICATE, signed ^ 1 << 50) != Some(POINTER));
    set_keys(0xfedc_ba98_7654_3210);
    section.holds("by another key it is not", run(AUTHENTICATE, signed) != Some(POINTER));
    set_keys(0);
    write_register!("sctlr_el1", before);
}

/// APIAKeyLo_EL1, APIAKeyHi_EL1.
fn set_keys(value: u64) {
    write_register!("s3_0_c2_c1_0", value);
    write_register!("s3_0_c2_c1_1", !value);
}

/// X0 after `word`, unless that traps.
fn run(word: u32, x0: u64) -> Option<u64> {
    let mut x = [x0, MODIFIER, 0, 0, 0, 0, 0, 0];
    run_with(word, &mut x).is_none().then_some(x[0])
}
