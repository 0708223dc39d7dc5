//! System registers: trapped, or read in place.

use crate::Bench;
use crate::vectors::ticks;

pub fn measure(bench: &Bench) {
    bench.measure("id-register", || ticks!(["mrs {value}, id_aa64pfr0_el1"], value = out(reg) _,));
    bench.measure("counter", || ticks!(["mrs {value}, cntvct_el0"], value = out(reg) _,));
    bench.measure("physical-counter", || ticks!(["mrs {value}, cntpct_el0"], value = out(reg) _,));
    bench.measure("auxiliary-control", || ticks!(["mrs {value}, actlr_el1"], value = out(reg) _,));
}
