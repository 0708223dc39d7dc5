//! EL0's access to counters and timers, as CNTKCTL_EL1 says (Arm ARM DDI 0487 D24.10).
//!
//! Left out: that the event stream (CNTKCTL_EL1.EVNTEN) ends a WFE. QEMU's WFE does not sleep.

use core::sync::atomic::{AtomicU64, Ordering};

use bulkhead_guests::instruction::{self, Encoding};
use bulkhead_guests::timer::{MASK, Timer};
use bulkhead_guests::trap::class;
use bulkhead_guests::{Machine, read_register, section, write_register};

use crate::crew;

/// CNTKCTL_EL1: EL0PCTEN, EL0VCTEN, EL0VTEN, EL0PTEN.
const PHYSICAL_COUNTER: u64 = 1;
const VIRTUAL_COUNTER: u64 = 1 << 1;
const VIRTUAL_TIMER: u64 = 1 << 8;
const PHYSICAL_TIMER: u64 = 1 << 9;
/// These, and EVNTEN, EVNTDIR and EVNTI.
const ALL: u64 = 0x3ff;

/// Registers, and the bits any of which lets EL0 read them.
const REGISTERS: [(&str, Encoding, u64); 9] = [
    ("CNTFRQ_EL0", Encoding::new(3, 3, 14, 0, 0), PHYSICAL_COUNTER | VIRTUAL_COUNTER),
    ("CNTPCT_EL0", Encoding::new(3, 3, 14, 0, 1), PHYSICAL_COUNTER),
    ("CNTVCT_EL0", Encoding::new(3, 3, 14, 0, 2), VIRTUAL_COUNTER),
    ("CNTP_TVAL_EL0", Encoding::new(3, 3, 14, 2, 0), PHYSICAL_TIMER),
    ("CNTP_CTL_EL0", Encoding::new(3, 3, 14, 2, 1), PHYSICAL_TIMER),
    ("CNTP_CVAL_EL0", Encoding::new(3, 3, 14, 2, 2), PHYSICAL_TIMER),
    ("CNTV_TVAL_EL0", Encoding::new(3, 3, 14, 3, 0), VIRTUAL_TIMER),
    ("CNTV_CTL_EL0", Encoding::new(3, 3, 14, 3, 1), VIRTUAL_TIMER),
    ("CNTV_CVAL_EL0", Encoding::new(3, 3, 14, 3, 2), VIRTUAL_TIMER),
];
/// Those of them that can be written are the timers': the frequency is EL3's, and a counter is read only.
const WRITABLE: core::ops::Range<usize> = 3..9;

pub fn check() {
    let bits = [PHYSICAL_COUNTER, VIRTUAL_COUNTER, VIRTUAL_TIMER, PHYSICAL_TIMER];
    for subset in 0..16_u64 {
        let allowed = bits.iter().enumerate().filter(|(index, _)| subset >> index & 1 != 0).map(|(_, bit)| bit).sum();
        write_register!("cntkctl_el1", allowed);
        let wrong = REGISTERS.iter().find(|(_, register, by)| !is_read(*register, by & allowed != 0));
        let name = format_args!("CNTKCTL_EL1 {allowed:#x}: the register that EL0 reads or not wrongly");
        section::arm("D24.10").equal(name, wrong.map(|(name, ..)| *name), None);
        let wrong = REGISTERS[WRITABLE].iter().find(|(_, register, by)| !is_written(*register, by & allowed != 0));
        let name = format_args!("CNTKCTL_EL1 {allowed:#x}: the register that EL0 writes or not wrongly");
        section::arm("D24.10").equal(name, wrong.map(|(name, ..)| *name), None);
    }
    read_only();
    values();
    write_register!("cntkctl_el1", 0);
}

/// EL0 reads `register`, or the read traps to EL1 as one of this register.
fn is_read(register: Encoding, allowed: bool) -> bool {
    is_as_told(instruction::run_user(instruction::read_word(register), 0).1, register.syndrome() | 1, allowed)
}

fn is_written(register: Encoding, allowed: bool) -> bool {
    is_as_told(instruction::run_user(instruction::write_word(register), 0).1, register.syndrome(), allowed)
}

/// Whether ESR_EL1 is that of the call after the access, or `trapped`.
fn is_as_told(esr: u64, trapped: u64, allowed: bool) -> bool {
    if allowed { esr >> 26 & 0x3f == class::CALL_64 } else { esr == trapped }
}

/// Writes to the others are undefined, whatever EL0 may read.
fn read_only() {
    write_register!("cntkctl_el1", ALL);
    for (name, register, _) in &REGISTERS[..WRITABLE.start] {
        let esr = instruction::run_user(instruction::write_word(*register), 0).1;
        section::arm("D24.10").equal(format_args!("{name} written by EL0"), esr >> 26 & 0x3f, class::UNKNOWN);
    }
}

/// What EL0 writes is what EL1 reads, and the other way round.
fn values() {
    const COMPARE: u64 = 0x7654_3210_89ab_cdef;
    for (timer, control, compare) in
        [(Timer::Physical, &REGISTERS[4], &REGISTERS[5]), (Timer::Virtual, &REGISTERS[7], &REGISTERS[8])]
    {
        instruction::run_user(instruction::write_word(compare.1), COMPARE);
        section::arm("D12.2.4").equal(format_args!("{} written by EL0", compare.0), timer.compare(), COMPARE);
        instruction::run_user(instruction::write_word(control.1), MASK);
        section::arm("D12.2.4").equal(format_args!("{} written by EL0", control.0), timer.status() & 3, MASK);
        timer.stop();
        timer.set(!COMPARE);
        timer.stop();
        let seen = instruction::run_user(instruction::read_word(compare.1), 0).0;
        section::arm("D12.2.4").equal(format_args!("{} read by EL0", compare.0), seen, !COMPARE);
    }
}

static THERE: AtomicU64 = AtomicU64::new(0);

/// CNTKCTL_EL1 holds what is written, on each vCPU its own.
pub fn check_several(machine: &Machine) {
    const OWN: u64 = 0x155;
    write_register!("cntkctl_el1", OWN);
    if machine.cpus.len() > 1 {
        crew::run(1, |_| {
            write_register!("cntkctl_el1", ALL & !OWN);
            THERE.store(read_register!("cntkctl_el1"), Ordering::SeqCst);
            write_register!("cntkctl_el1", 0);
        });
        let there = THERE.load(Ordering::SeqCst);
        section::arm("D24.10").equal("CNTKCTL_EL1 of another vCPU", there & ALL, ALL & !OWN);
    }
    section::arm("D24.10").equal("CNTKCTL_EL1 of this vCPU", read_register!("cntkctl_el1") & ALL, OWN);
    write_register!("cntkctl_el1", 0);
}
