//! The timers' condition and their level, to the letter (Arm ARM DDI 0487 D12.2): what CVAL and TVAL say of each other, and
//! an interrupt that is there as long as the line is.

use bulkhead_guests::gic::{Gic, register};
use bulkhead_guests::timer::{self, ENABLE, MASK, STATUS, Timer};
use bulkhead_guests::{Machine, cpu, read_register, section, write_register};

use crate::gic::interface::{SPURIOUS, acknowledge, end, is_signalled};

/// A moment that never comes, and some ticks that do not go by while a few instructions run.
const NEVER: u64 = u64::MAX;
const LONG: u64 = 1 << 40;

pub fn check(machine: &Machine, gic: &Gic, native: bool) {
    cpu::disable_interrupts();
    if !native {
        beginning();
    }
    for (timer, intid) in [(Timer::Virtual, machine.virtual_timer), (Timer::Physical, machine.physical_timer)] {
        conditions(timer);
        views(timer);
        lines(timer, intid, gic);
        timer.stop();
        gic.enable(intid);
    }
}

/// A guest's counters begin near 0: this one has not run for ten minutes.
fn beginning() {
    let section = section::arm("D12.2.2");
    section.holds("the virtual counter began near 0", timer::count() < 600 * timer::frequency());
    section.holds("the physical counter began near 0", timer::physical_count() < 600 * timer::frequency());
    let [first, between, last] = [timer::count(), timer::physical_count(), timer::count()];
    section.holds("both are the same", first <= between && between <= last);
}

/// CTL is what was written and ISTATUS, whose value is unknown while the timer is off.
fn conditions(timer: Timer) {
    let section = section::arm("D12.2.4");
    let status = |compare: u64, control: u64| {
        timer.control(0);
        timer.set(compare);
        timer.control(control);
        timer.status()
    };
    let past = timer.count();
    for (name, compare, control, expected) in [
        ("off", past, 0, 0),
        ("expired", past, ENABLE, ENABLE | STATUS),
        ("expired at 0", 0, ENABLE, ENABLE | STATUS),
        ("expired and masked", past, ENABLE | MASK, ENABLE | MASK | STATUS),
        ("in the future", past + LONG, ENABLE, ENABLE),
        ("never", NEVER, ENABLE | MASK, ENABLE | MASK),
        ("ISTATUS and reserved bits written", past + LONG, !MASK, ENABLE),
    ] {
        let mask = if control & ENABLE == 0 { !STATUS } else { !0 };
        section.equal(format_args!("{timer:?} control, {name}"), status(compare, control) & mask, expected);
    }
}

fn read_value(timer: Timer) -> u64 {
    match timer {
        Timer::Virtual => read_register!("cntv_tval_el0"),
        Timer::Physical => read_register!("cntp_tval_el0"),
    }
}

fn write_value(timer: Timer, value: u64) {
    match timer {
        Timer::Virtual => write_register!("cntv_tval_el0", value),
        Timer::Physical => write_register!("cntp_tval_el0", value),
    }
}

/// TVAL is the lower half of CVAL less the counter, signed where it is written.
fn views(timer: Timer) {
    let section = section::arm("D12.2.4");
    timer.control(0);
    for (name, value, distance) in [
        ("a positive TVAL", 0x1234_5678_u64, 0x1234_5678_i64),
        ("the largest TVAL", 0x7fff_ffff, 0x7fff_ffff),
        ("a negative TVAL", 0xffff_fff0, -16),
        ("the most negative TVAL", 0x8000_0000, -0x8000_0000),
        ("a TVAL with an upper half", 0xdead_beef_0000_1000, 0x1000),
    ] {
        let before = timer.count();
        write_value(timer, value);
        let after = timer.count();
        let (low, high) = (before.wrapping_add_signed(distance), after.wrapping_add_signed(distance));
        let is_between = timer.compare().wrapping_sub(low) <= high.wrapping_sub(low);
        section.holds(format_args!("{timer:?} {name} makes CVAL"), is_between);
    }
    for (name, compare) in [("a future", timer.count() + LONG + 5), ("a past", 7), ("a far", 1 << 62)] {
        timer.set(compare);
        timer.control(0);
        let before = timer.count();
        let value = read_value(timer);
        let after = timer.count();
        let (low, high) = (compare.wrapping_sub(after) as u32, compare.wrapping_sub(before) as u32);
        let is_between = (value as u32).wrapping_sub(low) <= high.wrapping_sub(low) && value >> 32 == 0;
        section.holds(format_args!("{timer:?} TVAL reads {name} CVAL's distance in 32 bits"), is_between);
        section.equal(format_args!("{timer:?} {name} CVAL"), timer.compare(), compare);
    }
}

