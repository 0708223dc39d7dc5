//! Writes the device tree of the machine that a guest sees. Nothing of the board's tree is in it: no addresses of
//! the machine, no seed but one of the guest's own, no trace of the hypervisor's configuration.

use super::machine::MachineLayout;
use super::vm::GuestGic;
use crate::address::{Ipa, Range};
use crate::fdt::Writer;
use crate::seed::GuestSeeds;
use crate::tell::text;
use crate::vcpu::VcpuId;
use alloc::vec::Vec;

/// What the machine calls itself.
pub const MODEL: &str = "Bulkhead virtual machine";

/// phandle of the GIC.
const GIC: u32 = 1;
/// phandle of the UART's clock.
const CLOCK: u32 = 2;
/// The UART's clock in Hz, as on QEMU's `virt`. Nothing depends on it: a virtual UART has no baud rate.
const CLOCK_FREQUENCY: u32 = 24_000_000;
/// Type cell of an SPI in the GIC's binding.
const SPI: u32 = 0;
/// Type cell of a PPI.
const PPI: u32 = 1;
/// Flags cell of an interrupt that is active while its line is high.
const LEVEL_HIGH: u32 = 4;
/// PPI numbers of the timers at EL3 and EL2, which the binding wants in the list but no guest can use.
const UNUSABLE_TIMERS: [u32; 2] = [13, 10];

/// A guest's machine.
#[derive(Clone, Copy, Debug)]
pub struct Machine<'a> {
    /// Where things are.
    pub layout: &'a MachineLayout,
    /// Number of vCPUs, at most [`VcpuId::MAXIMUM`].
    pub vcpus: usize,
    /// RAM.
    pub ram: Range<Ipa>,
    /// The GIC's version.
    pub gic: GuestGic,
    /// Whether there is a PL011.
    pub console: bool,
    /// The kernel's command line.
    pub bootargs: &'a str,
    /// Where the initial RAM disk lies.
    pub ramdisk: Option<Range<Ipa>>,
    /// For its random numbers; zeroes if the board has none. Without, Linux does not hide its place (KASLR), and each of
    /// its random numbers costs thousands of instructions until it has gathered enough by itself.
    pub seeds: &'a GuestSeeds,
}

/// The device tree of `machine`.
pub fn build(machine: &Machine<'_>) -> Vec<u8> {
    let mut tree = Writer::new();
    tree.begin_node("");
    tree.property_string("model", MODEL);
    tree.property_strings("compatible", &["bulkhead,vm-1", "linux,dummy-virt"]);
    tree.property_u32("#address-cells", 2);
    tree.property_u32("#size-cells", 2);
    tree.property_u32("interrupt-parent", GIC);
    chosen(&mut tree, machine);
    memory(&mut tree, &machine.ram);
    cpus(&mut tree, machine.vcpus);
    psci(&mut tree);
    timer(&mut tree, machine);
    gic(&mut tree, machine);
    if machine.console {
        console(&mut tree, machine.layout);
    }
    tree.finish()
}

fn chosen(tree: &mut Writer, machine: &Machine<'_>) {
    tree.begin_node("chosen");
    tree.property_string("bootargs", machine.bootargs);
    if machine.console {
        tree.property_string("stdout-path", &text(format_args!("/{}", uart_name(machine.layout))));
    }
    if let Some(ramdisk) = machine.ramdisk {
        tree.property_u64("linux,initrd-start", ramdisk.start().get());
        tree.property_u64("linux,initrd-end", ramdisk.start().get().saturating_add(ramdisk.size()));
    }
    let [kaslr, rng @ ..] = machine.seeds;
    if *kaslr != 0 {
        tree.property_u64("kaslr-seed", *kaslr);
        tree.property_u64s("rng-seed", rng);
    }
    tree.end_node();
}

fn memory(tree: &mut Writer, ram: &Range<Ipa>) {
    tree.begin_node(&text(format_args!("memory@{:x}", ram.start().get())));
    tree.property_string("device_type", "memory");
    reg(tree, *ram, None);
    tree.end_node();
}

