//! Aborts in every form, and registers that are undefined, to the first instruction of the guest's handler.

use crate::Bench;
use crate::samples;
use crate::vectors::{fetch, ticks, ticks_to_handler};
use bulkhead_guests::{interrupt, read_register, timer, write_register};

/// Where the machine has nothing, and the guest's first stage of translation a device.
const NOWHERE: u64 = 0x1_0000;
/// Where the machine has nothing, and the guest's first stage of translation memory.
const NO_MEMORY: u64 = 0x6000_0000;
/// Aborts of which the hypervisor says a word each, and after the last of them one more.
const TOLD: usize = 8;
/// Ticks in which a message is on the wire.
const SETTLED: u64 = 1_000_000;
/// The lowest address that TTBR1_EL1 translates, for 39 bits of them.
const UPPER: u64 = u64::MAX << 39;

/// The first aborts, which cost a message each.
pub fn told(bench: &Bench) {
    let load_later = || {
        timer::spin(SETTLED);
        load()
    };
    bench.say(samples::take(TOLD, load_later).line("worst-told-abort"));
    // The core that keeps house must be done with it: while it finds the VM busy, it looks again and again.
    timer::spin(SETTLED);
}

fn load() -> u64 {
    ticks_to_handler!(["ldr {value:w}, [{address}]"], value = out(reg) _, address = in(reg) NOWHERE,)
}

pub fn measure(bench: &Bench) {
    bench.measure("worst-load-nowhere", load);
    bench.measure("worst-store-nowhere", || ticks_to_handler!(["str wzr, [{address}]"], address = in(reg) NOWHERE,));
    let device = interrupt::controller().distributor() as u64;
    // The syndrome does not describe a pair: its instruction is read.
    bench.measure(
        "worst-pair-at-device",
        || ticks!(["ldp {a:w}, {b:w}, [{address}]"], a = out(reg) _, b = out(reg) _, address = in(reg) device,),
    );
    bench.measure(
        "worst-size-at-device",
        || ticks!(["ldrh {value:w}, [{address}]"], value = out(reg) _, address = in(reg) device,),
    );
    bench.measure("worst-maintenance-nowhere", || ticks!(["dc civac, {address}"], address = in(reg) NO_MEMORY,));
    bench.measure("worst-fetch-nowhere", || fetch(NO_MEMORY));
    walk(bench);
    registers(bench);
}

/// A table walk that leads where there is no memory (TCR_EL1: T1SZ 25, EPD1 0, TG1 4 KiB, Arm ARM DDI 0487 D24.2.191).
fn walk(bench: &Bench) {
    let before = read_register!("tcr_el1");
    write_register!("ttbr1_el1", NO_MEMORY);
    write_register!("tcr_el1", before & !(1 << 23) | 25 << 16 | 2 << 30);
    bench.measure(
        "worst-walk-nowhere",
        || ticks_to_handler!(["ldr {value:w}, [{address}]"], value = out(reg) _, address = in(reg) UPPER,),
    );
    write_register!("tcr_el1", before);
}

/// Registers that the machine has not, one of each kind: implementation defined, debug, performance monitors, another
/// interrupt controller's.
fn registers(bench: &Bench) {
    macro_rules! undefined {
        ($register:literal) => {
            ticks_to_handler!([concat!("mrs {value}, ", $register)], value = out(reg) _,)
        };
    }
    bench.measure("worst-undefined-register", || {
        let all = [
            undefined!("s3_0_c15_c15_7"),
            undefined!("s2_0_c0_c15_7"),
            undefined!("s2_3_c7_c7_0"),
            undefined!("s3_3_c9_c12_0"),
            undefined!("s3_0_c12_c11_5"),
        ];
        all.into_iter().max().unwrap_or(0)
    });
}
