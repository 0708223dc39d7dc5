//! Loads and stores of devices whose syndrome a hypervisor is not told (Arm ARM DDI 0487 D19.2.37, ISV): a driver may use
//! whatever its compiler chose.

use bulkhead_guests::console::{address, register as uart};
use bulkhead_guests::gic::{Gic, PRIORITY, register};
use bulkhead_guests::instruction::run_with;
use bulkhead_guests::memory::{read32, read64, write32};
use bulkhead_guests::trap::{Trapped, class};
use bulkhead_guests::{read_register, section, write_register};

/// The first of eight SPIs that no device of the machine uses. Their priorities are not aligned to eight bytes: QEMU would
/// make one access of eight of a pair of words, which its own GICv3 refuses.
const FREE_SPIS: usize = 68;

/// An address of QEMU's `virt` map, and of Bulkhead's ordinary machine, where nothing is.
const NOTHING: u64 = 0x0b00_0000;

/// Runs `word` with X0, X1 and X2: they as it left them, and how it trapped.
fn run(word: u32, [x0, x1, x2]: [u64; 3]) -> ([u64; 3], Option<Trapped>) {
    let mut x = [x0, x1, x2, 0, 0, 0, 0, 0];
    let trapped = run_with(word, &mut x);
    ([x[0], x[1], x[2]], trapped)
}

/// Checks what `word` leaves in X0, X1 and X2 when it does not trap.
fn runs(name: &str, when: &str, word: u32, before: [u64; 3], after: [u64; 3]) {
    let (left, trapped) = run(word, before);
    section::arm("D24.2").holds(format_args!("{name} does not trap, {when}"), trapped.is_none());
    section::arm("D24.2").equal(format_args!("{name}, {when}"), left, after);
}

pub fn check(gic: &Gic, when: &str) {
    controller(gic, when);
    bytes(gic, when);
    if gic.version() == 3 {
        double_words(gic, when);
    } else {
        own_sgi(gic, when);
    }
    serial_port(when);
    others(gic, when);
}

/// Pairs of words of GICD, in each form.
fn controller(gic: &Gic, when: &str) {
    let base = gic.distributor() + register::TYPER;
    let [first, second] = [0, 4].map(|offset| u64::from(read32(base + offset)));
    let at = base as u64;
    runs("ldp w0, w1, [x2]", when, 0x2940_0440, [1, 1, at], [first, second, at]);
    runs("ldp w0, w1, [x2], #8", when, 0x28c1_0440, [1, 1, at], [first, second, at + 8]);
    runs("ldp w0, w1, [x2, #-16]!", when, 0x29fe_0440, [1, 1, at + 16], [first, second, at]);
    runs("ldnp w0, w1, [x2, #4]", when, 0x2840_8440, [1, 1, at - 4], [first, second, at - 4]);
    runs("ldp w0, w2, [x2]", when, 0x2940_0840, [1, 1, at], [first, 1, second]);
    runs("ldr w0, [x2], #-4", when, 0xb85f_c440, [1, 1, at], [first, 1, at - 4]);
    runs("ldp wzr, w1, [x2]", when, 0x2940_045f, [1, 1, at], [1, second, at]);
    let priorities = gic.distributor() + register::IPRIORITYR + FREE_SPIS;
    let at = priorities as u64;
    runs("stp w0, w1, [x2], #8", when, 0x2881_0440, [0x8050_6070, 0x7060_5040, at], [0x8050_6070, 0x7060_5040, at + 8]);
    section::arm("D24.2").equal(format_args!("a pair is stored, {when}"), read32(priorities), 0x8050_6070);
    section::arm("D24.2").equal(format_args!("its second word is, {when}"), read32(priorities + 4), 0x7060_5040);
    runs("ldpsw x0, x1, [x2]", when, 0x6940_0440, [1, 1, at], [0xffff_ffff_8050_6070, 0x7060_5040, at]);
}

/// A field of bytes as a loop fills and reads it.
fn bytes(gic: &Gic, when: &str) {
    let at = (gic.distributor() + register::IPRIORITYR + FREE_SPIS) as u64;
    runs("strb w0, [x2], #1", when, 0x3800_1440, [0x30, 1, at], [0x30, 1, at + 1]);
    runs("strb w0, [x2, #1]!", when, 0x3800_1c40, [0x90, 1, at], [0x90, 1, at + 1]);
    section::arm("D24.2").equal(format_args!("bytes are stored, {when}"), read32(at as usize), 0x8050_9030);
    runs("ldrb w0, [x2], #1", when, 0x3840_1440, [1, 1, at + 1], [0x90, 1, at + 2]);
    runs("ldrsb w0, [x2], #1", when, 0x38c0_1440, [1, 1, at + 1], [0xffff_ff90, 1, at + 2]);
    runs("ldrsb x0, [x2, #1]!", when, 0x3880_1c40, [1, 1, at], [0xffff_ffff_ffff_ff90, 1, at + 1]);
    runs("ldrb wzr, [x2, #1]", when, 0x3940_045f, [1, 1, at], [1, 1, at]);
    runs("strb wzr, [x2, #1]", when, 0x3900_045f, [1, 1, at], [1, 1, at]);
    section::arm("D24.2").equal(
        format_args!("XZR is zero after a load into it, {when}"),
        read32(at as usize),
        0x8050_0030,
    );
    for word in [0, 4] {
        write32(at as usize + word, u32::from_le_bytes([PRIORITY; 4]));
    }
}

