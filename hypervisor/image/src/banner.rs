//! The first lines on the UART.

use crate::plans::Planned;
use alloc::string::String;
use bulkhead_el2::boot::image;
use bulkhead_el2::core::Core;
use bulkhead_el2::uart;
use bulkhead_vmm::config::board::{Board, Enable, GicVersion};
use bulkhead_vmm::platform::Platform;
use core::fmt::Write;

/// Says what runs, on what.
pub fn print(board: &Board, core: &Core, planned: &Planned) {
    let layout = image::layout();
    let kib = |bytes: u64| bytes.div_ceil(1024);
    let running =
        board.cpus.iter().filter(|cpu| cpu.mpidr == bulkhead_el2::affinity() || cpu.enable != Enable::Disabled);
    let (running, memory) = (running.count(), board.memory.iter().map(|range| range.size()).sum::<u64>());
    let gic = match board.gic.version {
        GicVersion::V2 { .. } => "GICv2",
        GicVersion::V3 { .. } => "GICv3",
    };
    let mut out = String::new();
    let _ = write!(out, "\r\nBulkhead {} at EL2\r\n", env!("CARGO_PKG_VERSION"));
    let _ = write!(out, "  board    {}\r\n", board.model);
    let _ = write!(
        out,
        "  cores    {running} of {}, housekeeping on {}\r\n",
        board.cpus.len(),
        planned.plan.housekeeping_core
    );
    let _ = write!(out, "  gic      {gic}, {} list registers\r\n", core.list_register_count());
    let _ = write!(out, "  memory   {} MiB, {} MiB free for guests\r\n", memory >> 20, free(planned) >> 20);
    let _ = write!(
        out,
        "  image    {:#x}, {} KiB in memory, of which {} KiB code and constants\r\n",
        layout.start,
        kib(layout.end - layout.start),
        kib(layout.data - layout.start)
    );
    let _ = write!(out, "  counter  {} Hz\r\n", core.counter_frequency());
    for vm in planned.plan.starting() {
        let _ = write!(out, "  vm       {}: cores [", vm.vm.name);
        for (index, core) in vm.cores.iter().enumerate() {
            let _ = write!(out, "{}{core}", if index == 0 { "" } else { ", " });
        }
        let _ = write!(out, "], {} MiB\r\n", vm.memory_size >> 20);
    }
    uart::print(&out);
}

fn free(planned: &Planned) -> u64 {
    planned.plan.free.iter().map(|range| range.size()).sum()
}
