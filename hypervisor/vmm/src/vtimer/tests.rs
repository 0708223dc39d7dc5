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
