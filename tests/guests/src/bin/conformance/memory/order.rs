//! Devices are little-endian, and stay so for a guest that is not: what it loads of them, and stores, has its bytes
//! reversed (Arm ARM DDI 0487 B2.6.1, SCTLR_EL1.EE and E0E).

use bulkhead_guests::console::{address, register as uart};
use bulkhead_guests::gic::{Gic, PRIORITY, register};
use bulkhead_guests::instruction::{run_big_endian, run_user};
use bulkhead_guests::memory::{read32, write32, write64};
use bulkhead_guests::{read_register, section, write_register};

/// The first of eight SPIs that no device of the machine uses.
const FREE_SPIS: usize = 68;
/// SCTLR_EL1.E0E.
const BIG_ENDIAN_AT_EL0: u64 = 1 << 24;

/// Checks what `word`, run big-endian, leaves in X0, X1 and X2.
fn runs(name: &str, word: u32, before: [u64; 3], after: [u64; 3]) {
    let mut x = before;
    let trapped = run_big_endian(word, &mut x);
    section::arm("B2.6.1").holds(format_args!("{name} does not trap"), trapped.is_none());
    section::arm("B2.6.1").equal(format_args!("{name}, big-endian"), x, after);
}

/// With the MMU off.
pub fn check(gic: &Gic) {
    loads(gic);
    stores(gic);
    serial_port();
    if gic.version() == 3 {
        double_words(gic);
    } else {
        own_sgi(gic);
    }
    user(gic);
}

fn reversed(word: u32) -> u64 {
    word.swap_bytes().into()
}

fn loads(gic: &Gic) {
    let base = gic.distributor() + register::TYPER;
    let [first, second] = [0, 4].map(|offset| reversed(read32(base + offset)));
    let at = base as u64;
    runs("ldr w0, [x2]", 0xb940_0040, [1, 1, at], [first, 1, at]);
    runs("ldr w0, [x2], #4", 0xb840_4440, [1, 1, at], [first, 1, at + 4]);
    runs("ldp w0, w1, [x2]", 0x2940_0440, [1, 1, at], [first, second, at]);
    runs("ldr wzr, [x2]", 0xb940_005f, [1, 1, at], [1, 1, at]);
}

fn stores(gic: &Gic) {
    let priorities = gic.distributor() + register::IPRIORITYR + FREE_SPIS;
    let at = priorities as u64;
    runs("str w0, [x2]", 0xb900_0040, [0x1020_3040, 1, at], [0x1020_3040, 1, at]);
    section::arm("B2.6.1").equal("a word is stored reversed", read32(priorities), 0x4030_2010);
    runs("strb w0, [x2]", 0x3900_0040, [0x50, 1, at], [0x50, 1, at]);
    section::arm("B2.6.1").equal("a byte is stored as it is", read32(priorities), 0x4030_2050);
    let (first, second) = (0x1020_3040, 0x5060_7080);
    runs("stp w0, w1, [x2], #8", 0x2881_0440, [first, second, at], [first, second, at + 8]);
    section::arm("B2.6.1").equal(
        "each word of a pair is stored reversed",
        [0, 4].map(|offset| read32(priorities + offset)),
        [0x4030_2010, 0x8070_6050],
    );
    for word in [0, 4] {
        write32(priorities + word, u32::from_le_bytes([PRIORITY; 4]));
    }
}

/// Half-words, whose sign is that of the byte which is the first on the bus.
fn serial_port() {
    let divisor = address(uart::INTEGER_BAUD_RATE);
    let before = read32(divisor);
    write32(divisor, 0x0180);
    let at = divisor as u64;
    runs("ldrh w0, [x2] from the UART", 0x7940_0040, [1, 1, at], [0x8001, 1, at]);
    runs("ldrsh w0, [x2] from the UART", 0x79c0_0040, [1, 1, at], [0xffff_8001, 1, at]);
    runs("ldrsh x0, [x2] from the UART", 0x7980_0040, [1, 1, at], [0xffff_ffff_ffff_8001, 1, at]);
    write32(divisor, before);
}

/// GICD_IROUTER, with the bits that a route has.
fn double_words(gic: &Gic) {
    let router = gic.distributor() + register::IROUTER + FREE_SPIS * 8;
    let (at, away) = (router as u64, 0x12_0034_5678_u64);
    write64(router, away);
    runs("ldr x0, [x2]", 0xf940_0040, [1, 1, at], [away.swap_bytes(), 1, at]);
    runs("str xzr, [x2]", 0xf900_005f, [1, 1, at], [1, 1, at]);
    runs("ldr x0, [x2], once more", 0xf940_0040, [1, 1, at], [0, 1, at]);
}

/// GICD_SGIR: SGI 5 to oneself.
fn own_sgi(gic: &Gic) {
    let (base, sgi) = (gic.distributor(), reversed(2 << 24 | 5));
    let at = (base + register::SGIR) as u64;
    runs("str w0, [x2]", 0xb900_0040, [sgi, 1, at], [sgi, 1, at]);
    section::arm("B2.6.1").equal("an SGI is pending", read32(base + register::ISPENDR) & 0xffff, 1 << 5);
    write32(base + register::CPENDSGIR + 4, 0xff << 8);
}

/// At EL0 it is E0E that counts, and at EL1 not.
fn user(gic: &Gic) {
    /// LDR W0, [X0].
    const LOAD: u32 = 0xb940_0000;
    let typer = gic.distributor() + register::TYPER;
    let little = read32(typer);
    let control = read_register!("sctlr_el1");
    write_register!("sctlr_el1", control | BIG_ENDIAN_AT_EL0);
    let at_el1 = read32(typer);
    let at_el0 = run_user(LOAD, typer as u64).0;
    write_register!("sctlr_el1", control);
    section::arm("B2.6.1").equal("a load by EL1 with E0E", at_el1, little);
    section::arm("B2.6.1").equal("a load by EL0 with E0E", at_el0, reversed(little));
    section::arm("B2.6.1").equal("a load by EL0 without", run_user(LOAD, typer as u64).0, little.into());
}
