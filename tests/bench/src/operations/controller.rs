//! The interrupt controller's registers, one of each class (GICv3 IHI 0069 12, GICv2 IHI 0048 4).

use crate::Bench;
use crate::vectors::ticks;
use bulkhead_guests::gic::register as offset;
use bulkhead_guests::interrupt;
use bulkhead_guests::machine::Controller;

/// An SPI that no device uses.
const UNUSED: usize = 62;
/// Bit of [`UNUSED`] in a register of 32 interrupts.
const BIT: u32 = 1 << (UNUSED % 32);
/// Offset of the register of 32 interrupts that [`UNUSED`] is in.
const WORD: usize = UNUSED / 32 * 4;

fn read(address: usize) -> u64 {
    ticks!(["ldr {value:w}, [{address}]"], value = out(reg) _, address = in(reg) address,)
}

fn write(address: usize, value: u32) -> u64 {
    ticks!(["str {value:w}, [{address}]"], value = in(reg) value, address = in(reg) address,)
}

pub fn measure(bench: &Bench) {
    let gic = interrupt::controller();
    let distributor = gic.distributor();
    bench.measure("gicd-typer-read", || read(distributor + offset::TYPER));
    bench.measure("gicd-ctlr-read", || read(distributor + offset::CTLR));
    bench.measure("gicd-isenabler-read", || read(distributor + offset::ISENABLER + WORD));
    bench.measure("gicd-isenabler-write", || write(distributor + offset::ISENABLER + WORD, BIT));
    bench.measure("gicd-icenabler-write", || write(distributor + offset::ICENABLER + WORD, BIT));
    bench.measure("gicd-ispendr-write", || write(distributor + offset::ISPENDR + WORD, BIT));
    bench.measure("gicd-icpendr-write", || write(distributor + offset::ICPENDR + WORD, BIT));
    bench.measure("gicd-ipriorityr-write", || write(distributor + offset::IPRIORITYR + UNUSED / 4 * 4, 0xa0a0_a0a0));
    bench.measure("gicd-icfgr-write", || write(distributor + offset::ICFGR + UNUSED / 16 * 4, 0));
    bench.measure("private-isenabler-write", || write(gic.private_frame() + offset::ISENABLER, 1));
    match bench.machine.controller {
        Controller::V2 { cpu_interface, .. } => version_2(bench, distributor, cpu_interface),
        Controller::V3 { redistributors, .. } => version_3(bench, distributor, redistributors),
    }
}

fn version_2(bench: &Bench, distributor: usize, cpu_interface: usize) {
    bench.measure("gicd-itargetsr-write", || write(distributor + offset::ITARGETSR + UNUSED / 4 * 4, 0x0101_0101));
    bench.measure("gicc-pmr-write", || write(cpu_interface + 4, 0xf0));
    bench.measure("gicc-iar-read", || read(cpu_interface + 0xc));
}

fn version_3(bench: &Bench, distributor: usize, redistributor: usize) {
    let router = distributor + offset::IROUTER + UNUSED * 8;
    bench.measure(
        "gicd-irouter-write",
        || ticks!(["str {value}, [{address}]"], value = in(reg) 0u64, address = in(reg) router,),
    );
    bench.measure("gicr-typer-read", || read(redistributor + 8));
    bench.measure("icc-pmr-write", || ticks!(["msr s3_0_c4_c6_0, {value}"], value = in(reg) 0xf0u64,));
    bench.measure("icc-iar1-read", || ticks!(["mrs {value}, s3_0_c12_c12_0"], value = out(reg) _,));
}