/// Whether the timer's interrupt is pending in the distributor's eyes.
fn is_pending(gic: &Gic, intid: u32) -> bool {
    gic.bit(register::ISPENDR, intid)
}

/// The interrupt is there while the line is high, and no longer.
fn lines(timer: Timer, intid: u32, gic: &Gic) {
    let section = section::arm("D12.2.4");
    gic.enable(intid);
    timer.set(timer.count());
    section.equal(
        format_args!("{timer:?} expired is signalled"),
        (is_signalled(), is_pending(gic, intid)),
        (true, true),
    );
    timer.set(NEVER);
    let seen = (is_pending(gic, intid), is_signalled(), acknowledge(gic));
    section.equal(format_args!("{timer:?} moved to the future is not"), seen, (false, false, SPURIOUS));
    timer.set(timer.count());
    section.equal(format_args!("{timer:?} moved back is"), (is_signalled(), is_pending(gic, intid)), (true, true));
    timer.control(ENABLE | MASK);
    let seen = (is_pending(gic, intid), is_signalled(), acknowledge(gic));
    section.equal(format_args!("{timer:?} masked is not"), seen, (false, false, SPURIOUS));
    timer.control(ENABLE);
    section.equal(format_args!("{timer:?} comes"), (is_signalled(), acknowledge(gic)), (true, intid));
    section.equal(
        format_args!("{timer:?} is not given out while it is active"),
        (is_signalled(), acknowledge(gic)),
        (false, SPURIOUS),
    );
    in_service(timer, intid, gic);
    end(gic, intid);
    if gic.version() == 2 && timer == Timer::Virtual {
        look_again(timer);
    }
    section.equal(format_args!("{timer:?} comes again, still high"), (is_signalled(), acknowledge(gic)), (true, intid));
    timer.stop();
    end(gic, intid);
    let seen = (is_signalled(), is_pending(gic, intid), acknowledge(gic));
    section.equal(format_args!("{timer:?} stopped does not"), seen, (false, false, SPURIOUS));
    timer.set(timer.count());
    section.equal(format_args!("{timer:?} comes once more"), (is_signalled(), acknowledge(gic)), (true, intid));
    timer.set(NEVER);
    end(gic, intid);
    section.equal(
        format_args!("{timer:?} moved on in its handler does not"),
        (is_signalled(), acknowledge(gic)),
        (false, SPURIOUS),
    );
    gic.disable(intid);
    timer.set(timer.count());
    let seen = (is_signalled(), is_pending(gic, intid));
    section.equal(format_args!("{timer:?} disabled is pending, not signalled"), seen, (false, true));
    gic.set_bit(register::ICPENDR, intid);
    section.equal(format_args!("{timer:?} cannot be cleared while it is high"), is_pending(gic, intid), true);
    timer.stop();
    section.equal(format_args!("{timer:?} goes with its line"), is_pending(gic, intid), false);
}

/// While its interrupt is active it is pending too as long as its line is high, in both registers (IHI 0048 4.3.7, IHI 0069
/// 4.1.2).
fn in_service(timer: Timer, intid: u32, gic: &Gic) {
    let section = section::arm("D12.2.4");
    let seen = |gic: &Gic| [register::ISPENDR, register::ICPENDR, register::ISACTIVER].map(|each| gic.bit(each, intid));
    section.equal(format_args!("{timer:?} in service is pending while it is high"), seen(gic), [true; 3]);
    timer.control(ENABLE | MASK);
    section.equal(format_args!("{timer:?} masked in service is not"), seen(gic), [false, false, true]);
    timer.control(ENABLE);
    section.equal(format_args!("{timer:?} unmasked in service is again"), seen(gic), [true; 3]);
    gic.set_bit(register::ICPENDR, intid);
    section.equal(format_args!("{timer:?} in service cannot be cleared"), seen(gic), [true; 3]);
    timer.set(NEVER);
    section.equal(format_args!("{timer:?} moved on in service is not"), seen(gic), [false, false, true]);
    timer.set(timer.count());
}

/// Under a hypervisor QEMU 10's GICv2 deactivates the physical interrupt with the virtual one, and asks what is pending then
/// only when a line changes or the physical controller is accessed.
fn look_again(timer: Timer) {
    timer.control(ENABLE | MASK);
    timer.control(ENABLE);
}
