//! Faults that are given back to the guest, to the first instruction of its handler.

use crate::Bench;
use crate::vectors::ticks_to_handler;

/// Where no machine of ours has anything.
const NOWHERE: u64 = 0x1_0000;

pub fn measure(bench: &Bench) {
    // An implementation defined register (HCR_EL2.TIDCP; undefined where there is none).
    bench.measure("undefined-register", || ticks_to_handler!(["mrs {value}, s3_0_c15_c15_7"], value = out(reg) _,));
    if bench.machine.arguments.flag("native") {
        return;
    }
    bench.measure(
        "external-abort",
        || ticks_to_handler!(["ldr {value:w}, [{address}]"], value = out(reg) _, address = in(reg) NOWHERE,),
    );
}
