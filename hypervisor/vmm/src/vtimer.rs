//! The EL1 physical timer and counter, which are emulated: both must be offset like the virtual ones, and few
//! cores can do that (CNTPOFF_EL2). The virtual timer is the hardware's (Arm ARM DDI 0487 D12.2.4).

use crate::vcpu::Timers;

const ENABLE: u64 = 1;
const MASK: u64 = 1 << 1;
const STATUS: u64 = 1 << 2;

/// The timer's three registers, with `now` the guest's counter.
#[derive(Debug)]
pub struct PhysicalTimer<'t> {
    timers: &'t mut Timers,
    now: u64,
}

impl<'t> PhysicalTimer<'t> {
    /// The timer of the vCPU with `timers` at the guest's counter value `now`.
    pub fn new(timers: &'t mut Timers, now: u64) -> Self {
        Self { timers, now }
    }

    /// CNTP_CTL_EL0.
    pub fn control(&self) -> u64 {
        self.timers.physical_control | if self.expired() { STATUS } else { 0 }
    }

    /// Writes CNTP_CTL_EL0: ISTATUS is read-only, the upper bits are RES0.
    pub fn set_control(&mut self, value: u64) {
        self.timers.physical_control = value & (ENABLE | MASK);
    }

    /// CNTP_CVAL_EL0.
    pub fn compare(&self) -> u64 {
        self.timers.physical_compare
    }

    /// Writes CNTP_CVAL_EL0.
    pub fn set_compare(&mut self, value: u64) {
        self.timers.physical_compare = value;
    }

    /// CNTP_TVAL_EL0: what is left, in 32 bits.
    pub fn value(&self) -> u64 {
        self.timers.physical_compare.wrapping_sub(self.now) & 0xffff_ffff
    }

    /// Writes CNTP_TVAL_EL0, a signed 32-bit distance from now.
    pub fn set_value(&mut self, value: u64) {
        let distance = ((value << 32) as i64 >> 32) as u64;
        self.timers.physical_compare = self.now.wrapping_add(distance);
    }

    /// The level of the timer's interrupt line.
    pub fn line(&self) -> bool {
        self.expired() && self.timers.physical_control & MASK == 0
    }

    /// Ticks until the line goes up by itself, at least 1; `None` if it is up, or will not.
    pub fn ticks_left(&self) -> Option<u64> {
        let waits = self.timers.physical_control & (ENABLE | MASK) == ENABLE && !self.expired();
        waits.then(|| self.timers.physical_compare.wrapping_sub(self.now))
    }

    /// TimerConditionMet: ISTATUS while the timer is enabled.
    fn expired(&self) -> bool {
        self.timers.physical_control & ENABLE != 0 && self.now >= self.timers.physical_compare
    }
}

#[cfg(test)]
mod tests;
