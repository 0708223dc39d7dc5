//! The registers of the distributor and the redistributors out of reset, as tables: what they read as, what can be
//! written, by which sizes (GICv2 IHI 0048B 4.1.2 and 4.3, GICv3 IHI 0069H 12.8 to 12.11).
//!
//! Run natively, QEMU 10's own controllers differ in these, which is then left out:
//!
//! - Its GICv2 answers bytes and half-words of every register, and double-words of none (an external abort); 4.1.4 leaves
//!   the first to the implementation. A zero written to a byte of GICD_SPENDSGIR makes an SGI pending that comes from
//!   nobody, and QEMU ends when that is acknowledged. An SPI that targets nobody does not become pending, and targets hold
//!   the bits of absent vCPUs.
//! - The configuration of PPIs can be written on both (IMPLEMENTATION DEFINED: 4.3.13; 12.11 GICR_ICFGR1).
//! - Its GICv3 has LPIs, their registers, and a GICD_TYPER and GICR_TYPER that say so; its GICD_IROUTER holds all bits;
//!   with `-cpu max` interrupts can be non-maskable (GICD_INMIR, GICR_INMIR0).

use arrayvec::ArrayVec;
use bulkhead_guests::gic::{Gic, register};
use bulkhead_guests::memory::{read8, read32, write8, write32};
use bulkhead_guests::{Machine, section};

use super::walk::{Frame, Kind, Row};

/// A frame's registers.
type Rows = ArrayVec<Row, 32>;

/// Bits of INTIDs 16 to 31, the PPIs.
const PPIS: u64 = 0xffff_0000;
/// A bit for each of 32 interrupts.
const ALL: u64 = 0xffff_ffff;
/// A field of two bits for each of 16 interrupts: the upper is set of those that are edge-triggered.
const EDGES: u64 = 0xaaaa_aaaa;
/// GICR_WAKER, and its ProcessorSleep and ChildrenAsleep.
const WAKER: usize = 0x14;
const PROCESSOR_SLEEP: u32 = 1 << 1;
const CHILDREN_ASLEEP: u32 = 1 << 2;

/// Checks the registers of a controller that nobody has touched since its reset.
pub fn check(machine: &Machine, gic: &Gic) {
    let native = machine.arguments.flag("native");
    let priority = priority_bits(gic);
    if gic.version() == 2 {
        return distributor_v2(machine, gic, priority, native);
    }
    distributor_v3(gic, priority, native);
    for index in 0..machine.cpus.len() {
        redistributor(machine, gic, index, native);
        private_interrupts(gic, index, priority, native);
    }
}

/// A word of priorities with all implemented bits: the upper ones, at least four.
fn priority_bits(gic: &Gic) -> u64 {
    let address = gic.distributor() + register::IPRIORITYR + super::FREE_SPI as usize;
    write8(address, 0xff);
    let bits = read8(address);
    write8(address, 0);
    let upper = bits.leading_ones() >= 4 && bits.leading_ones() == bits.count_ones();
    super::either(gic, "3.3", "4.8").holds("at least four upper bits of a priority are implemented", upper);
    of_each(bits.into())
}

/// A byte for each of four interrupts.
const fn of_each(byte: u64) -> u64 {
    byte * 0x0101_0101
}

/// A register that sets bits, and 0x80 behind it the one that clears them.
const fn pair(name: &'static str, offset: usize, count: usize, reset: u64, settable: u64) -> Row {
    Row::words(name, offset, count, Kind::Pair { reset, settable, clear: 0x80 })
}

const fn held(name: &'static str, offset: usize, count: usize, reset: u64, writable: u64) -> Row {
    Row::words(name, offset, count, Kind::Holds { reset, writable })
}

const fn fixed(name: &'static str, offset: usize, count: usize, value: u64) -> Row {
    Row::words(name, offset, count, Kind::Fixed(value))
}

const fn constant(name: &'static str, offset: usize, count: usize) -> Row {
    Row::words(name, offset, count, Kind::Constant)
}

const fn elsewhere(name: &'static str, offset: usize, count: usize) -> Row {
    Row::words(name, offset, count, Kind::Elsewhere)
}