/// GICD_IROUTER, a pair of which is sixteen bytes.
fn double_words(gic: &Gic, when: &str) {
    let routers = gic.distributor() + register::IROUTER + FREE_SPIS * 8;
    // All bits that a route has.
    let (at, away) = (routers as u64, 0xff_00ff_ffff);
    runs("stp x0, x1, [x2]", when, 0xa900_0440, [away, 0, at], [away, 0, at]);
    section::arm("D24.2").equal(
        format_args!("a pair of routes is stored, {when}"),
        [read64(routers), read64(routers + 8)],
        [away, 0],
    );
    runs("ldp x0, x1, [x2], #16", when, 0xa8c1_0440, [1, 1, at], [away, 0, at + 16]);
    runs("str x1, [x2], #8", when, 0xf800_8441, [1, 0, at], [1, 0, at + 8]);
    section::arm("D24.2").equal(format_args!("the route is as it was, {when}"), read64(routers), 0);
}

/// GICD_SGIR, by a store that changes its base: SGI 5 to oneself.
fn own_sgi(gic: &Gic, when: &str) {
    let (base, sgi) = (gic.distributor(), 2 << 24 | 5);
    let at = (base + register::SGIR) as u64;
    runs("str w0, [x2], #4", when, 0xb800_4440, [sgi, 1, at], [sgi, 1, at + 4]);
    section::arm("D24.2").equal(
        format_args!("an SGI is pending, {when}"),
        read32(base + register::ISPENDR) & 0xffff,
        1 << 5,
    );
    write32(base + register::CPENDSGIR + 4, 0xff << 8);
    section::arm("D24.2").equal(format_args!("it is no longer, {when}"), read32(base + register::ISPENDR) & 0xffff, 0);
}

/// The divisors of the baud rate, which stand one behind the other, and nothing but them is touched.
fn serial_port(when: &str) {
    let divisors = address(uart::INTEGER_BAUD_RATE);
    let at = divisors as u64;
    let before = [0, 4].map(|offset| u64::from(read32(divisors + offset)));
    runs("stp w0, w1, [x2] to the UART", when, 0x2900_0440, [26, 3, at], [26, 3, at]);
    runs("ldp w0, w1, [x2] from the UART", when, 0x2940_0440, [1, 1, at], [26, 3, at]);
    runs("ldrh w0, [x2], #4 from the UART", when, 0x7840_4440, [1, 1, at], [26, 1, at + 4]);
    runs("stp w0, w1, [x2] as it was", when, 0x2900_0440, [before[0], before[1], at], [before[0], before[1], at]);
}

/// What the guest has on the side stays as it is, and what cannot be done is an abort.
fn others(gic: &Gic, when: &str) {
    let at = (gic.distributor() + register::TYPER) as u64;
    let before = read_register!("par_el1");
    write_register!("par_el1", 0x1234_5000_u64);
    run(0x2940_0440, [1, 1, at]);
    section::arm("D24.2").equal(format_args!("PAR_EL1 stays, {when}"), read_register!("par_el1"), 0x1234_5000_u64);
    write_register!("par_el1", before);
    // The UART ends with its page, and nothing is behind it: the second access is an abort of the same instruction.
    let (_, whole) = run(0xb940_0040, [1, 1, NOTHING]);
    // LDP W2, W1, [X2]: what its first access loaded is its base, which is as it was.
    let uart_end = address(0xffc) as u64;
    let (left, half) = run(0x2940_0442, [1, 1, uart_end]);
    section::arm("D24.2").equal(format_args!("half a pair leaves its base, {when}"), left[2], uart_end);
    let told = |trapped: Option<Trapped>| trapped.map(|it| (it.class(), it.elr));
    section::arm("D24.2").equal(format_args!("half a pair is an abort, {when}"), told(half), told(whole));
    section::arm("D24.2")
        .holds(format_args!("it is a data abort, {when}"), half.is_some_and(|it| it.class() == class::DATA_ABORT));
}
