//! System registers: trapped, or read in place.

use crate::Bench;
use crate::vectors::ticks;

pub fn measure(bench: &Bench) {
    bench.measure("id-register", || ticks!(["mrs {value}, id_aa64pfr0_el1"], value = out(reg) _,));
    bench.measure("counter", || ticks!(["mrs {value}, cntvct_el0"], value = out(reg) _,));
    bench.measure("physical-counter", || ticks!(["mrs {value}, cntpct_el0"], value = out(reg) _,));
    // Stopped: what is written is kept, and nothing comes of it.
    bench.measure("cntp-cval-write", || ticks!(["msr cntp_cval_el0, {value}"], value = in(reg) u64::MAX >> 1,));
    bench.measure("cntp-ctl-read", || ticks!(["mrs {value}, cntp_ctl_el0"], value = out(reg) _,));
    bench.measure("auxiliary-control", || ticks!(["mrs {value}, actlr_el1"], value = out(reg) _,));
}
