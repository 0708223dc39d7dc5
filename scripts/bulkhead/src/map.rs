//! A picture of a plan for the terminal: memory, cores and interrupts.

use crate::check::Outcome;
use bulkhead_vmm::address::{Pa, Range};
use bulkhead_vmm::config::GuestGic;
use bulkhead_vmm::config::board::{Enable, GicVersion};
use bulkhead_vmm::config::plan::VmPlan;
use std::fmt::Write;

/// Something in the machine's memory.
pub(crate) struct Region {
    /// Where.
    pub range: Range<Pa>,
    /// What, in words.
    pub what: String,
}

/// Draws `outcome` as lines of text.
pub fn draw(outcome: &Outcome) -> String {
    let mut text = format!("{}\n", outcome.board.model);
    memory(&mut text, outcome);
    cores(&mut text, outcome);
    guests(&mut text, outcome);
    interrupts(&mut text, outcome);
    text
}

/// What is in RAM, by ascending address. Guest RAM without a fixed address is taken from what is free.
pub(crate) fn regions(outcome: &Outcome) -> Vec<Region> {
    let mut regions: Vec<Region> = Vec::new();
    let mut add = |range, what| regions.push(Region { range, what });
    outcome.occupied.iter().for_each(|occupied| add(occupied.range, occupied.by.into()));
    outcome.board.reserved.iter().for_each(|range| add(*range, "reserved by the board".into()));
    outcome.plan.free.iter().for_each(|range| add(*range, "free for guests and the hypervisor's tables".into()));
    for vm in outcome.plan.starting() {
        vm.memory.iter().for_each(|range| add(*range, format!("RAM of {}", vm.vm.name)));
        for module in vm.vm.modules() {
            add(module.range, format!("module {} (kept for restarts)", module.node));
        }
    }
    regions.sort_by_key(|region| (region.range.start(), region.range.last()));
    regions
}

/// A size in bytes as people say it.
pub(crate) fn size(bytes: u64) -> String {
    match bytes {
        bytes if bytes >= 1 << 20 && bytes % (1 << 20) == 0 => format!("{} MiB", bytes >> 20),
        bytes if bytes >= 10 << 20 => format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20)),
        bytes => format!("{} KiB", bytes.div_ceil(1024)),
    }
}

fn memory(text: &mut String, outcome: &Outcome) {
    *text += "\nmemory\n";
    for ram in &outcome.board.memory {
        let _ = writeln!(text, "  {:#014x} ┬ RAM, {}", ram.start().get(), size(ram.size()));
        for region in regions(outcome).iter().filter(|region| region.range.overlaps(ram)) {
            let _ = writeln!(
                text,
                "  {:#014x} ├ {:>10}  {}",
                region.range.start().get(),
                size(region.range.size()),
                region.what
            );
        }
        let _ = writeln!(text, "  {:#014x} ┴", ram.last().get());
    }
}

/// What runs on core `core`.
pub(crate) fn on_core(outcome: &Outcome, core: usize) -> String {
    let holder = outcome.plan.starting().find_map(|vm| {
        let vcpu = vm.cores.iter().position(|own| *own == core)?;
        Some(format!("{} vcpu{vcpu}", vm.vm.name))
    });
    let off = outcome.board.cpus.get(core).is_some_and(|cpu| cpu.enable == Enable::Disabled);
    let mut what = holder.unwrap_or_else(|| if off { "off".into() } else { "idle".into() });
    if core == outcome.plan.housekeeping_core {
        what += ", housekeeping";
    }
    what
}

fn cores(text: &mut String, outcome: &Outcome) {
    *text += "\ncores\n";
    for (core, cpu) in outcome.board.cpus.iter().enumerate() {
        let _ = writeln!(text, "  {core:>2}  mpidr {:#x}  {}", cpu.mpidr, on_core(outcome, core));
    }
}

fn guests(text: &mut String, outcome: &Outcome) {
    *text += "\nguests\n";
    for vm in &outcome.plan.vms {
        let name = &vm.vm.name;
        let _ = match vm.errors.len() {
            0 => writeln!(
                text,
                "  {name:<16} vCPUs: {}, RAM: {} at {}, {}",
                vm.cores.len(),
                size(vm.memory_size),
                vm.vm.layout.ram_base,
                if vm.gic == GuestGic::V2 { "GICv2" } else { "GICv3" }
            ),
            mistakes => writeln!(text, "  {name:<16} does not start (mistakes: {mistakes})"),
        };
    }
}

/// An INTID with the number that device trees have for it.
pub(crate) fn interrupt(intid: u32) -> String {
    match intid {
        16..32 => format!("PPI {} (INTID {intid})", intid - 16),
        32..1020 => format!("SPI {} (INTID {intid})", intid - 32),
        _ => format!("INTID {intid}"),
    }
}

/// The interrupts of the guest `vm`.
pub(crate) fn guest_interrupts(vm: &VmPlan) -> Vec<(String, String)> {
    let layout = &vm.vm.layout;
    let timers = [(layout.virtual_timer_intid, "virtual timer"), (layout.physical_timer_intid, "physical timer")];
    let uart = vm.vm.console.then_some((layout.uart_intid, "PL011"));
    timers.into_iter().chain(uart).map(|(intid, device)| (interrupt(intid), device.into())).collect()
}

fn interrupts(text: &mut String, outcome: &Outcome) {
    let board = &outcome.board;
    let version = if matches!(board.gic.version, GicVersion::V2 { .. }) { "GICv2" } else { "GICv3" };
    let _ = writeln!(text, "\ninterrupts ({version})");
    let timers = [(board.timer.virtual_timer, "virtual timer"), (board.timer.hypervisor, "hypervisor's timer")];
    let own = timers.into_iter().chain([(board.gic.maintenance, "GIC maintenance")]);
    let uart = board.console.and_then(|uart| uart.interrupt).map(|interrupt| (interrupt, "console"));
    for (number, device) in own.chain(uart) {
        let _ = writeln!(text, "  hypervisor       {:<18} {device}", interrupt(number.intid));
    }
    for vm in outcome.plan.starting() {
        for (number, device) in guest_interrupts(vm) {
            let _ = writeln!(text, "  {:<16} {number:<18} {device}", vm.vm.name);
        }
    }
}
