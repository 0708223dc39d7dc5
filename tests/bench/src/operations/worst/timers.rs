//! Both timers: their expiry, which finds its vCPU with interrupts masked, and the programming of the one that is emulated.

use crate::Bench;
use crate::vectors::ticks;
use bulkhead_guests::gic::register;
use bulkhead_guests::interrupt;
use bulkhead_guests::timer::{ENABLE, Timer};

/// Ticks that a timer is set ahead, and that is looked out for it.
const AHEAD: u64 = 50_000;
const NEVER: u64 = u64::MAX >> 1;

pub fn measure(bench: &Bench) {
    let gic = interrupt::controller();
    for (name, timer, intid) in [
        ("worst-virtual-timer", Timer::Virtual, bench.machine.virtual_timer),
        ("worst-physical-timer", Timer::Physical, bench.machine.physical_timer),
    ] {
        gic.set_priority(intid, 0);
        gic.set_bit(register::ICPENDR, intid);
        bench.measure(name, || {
            timer.set(timer.count() + AHEAD);
            let gap = longest_gap(2 * AHEAD);
            timer.stop();
            // Who runs the machine reads the list registers back, and sees that the line is low again.
            gic.bit(register::ISPENDR, intid);
            gap
        });
    }
    bench.measure("worst-cntp-cval-past-write", || {
        Timer::Physical.set(NEVER);
        let ticks = ticks!(["msr cntp_cval_el0, xzr"],);
        Timer::Physical.stop();
        ticks
    });
    bench.measure("worst-cntp-ctl-off-write", || {
        Timer::Physical.set(0);
        ticks!(["msr cntp_ctl_el0, xzr"],)
    });
    bench.measure("worst-cntp-ctl-on-write", || {
        Timer::Physical.stop();
        let ticks = ticks!(["msr cntp_ctl_el0, {on}"], on = in(reg) ENABLE,);
        Timer::Physical.stop();
        ticks
    });
}

/// The most ticks between two reads of the counter next to each other, in the next `length` ticks.
fn longest_gap(length: u64) -> u64 {
    let longest: u64;
    // SAFETY: reads the counter.
    unsafe {
        core::arch::asm!(
            "mov {longest}, #0", "mrs {before}, cntvct_el0", "add {end}, {before}, {length}",
            "2: mrs {now}, cntvct_el0", "sub {gap}, {now}, {before}", "mov {before}, {now}",
            "cmp {gap}, {longest}", "csel {longest}, {gap}, {longest}, hi", "cmp {now}, {end}", "b.lo 2b",
            longest = out(reg) longest, before = out(reg) _, end = out(reg) _, now = out(reg) _, gap = out(reg) _,
            length = in(reg) length, options(nostack)
        );
    }
    longest
}
