//! The generic timer (Arm ARM DDI 0487 D12): both EL1 timers and the counter.

use core::arch::asm;

use crate::{read_register, write_register};

/// CNTx_CTL: ENABLE.
pub const ENABLE: u64 = 1;
/// CNTx_CTL: IMASK.
pub const MASK: u64 = 2;
/// CNTx_CTL: ISTATUS.
pub const STATUS: u64 = 4;

/// Counter ticks per second.
pub fn frequency() -> u64 {
    read_register!("cntfrq_el0")
}

/// The virtual counter, not read ahead of earlier instructions.
pub fn count() -> u64 {
    // SAFETY: a barrier.
    unsafe { asm!("isb", options(nostack)) };
    read_register!("cntvct_el0")
}

/// The physical counter, not read ahead of earlier instructions.
pub fn physical_count() -> u64 {
    // SAFETY: a barrier.
    unsafe { asm!("isb", options(nostack)) };
    read_register!("cntpct_el0")
}

/// Spins for `ticks` of the virtual counter.
pub fn spin(ticks: u64) {
    let start = count();
    while count().wrapping_sub(start) < ticks {}
}

/// One of the two EL1 timers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timer {
    /// CNTV, on the virtual counter.
    Virtual,
    /// CNTP, on the physical counter.
    Physical,
}

impl Timer {
    /// The counter that the timer compares with.
    pub fn count(self) -> u64 {
        match self {
            Self::Virtual => count(),
            Self::Physical => physical_count(),
        }
    }

    /// Fires once the counter reaches `compare`.
    pub fn set(self, compare: u64) {
        match self {
            Self::Virtual => write_register!("cntv_cval_el0", compare),
            Self::Physical => write_register!("cntp_cval_el0", compare),
        }
        self.control(ENABLE);
    }

    /// Fires `ticks` from now, by the TVAL view (a signed 32-bit difference).
    pub fn set_after(self, ticks: u32) {
        match self {
            Self::Virtual => write_register!("cntv_tval_el0", u64::from(ticks)),
            Self::Physical => write_register!("cntp_tval_el0", u64::from(ticks)),
        }
        self.control(ENABLE);
    }

    /// Stops the timer; its interrupt line goes low.
    pub fn stop(self) {
        self.control(0);
    }

    /// Writes the control register.
    pub fn control(self, value: u64) {
        match self {
            Self::Virtual => write_register!("cntv_ctl_el0", value),
            Self::Physical => write_register!("cntp_ctl_el0", value),
        }
    }

    /// Reads the control register.
    pub fn status(self) -> u64 {
        match self {
            Self::Virtual => read_register!("cntv_ctl_el0"),
            Self::Physical => read_register!("cntp_ctl_el0"),
        }
    }

    /// Reads the compare value.
    pub fn compare(self) -> u64 {
        match self {
            Self::Virtual => read_register!("cntv_cval_el0"),
            Self::Physical => read_register!("cntp_cval_el0"),
        }
    }
}
