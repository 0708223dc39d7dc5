//! More pending and active interrupts than any virtual CPU interface has list registers.

use arrayvec::ArrayVec;
use bulkhead_guests::cpu;
use bulkhead_guests::gic::{Gic, register};

use super::either;
use super::interface::{
    IDLE, Register, SPURIOUS, acknowledge, end, forget, group_priorities_from, is_signalled, pend, running, split_end,
    write,
};

/// The first of the SPIs used; no device of the machine raises any of them.
const FIRST: u32 = 48;
/// Levels of priority that every controller distinguishes (16), less those that the mask keeps out.
const LEVELS: u32 = 15;
/// A step that goes round all of either number of SPIs, so that they become pending in no order.
const STRIDE: u32 = 7;

/// An SPI of level `level`.
fn intid(level: u32) -> u32 {
    FIRST + level
}

fn pend_all(gic: &Gic) {
    for step in 0..LEVELS {
        let level = step * STRIDE % LEVELS;
        pend(gic, intid(level), (level * 0x10) as u8);
    }
}

/// The most urgent pending interrupt, once it is signalled.
fn take(gic: &Gic) -> u32 {
    if is_signalled() { acknowledge(gic) } else { SPURIOUS }
}

pub fn check(gic: &Gic) {
    cpu::disable_interrupts();
    group_priorities_from(gic, 1);
    in_order(gic);
    nested(gic);
    active_at_once(gic);
    crowd(gic);
}

/// Each taken and ended before the next.
fn in_order(gic: &Gic) {
    pend_all(gic);
    let wrong = (0..LEVELS).map(|level| (take(gic), intid(level))).find(|(taken, expected)| {
        end(gic, *taken);
        taken != expected
    });
    let section = either(gic, "3.3", "4.8");
    section.equal("fifteen pending SPIs by priority: taken and expected", wrong, None);
    section.equal("none comes twice", take(gic), SPURIOUS);
    (0..LEVELS).for_each(|level| forget(gic, intid(level)));
}

/// All active at once, each having preempted the last.
fn nested(gic: &Gic) {
    let levels = || (0..LEVELS).rev();
    let wrong = levels().find(|level| {
        pend(gic, intid(*level), (level * 0x10) as u8);
        take(gic) != intid(*level) || running(gic) != level * 0x10
    });
    let section = either(gic, "3.3.1", "4.8.4");
    section.equal("fifteen SPIs preempt one another: the level that does not", wrong, None);
    let inactive = levels().find(|level| !gic.bit(register::ISACTIVER, intid(*level)));
    section.equal("all are active: the level that is not", inactive, None);
    let wrong = (0..LEVELS).find(|level| {
        let before = running(gic);
        end(gic, intid(*level));
        before != level * 0x10 || gic.bit(register::ISACTIVER, intid(*level))
    });
    section.equal("they end in the opposite order: the level that does not", wrong, None);
    section.equal("nothing runs", running(gic), IDLE);
    (0..LEVELS).for_each(|level| forget(gic, intid(level)));
}

/// All active at once after their priorities were dropped, some of them pending again, deactivated in no order.
fn active_at_once(gic: &Gic) {
    let section = either(gic, "4.4.15", "4.1");
    split_end(gic, true);
    pend_all(gic);
    let wrong = (0..LEVELS).map(|level| (take(gic), intid(level))).find(|(taken, expected)| {
        end(gic, *taken);
        taken != expected
    });
    section.equal("fifteen SPIs with their priorities dropped: taken and expected", wrong, None);
    let again = |level: u32| level.is_multiple_of(3);
    (0..LEVELS).filter(|level| again(*level)).for_each(|level| gic.set_bit(register::ISPENDR, intid(level)));
    let taken = take(gic);
    end(gic, taken);
    section.equal("none is given out while it is active", taken, SPURIOUS);
    let wrong = (0..LEVELS).find(|step| {
        let level = step * STRIDE % LEVELS;
        write(gic, Register::Deactivate, intid(level));
        let expected = if again(level) { intid(level) } else { SPURIOUS };
        let taken = take(gic);
        if taken != SPURIOUS {
            end(gic, taken);
            write(gic, Register::Deactivate, taken);
        }
        taken != expected || gic.bit(register::ISACTIVER, intid(level))
    });
    section.equal("deactivated in no order: the step that goes wrong", wrong, None);
    split_end(gic, false);
    (0..LEVELS).for_each(|level| forget(gic, intid(level)));
}

/// Every SPI there is but the first few, which devices may have.
fn crowd(gic: &Gic) {
    let intids = FIRST..gic.lines();
    let count = intids.len() as u32;
    let level = |intid: u32| (intid * 5 % LEVELS * 0x10) as u8;
    for step in 0..count {
        let intid = FIRST + step * STRIDE % count;
        pend(gic, intid, level(intid));
    }
    let mut seen = [0_u64; 16];
    let mut wrong = ArrayVec::<u32, 4>::new();
    let mut last = 0;
    for _ in intids.clone() {
        let intid = take(gic);
        end(gic, intid);
        let word = seen.get_mut(intid as usize / 64);
        let is_new =
            word.is_some_and(|word| core::mem::replace(word, *word | 1 << (intid % 64)) >> (intid % 64) & 1 == 0);
        if (!intids.contains(&intid) || !is_new || level(intid) < last) && !wrong.is_full() {
            wrong.push(intid);
        }
        last = if intids.contains(&intid) { level(intid) } else { last };
    }
    let section = either(gic, "3.3", "4.8");
    section.equal(
        "all SPIs from 48 on, each once and none before a more urgent one: those that were not",
        wrong.as_slice(),
        [],
    );
    section.equal("none is left", take(gic), SPURIOUS);
    intids.for_each(|intid| forget(gic, intid));
}
