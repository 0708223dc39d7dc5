//! The interrupt controller's registers, one of each class (GICv3 IHI 0069 12, GICv2 IHI 0048 4).

use super::access::{read, read_long, write, write_byte, write_long};
use crate::Bench;
use crate::vectors::ticks;
use bulkhead_guests::gic::register as offset;
use bulkhead_guests::interrupt;
use bulkhead_guests::machine::Controller;
use bulkhead_guests::memory::{read32, write32};

/// An SPI that no device uses.
const UNUSED: usize = 62;
/// Bit of [`UNUSED`] in a register of 32 interrupts.
const BIT: u32 = 1 << (UNUSED % 32);
/// Offset of the register of 32 interrupts that [`UNUSED`] is in.
const WORD: usize = UNUSED / 32 * 4;
/// Offset of the register of 4 interrupts that [`UNUSED`] is in.
const BYTES: usize = UNUSED / 4 * 4;
/// An SGI that nobody sends.
const UNSENT: usize = 9;
/// GICR_WAKER (GICv3 IHI 0069 12.11 GICR_WAKER).
const WAKER: usize = 0x14;

pub fn measure(bench: &Bench) {
    let gic = interrupt::controller();
    let distributor = gic.distributor();
    bench.measure("gicd-typer-read", || read(distributor + offset::TYPER));
    bench.measure("gicd-ctlr-read", || read(distributor + offset::CTLR));
    let control = read32(distributor + offset::CTLR);
    bench.measure("gicd-ctlr-write", || write(distributor + offset::CTLR, control));
    bench.measure("gicd-isenabler-read", || read(distributor + offset::ISENABLER + WORD));
    bench.measure("gicd-isenabler-write", || write(distributor + offset::ISENABLER + WORD, BIT));
    bench.measure("gicd-icenabler-write", || write(distributor + offset::ICENABLER + WORD, BIT));
    bench.measure("gicd-ispendr-write", || write(distributor + offset::ISPENDR + WORD, BIT));
    bench.measure("gicd-icpendr-write", || write(distributor + offset::ICPENDR + WORD, BIT));
    active(bench, distributor + WORD);
    let group = read32(distributor + offset::IGROUPR + WORD);
    bench.measure("gicd-igroupr-write", || write(distributor + offset::IGROUPR + WORD, group));
    bench.measure("gicd-ipriorityr-read", || read(distributor + offset::IPRIORITYR + BYTES));
    bench.measure("gicd-ipriorityr-write", || write(distributor + offset::IPRIORITYR + BYTES, 0xa0a0_a0a0));
    bench.measure("gicd-ipriorityr-byte-write", || write_byte(distributor + offset::IPRIORITYR + UNUSED, 0xa0));
    bench.measure("gicd-icfgr-write", || write(distributor + offset::ICFGR + UNUSED / 16 * 4, 0));
    bench.measure("private-isenabler-write", || write(gic.private_frame() + offset::ISENABLER, 1));
    let private = gic.private_frame() + offset::IPRIORITYR + UNSENT / 4 * 4;
    bench.measure("private-ipriorityr-write", || write(private, 0xa0a0_a0a0));
    match bench.machine.controller {
        Controller::V2 { cpu_interface, .. } => version_2(bench, distributor, cpu_interface),
        Controller::V3 { redistributors, .. } => version_3(bench, distributor, redistributors),
    }
}

/// Makes [`UNUSED`], which is `word` bytes from the distributor's base, active and ends it.
fn active(bench: &Bench, word: usize) {
    bench.measure("gicd-isactiver-write", || {
        let ticks = write(word + offset::ISACTIVER, BIT);
        write32(word + offset::ICACTIVER, BIT);
        ticks
    });
    bench.measure("gicd-icactiver-write", || {
        write32(word + offset::ISACTIVER, BIT);
        write(word + offset::ICACTIVER, BIT)
    });
}

fn version_2(bench: &Bench, distributor: usize, cpu_interface: usize) {
    bench.measure("gicd-pidr2-read", || read(distributor + 0xfe8));
    bench.measure("gicd-itargetsr-read", || read(distributor + offset::ITARGETSR + BYTES));
    bench.measure("gicd-itargetsr-write", || write(distributor + offset::ITARGETSR + BYTES, 0x0101_0101));
    let (set, clear) = (distributor + offset::SPENDSGIR + UNSENT, distributor + offset::CPENDSGIR + UNSENT);
    bench.measure("gicd-spendsgir-write", || {
        let ticks = write_byte(set, 1);
        write_byte(clear, 1);
        ticks
    });
    bench.measure("gicd-cpendsgir-write", || {
        write_byte(set, 1);
        write_byte(clear, 1)
    });
    bench.measure("gicc-pmr-write", || write(cpu_interface + 4, 0xf0));
    bench.measure("gicc-iar-read", || read(cpu_interface + 0xc));
}

fn version_3(bench: &Bench, distributor: usize, redistributor: usize) {
    bench.measure("gicd-pidr2-read", || read(distributor + 0xffe8));
    let router = distributor + offset::IROUTER + UNUSED * 8;
    bench.measure("gicd-irouter-read", || read_long(router));
    bench.measure("gicd-irouter-write", || write_long(router, 0));
    bench.measure("gicr-ctlr-read", || read(redistributor));
    bench.measure("gicr-typer-read", || read(redistributor + 8));
    bench.measure("gicr-waker-write", || write(redistributor + WAKER, 0));
    bench.measure("icc-sgi0r-write", || ticks!(["msr s3_0_c12_c11_7, {value}"], value = in(reg) 0u64,));
    bench.measure("icc-pmr-write", || ticks!(["msr s3_0_c4_c6_0, {value}"], value = in(reg) 0xf0u64,));
    bench.measure("icc-iar1-read", || ticks!(["mrs {value}, s3_0_c12_c12_0"], value = out(reg) _,));
}