/// The registers of the shared interrupts below `lines`, which both versions have.
fn shared(lines: usize, priority: u64) -> [Row; 6] {
    let words = lines / 32 - 1;
    [
        held("GICD_IGROUPR1 and on", register::IGROUPR + 4, words, 0, ALL),
        pair("GICD_ISENABLER1, GICD_ICENABLER1 and on", register::ISENABLER + 4, words, 0, ALL),
        pair("GICD_ISPENDR1, GICD_ICPENDR1 and on", register::ISPENDR + 4, words, 0, ALL),
        pair("GICD_ISACTIVER1, GICD_ICACTIVER1 and on", register::ISACTIVER + 4, words, 0, ALL),
        held("GICD_IPRIORITYR8 and on", register::IPRIORITYR + 32, 8 * words, 0, priority).and_bytes(),
        held("GICD_ICFGR2 and on", register::ICFGR + 8, 2 * words, 0, EDGES),
    ]
}

/// The last twelve registers of a frame, from `offset` on: Arm's peripheral and component identification.
const fn identification(offset: usize) -> [Row; 5] {
    [
        constant("PIDR4 to PIDR3", offset, 8),
        fixed("CIDR0", offset + 0x20, 1, 0x0d),
        fixed("CIDR1", offset + 0x24, 1, 0xf0),
        fixed("CIDR2", offset + 0x28, 1, 0x05),
        fixed("CIDR3", offset + 0x2c, 1, 0xb1),
    ]
}

fn distributor_v2(machine: &Machine, gic: &Gic, priority: u64, native: bool) {
    let (vcpus, lines) = (machine.cpus.len(), gic.lines() as usize);
    let everyone = of_each((1 << vcpus) - 1);
    // IHI 0048B 4.3.12: the registers of a uniprocessor may read as zero, and do on both machines.
    let targets = if vcpus == 1 { 0 } else { everyone };
    let typer = (lines as u64 / 32 - 1) | (vcpus as u64 - 1) << 5;
    let sources = Kind::Pair { reset: 0, settable: everyone, clear: -0x10 };
    let sources = if native { Kind::Elsewhere } else { sources };
    let writable = if native && vcpus > 1 { ALL } else { targets };
    let mut rows: Rows = [
        held("GICD_CTLR", register::CTLR, 1, 0, 3),
        fixed("GICD_TYPER", register::TYPER, 1, typer),
        constant("GICD_IIDR", register::IIDR, 1),
        held("GICD_IGROUPR0", register::IGROUPR, 1, 0, ALL),
        pair("GICD_ISENABLER0, GICD_ICENABLER0", register::ISENABLER, 1, 0xffff, PPIS),
        pair("GICD_ISPENDR0, GICD_ICPENDR0", register::ISPENDR, 1, 0, PPIS),
        pair("GICD_ISACTIVER0, GICD_ICACTIVER0", register::ISACTIVER, 1, 0, ALL),
        held("GICD_IPRIORITYR0 to 7", register::IPRIORITYR, 8, 0, priority).and_bytes(),
        fixed("GICD_ITARGETSR0 to 7", register::ITARGETSR, 8, targets & of_each(1)).and_bytes(),
        held("GICD_ITARGETSR8 and on", register::ITARGETSR + 32, lines / 4 - 8, 0, writable).and_bytes(),
        fixed("GICD_ICFGR0", register::ICFGR, 1, EDGES),
        if native {
            elsewhere("GICD_ICFGR1", register::ICFGR + 4, 1)
        } else {
            fixed("GICD_ICFGR1", register::ICFGR + 4, 1, 0)
        },
        Row::words("GICD_SGIR", register::SGIR, 1, Kind::Commands),
        Row::words("GICD_SPENDSGIR0 to 3, GICD_CPENDSGIR0 to 3", register::SPENDSGIR, 4, sources).and_bytes(),
    ]
    .into_iter()
    .collect();
    let own = rows.len();
    rows.extend(shared(lines, priority));
    rows.extend(identification(0xfd0));
    let frame = Frame {
        vcpu: None,
        section: section::gic_v2("4.3"),
        base: gic.distributor(),
        length: 0x1000,
        answered: if native { 4 } else { 15 },
        sizes_matter: !native,
    };
    frame.rows(&rows[..own]);
    for first in (32..lines).step_by(4).filter(|_| native) {
        write32(gic.distributor() + register::ITARGETSR + first, 0x0101_0101);
    }
    frame.rows(&rows[own..]);
    frame.reserved(&rows);
}

/// A frame of 64 KiB.
fn big_frame(vcpu: Option<usize>, number: &'static str, base: usize) -> Frame {
    Frame { vcpu, section: section::gic_v3(number), base, length: 0x1_0000, answered: 15, sizes_matter: true }
}

