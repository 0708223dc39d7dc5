//! What the physical timer of a guest must do (Arm ARM DDI 0487 D12.2.4, D19.12), to judge the emulated one by.

use super::register;
use bulkhead_vmm::exit::SystemRegister;

const ENABLE: u64 = 1;
const MASK: u64 = 1 << 1;
const STATUS: u64 = 1 << 2;
/// Ticks after which an interrupt whose line is high has come at the latest.
const LATE: u64 = 200;

/// A timer, and the access that is under way.
#[derive(Debug, Default)]
pub struct Oracle {
    control: u64,
    /// The compare value at least and at most: TVAL counts from when it is carried out, which is not seen.
    compare: (u64, u64),
    /// An access that was trapped: the register, what is written, the counter's value then, and where a result goes.
    trapped: Option<(SystemRegister, Option<u64>, u64, u8)>,
    /// Since when its line is surely high.
    high_since: Option<u64>,
    /// It may be high.
    may_be_high: bool,
    /// What happened.
    pub rises: Rises,
}

/// How often the line of the timer may have gone high.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rises {
    /// In all.
    pub all: u64,
    /// With no write under way: only the timer itself can have raised it.
    pub expiries: u64,
    /// By itself while a write was under way: a deadline came before the write took it away, or right after the
    /// write had set it.
    pub near_writes: u64,
}

impl Oracle {
    fn line(&self, count: u64, compare: u64) -> bool {
        self.control & (ENABLE | MASK) == ENABLE && count >= compare
    }

    /// The guest's access to one of the timer's registers traps. `write` is what it writes.
    pub fn trap(&mut self, register: SystemRegister, write: Option<u64>, count: u64, transfer: u8) {
        self.trapped = Some((register, write, count, transfer));
    }

    /// The guest is about to go on, with the counter at `count`: checks what it has read, if it has, and that it was
    /// not kept waiting for an interrupt.
    pub fn check(&mut self, count: u64, get: impl Fn(u8) -> u64) {
        match self.trapped.take() {
            Some((register, Some(value), then, _)) => {
                self.rises.near_writes += u64::from(self.rise(count));
                self.write(register, value, then, count);
                let rose = self.rise(count);
                self.rises.all += u64::from(rose);
                self.rises.near_writes += u64::from(rose && self.compare.1 > then);
            }
            trapped => {
                if let Some((register, None, then, transfer)) = trapped.filter(|(.., transfer)| *transfer != 31) {
                    let got = get(transfer);
                    let right = (then..=count).any(|at| self.reads(register, got, at));
                    assert!(right, "{register:?} reads {got:#x} between {then} and {count}: {self:?}");
                }
                let rose = self.rise(count);
                self.rises.all += u64::from(rose);
                self.rises.expiries += u64::from(rose);
            }
        }
        if !self.line(count, self.compare.1) {
            self.high_since = None;
            return;
        }
        let since = *self.high_since.get_or_insert(count);
        assert!(count - since < LATE, "the line of the physical timer is high since {since}, now {count}");
    }

    /// Whether the line may have gone high since this was last asked, with the counter at `count`.
    fn rise(&mut self, count: u64) -> bool {
        let may_be_high = self.line(count, self.compare.0);
        may_be_high && !std::mem::replace(&mut self.may_be_high, may_be_high)
    }

    fn write(&mut self, register: SystemRegister, value: u64, then: u64, now: u64) {
        let distance = i64::from(value as u32 as i32) as u64;
        match register {
            register::CNTP_CTL_EL0 => self.control = value & (ENABLE | MASK),
            register::CNTP_CVAL_EL0 => self.compare = (value, value),
            register::CNTP_TVAL_EL0 => self.compare = (then.wrapping_add(distance), now.wrapping_add(distance)),
            _ => return,
        }
        // Between two writes the line may have been low, or high, unseen.
        (self.may_be_high, self.high_since) = (false, None);
    }

    /// Whether `register` can have read as `got` when the counter was `count`.
    fn reads(&self, register: SystemRegister, got: u64, count: u64) -> bool {
        let (low, high) = self.compare;
        let status = |compare| if self.control & ENABLE != 0 && count >= compare { STATUS } else { 0 };
        match register {
            register::CNTP_CTL_EL0 => [low, high].iter().any(|compare| got == self.control | status(*compare)),
            register::CNTP_CVAL_EL0 => (low..=high).contains(&got),
            register::CNTP_TVAL_EL0 => (low..=high).any(|compare| got == compare.wrapping_sub(count) & 0xffff_ffff),
            _ => got == count,
        }
    }
}
