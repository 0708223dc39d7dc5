//! EL0's access to counters and timers, as CNTKCTL_EL1 says (Arm ARM DDI 0487 D24.10).

use bulkhead_guests::instruction::{self, Encoding};
use bulkhead_guests::trap::class;
use bulkhead_guests::{section, write_register};

/// CNTKCTL_EL1: EL0PCTEN, EL0VCTEN, EL0VTEN, EL0PTEN.
const PHYSICAL_COUNTER: u64 = 1;
const VIRTUAL_COUNTER: u64 = 1 << 1;
const VIRTUAL_TIMER: u64 = 1 << 8;
const PHYSICAL_TIMER: u64 = 1 << 9;

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

pub fn check() {
    for allowed in [0, PHYSICAL_COUNTER, VIRTUAL_COUNTER, VIRTUAL_TIMER, PHYSICAL_TIMER] {
        write_register!("cntkctl_el1", allowed);
        let wrong = REGISTERS.iter().find(|(_, register, by)| !is_as_told(*register, by & allowed != 0));
        let name = format_args!("CNTKCTL_EL1 {allowed:#x}: the register that EL0 reads or not wrongly");
        section::arm("D24.10").equal(name, wrong.map(|(name, ..)| *name), None);
    }
    write_register!("cntkctl_el1", 0);
}

/// EL0 reads `register`, or the read traps to EL1 as one of this register.
fn is_as_told(register: Encoding, allowed: bool) -> bool {
    let class = read(register) >> 26 & 0x3f;
    class == if allowed { class::CALL_64 } else { class::SYSTEM_REGISTER }
}

/// ESR_EL1 after EL0 read `register` and, if that did not trap, made a call.
fn read(register: Encoding) -> u64 {
    instruction::run_user(instruction::read_word(register), 0).1
}
