//! Memory: the first and the second touch of a page, and TLB maintenance.

use crate::Bench;
use crate::vectors::ticks;

const PAGE: usize = 4096;

fn touch(address: usize) -> u64 {
    ticks!(["ldr {value}, [{address}]"], value = out(reg) _, address = in(reg) address,)
}

pub fn measure(bench: &Bench) {
    let memory = &bench.machine.memory[0];
    for name in ["first-touch", "second-touch"] {
        // From the end downwards, where nothing was loaded.
        let mut page = memory.end();
        bench.measure(name, || {
            page -= PAGE;
            touch(page)
        });
    }
    bench.measure("tlbi-all", || ticks!(["tlbi vmalle1is", "dsb ish"],));
    let page = memory.start as u64 >> 12;
    bench.measure("tlbi-page", || ticks!(["tlbi vae1is, {page}", "dsb ish"], page = in(reg) page,));
}
