//! The physical timer's registers and line.

use super::*;

#[test]
fn the_line_rises_at_the_compare_value() {
    let mut timers = Timers::default();
    let mut timer = PhysicalTimer::new(&mut timers, 1000);
    timer.set_value(10);
    assert!(!timer.line() && timer.ticks_left().is_none());
    timer.set_control(ENABLE);
    assert_eq!((timer.line(), timer.ticks_left(), timer.control()), (false, Some(10), ENABLE));
    let timer = PhysicalTimer::new(&mut timers, 1010);
    assert_eq!((timer.line(), timer.ticks_left(), timer.control()), (true, None, ENABLE | STATUS));
    assert_eq!(PhysicalTimer::new(&mut timers, 1011).value(), 0xffff_ffff);
}

#[test]
fn a_masked_timer_shows_its_status_and_keeps_its_line_low() {
    let mut timers = Timers::default();
    let mut timer = PhysicalTimer::new(&mut timers, 5);
    timer.set_value(u64::from(u32::MAX));
    timer.set_control(u64::MAX);
    assert_eq!(timer.compare(), 4);
    assert_eq!((timer.line(), timer.control()), (false, ENABLE | MASK | STATUS));
}

#[test]
fn what_is_left_never_wraps() {
    for now in [0, 1, 1000, u64::MAX - 1] {
        for compare in [0, 1, 999, 1001, 1 << 63, u64::MAX - 1, u64::MAX] {
            let mut timers = Timers { physical_control: ENABLE, physical_compare: compare, ..Timers::default() };
            let timer = PhysicalTimer::new(&mut timers, now);
            assert_eq!(timer.line(), now >= compare);
            assert_eq!(timer.ticks_left(), compare.checked_sub(now).filter(|left| *left > 0));
        }
    }
}

/// CNTP_CTL_EL0 (Arm ARM DDI 0487 D19.12): ENABLE (0), IMASK (1), ISTATUS (2), in numbers, since the code's names are on
/// trial.
#[test]
fn the_control_register_has_the_architectures_bits() {
    let mut timers = Timers::default();
    let mut timer = PhysicalTimer::new(&mut timers, 1000);
    timer.set_compare(1000);
    assert_eq!((timer.compare(), timer.value()), (1000, 0));
    for (written, read, line) in
        [(0, 0, false), (1, 5, true), (2, 2, false), (3, 7, false), (4, 0, false), (!0, 7, false)]
    {
        timer.set_control(written);
        assert_eq!((timer.control(), timer.line()), (read, line), "{written:#x}");
    }
    timer.set_compare(1001);
    for (written, read) in [(0, 0), (1, 1), (3, 3)] {
        timer.set_control(written);
        assert_eq!((timer.control(), timer.line()), (read, false), "{written:#x}");
    }
}