fn cpus(tree: &mut Writer, vcpus: usize) {
    tree.begin_node("cpus");
    tree.property_u32("#address-cells", 2);
    tree.property_u32("#size-cells", 0);
    for vcpu in (0..VcpuId::MAXIMUM).filter_map(VcpuId::new).take(vcpus) {
        tree.begin_node(&text(format_args!("cpu@{:x}", vcpu.affinity())));
        tree.property_string("device_type", "cpu");
        tree.property_string("compatible", "arm,armv8");
        tree.property_u64("reg", vcpu.affinity());
        tree.property_string("enable-method", "psci");
        tree.end_node();
    }
    tree.end_node();
}

fn psci(tree: &mut Writer) {
    tree.begin_node("psci");
    tree.property_strings("compatible", &["arm,psci-1.0", "arm,psci-0.2"]);
    tree.property_string("method", "hvc");
    tree.end_node();
}

fn timer(tree: &mut Writer, machine: &Machine<'_>) {
    // GICv2's binding also has the cores to which a PPI is wired, in bits 15:8 of the flags.
    let cores = match machine.gic {
        GuestGic::V2 => (1u32 << machine.vcpus.min(8)) - 1,
        GuestGic::V3 => 0,
    };
    let ppi = |number| [PPI, number, cores << 8 | LEVEL_HIGH];
    let layout = machine.layout;
    let [secure, hypervisor] = UNUSABLE_TIMERS;
    let numbers = [
        secure,
        layout.physical_timer_intid.saturating_sub(16),
        layout.virtual_timer_intid.saturating_sub(16),
        hypervisor,
    ];
    tree.begin_node("timer");
    tree.property_string("compatible", "arm,armv8-timer");
    tree.property_cells("interrupts", numbers.map(ppi).as_flattened());
    tree.property_empty("always-on");
    tree.end_node();
}

fn gic(tree: &mut Writer, machine: &Machine<'_>) {
    let layout = machine.layout;
    tree.begin_node(&text(format_args!("interrupt-controller@{:x}", layout.distributor.start().get())));
    let (compatible, second) = match machine.gic {
        GuestGic::V2 => ("arm,cortex-a15-gic", Some(layout.cpu_interface)),
        GuestGic::V3 => ("arm,gic-v3", layout.redistributor_range(machine.vcpus)),
    };
    tree.property_string("compatible", compatible);
    reg(tree, layout.distributor, second);
    tree.property_empty("interrupt-controller");
    tree.property_u32("#interrupt-cells", 3);
    tree.property_u32("#address-cells", 0);
    tree.property_u32("phandle", GIC);
    tree.end_node();
}

fn console(tree: &mut Writer, layout: &MachineLayout) {
    tree.begin_node(&uart_name(layout));
    tree.property_strings("compatible", &["arm,pl011", "arm,primecell"]);
    reg(tree, layout.uart, None);
    tree.property_cells("interrupts", &[SPI, layout.uart_intid.saturating_sub(32), LEVEL_HIGH]);
    tree.property_cells("clocks", &[CLOCK, CLOCK]);
    tree.property_strings("clock-names", &["uartclk", "apb_pclk"]);
    tree.end_node();
    tree.begin_node("apb-pclk");
    tree.property_string("compatible", "fixed-clock");
    tree.property_u32("#clock-cells", 0);
    tree.property_u32("clock-frequency", CLOCK_FREQUENCY);
    tree.property_u32("phandle", CLOCK);
    tree.end_node();
}

fn uart_name(layout: &MachineLayout) -> alloc::string::String {
    text(format_args!("pl011@{:x}", layout.uart.start().get()))
}

fn reg(tree: &mut Writer, first: Range<Ipa>, second: Option<Range<Ipa>>) {
    let (start, size) = second.map_or((0, 0), |second| (second.start().get(), second.size()));
    let numbers = [first.start().get(), first.size(), start, size];
    let count = if second.is_some() { 4 } else { 2 };
    tree.property_u64s("reg", numbers.get(..count).unwrap_or_default());
}
