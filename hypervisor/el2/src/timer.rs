//! The generic timer at EL2 (Arm ARM DDI 0487 D12): the counter, and CNTHP for the hypervisor's own deadlines.

use crate::sysreg;

/// CNT*_CTL: the timer counts and its interrupt is not masked.
const ENABLE: u64 = 1;

/// The physical counter, in ticks of [`frequency`]. Cortex-A73 may get it wrong while the low half overflows (erratum 858921): of
/// two reads, one on each side, the first is right.
// Read in many places, of which few are quick ones.
#[inline(never)]
pub fn counter() -> u64 {
    let (first, second) = (plain_counter(), sysreg::read!("cntpct_el0"));
    if (first ^ second) & 1 << 32 != 0 { first } else { second }
}

/// The same, with that erratum: for statistics.
pub fn plain_counter() -> u64 {
    aarch64_cpu::asm::barrier::isb(aarch64_cpu::asm::barrier::SY);
    sysreg::read!("cntpct_el0")
}

/// Ticks of the counter in a second, as the firmware left it in CNTFRQ_EL0.
pub fn frequency() -> u64 {
    sysreg::read!("cntfrq_el0")
}

/// Arms CNTHP for the counter value `deadline`; `None` stops it.
pub fn arm(deadline: Option<u64>) {
    match deadline {
        Some(deadline) => {
            sysreg::write!("cnthp_cval_el2", deadline);
            sysreg::write!("cnthp_ctl_el2", ENABLE);
        }
        None => sysreg::write!("cnthp_ctl_el2", 0),
    }
}

/// Whether the virtual timer is enabled, not masked, and its condition is met (CNTV_CTL_EL0).
pub fn virtual_line() -> bool {
    sysreg::read!("cntv_ctl_el0") & 0b111 == 0b101
}