fn distributor_v3(gic: &Gic, priority: u64, native: bool) {
    const AFFINITIES: u64 = 0xff_00ff_ffff;
    let lines = gic.lines() as usize;
    // IDbits for INTIDs of 10 bits, A3V, No1N; neither LPIs, messages, Security states nor extended ranges.
    let typer = (lines as u64 / 32 - 1) | 9 << 19 | 1 << 24 | 1 << 25;
    let routes = Kind::Holds { reset: 0, writable: AFFINITIES };
    // ARE and DS read as one.
    let mut rows: Rows = [
        held("GICD_CTLR", register::CTLR, 1, 1 << 4 | 1 << 6, 3),
        if native {
            constant("GICD_TYPER", register::TYPER, 1)
        } else {
            fixed("GICD_TYPER", register::TYPER, 1, typer)
        },
        constant("GICD_IIDR", register::IIDR, 1),
        Row::double_words(
            "GICD_IROUTER32 and on",
            register::IROUTER + 32 * 8,
            lines - 32,
            if native { Kind::Elsewhere } else { routes },
        ),
    ]
    .into_iter()
    .collect();
    rows.extend(shared(lines, priority));
    rows.push(elsewhere("GICD_INMIR", 0xf80, if native { 0x20 } else { 0 }));
    rows.extend(identification(0xffd0));
    let frame = big_frame(None, "12.9", gic.distributor());
    frame.rows(&rows);
    frame.reserved(&rows);
}

/// GICR_TYPER's Last and Processor_Number, and its affinity.
fn redistributor(machine: &Machine, gic: &Gic, index: usize, native: bool) {
    let affinity = machine.cpus[index] >> 8 & 0xff00_0000 | machine.cpus[index] & 0x00ff_ffff;
    let last = u64::from(index + 1 == machine.cpus.len()) << 4;
    let typer = Kind::Fixed(affinity << 32 | (index as u64) << 8 | last);
    let mut rows: Rows = [
        if native { elsewhere("GICR_CTLR", 0, 1) } else { fixed("GICR_CTLR", 0, 1, 0) },
        constant("GICR_IIDR", 4, 1),
        Row::double_words("GICR_TYPER", 8, 1, if native { Kind::Constant } else { typer }),
        elsewhere("GICR_WAKER", WAKER, 1),
        elsewhere("registers of LPIs", 0x40, if native { 0x22 } else { 0 }),
    ]
    .into_iter()
    .collect();
    rows.extend(identification(0xffd0));
    let frame = big_frame(Some(index), "12.11", gic.redistributor_of(index));
    frame.rows(&rows);
    if index == 0 {
        frame.reserved(&rows);
    }
    let waker = frame.base + WAKER;
    let seen = [None, Some(0), Some(PROCESSOR_SLEEP), Some(0), Some(u32::MAX)].map(|value| {
        value.inspect(|value| write32(waker, *value));
        read32(waker)
    });
    let asleep = PROCESSOR_SLEEP | CHILDREN_ASLEEP;
    frame.section.equal(format_args!("GICR_WAKER of vCPU {index}"), seen, [asleep, 0, asleep, 0, asleep]);
}

/// The frame of SGIs and PPIs.
fn private_interrupts(gic: &Gic, index: usize, priority: u64, native: bool) {
    let rows = [
        held("GICR_IGROUPR0", register::IGROUPR, 1, 0, ALL),
        pair("GICR_ISENABLER0, GICR_ICENABLER0", register::ISENABLER, 1, 0, ALL),
        pair("GICR_ISPENDR0, GICR_ICPENDR0", register::ISPENDR, 1, 0, ALL),
        pair("GICR_ISACTIVER0, GICR_ICACTIVER0", register::ISACTIVER, 1, 0, ALL),
        held("GICR_IPRIORITYR0 to 7", register::IPRIORITYR, 8, 0, priority).and_bytes(),
        fixed("GICR_ICFGR0", register::ICFGR, 1, EDGES),
        if native {
            elsewhere("GICR_ICFGR1", register::ICFGR + 4, 1)
        } else {
            fixed("GICR_ICFGR1", register::ICFGR + 4, 1, 0)
        },
        elsewhere("GICR_INMIR0", 0xf80, usize::from(native)),
    ];
    let frame = big_frame(Some(index), "12.11", gic.redistributor_of(index) + 0x1_0000);
    frame.rows(&rows);
    if index == 0 {
        frame.reserved(&rows);
    }
}
