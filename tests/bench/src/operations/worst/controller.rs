//! Registers of the interrupt controller, each written so that all that it holds changes.

use super::flood::{ALL, Flood};
use crate::Bench;
use crate::operations::access::{read, write, write_long};
use bulkhead_guests::gic::register as offset;
use bulkhead_guests::memory::{write8, write32, write64};

/// GICR_WAKER, and ProcessorSleep in it (GICv3 IHI 0069 12.11 GICR_WAKER).
const WAKER: usize = 0x14;
const SLEEP: u32 = 2;

pub fn measure(bench: &Bench, flood: &Flood) {
    let distributor = flood.distributor;
    for (name, on) in [("worst-gicd-ctlr-on", true), ("worst-gicd-ctlr-off", false)] {
        bench.measure(name, || {
            write32(distributor, flood.control(!on));
            write(distributor, flood.control(on))
        });
    }
    write32(distributor, flood.control(true));
    bench.measure("worst-gicd-ctlr-read", || read(distributor));
    bitmaps(bench, flood, "gicd", distributor + flood.last_word());
    fields(bench, flood);
    match flood.redistributors {
        None => version_2(bench, flood),
        Some(first) => version_3(bench, flood, first),
    }
}

/// Registers that set or clear a bit of 32 interrupts: those at `word`.
fn bitmaps(bench: &Bench, flood: &Flood, frame: &str, word: usize) {
    let pairs = [
        (["isenabler", "icenabler"], offset::ISENABLER, offset::ICENABLER),
        (["ispendr", "icpendr"], offset::ISPENDR, offset::ICPENDR),
        (["isactiver", "icactiver"], offset::ISACTIVER, offset::ICACTIVER),
    ];
    for (names, set, clear) in pairs {
        bench.measure(&name(frame, names[0]), || {
            write32(word + clear, ALL);
            write(word + set, ALL)
        });
        bench.measure(&name(frame, names[1]), || {
            write32(word + set, ALL);
            write(word + clear, ALL)
        });
        if set != offset::ISACTIVER {
            write32(word + set, ALL);
        }
    }
    bench.measure(&name(frame, "igroupr"), || {
        write32(word + offset::IGROUPR, !flood.group());
        write(word + offset::IGROUPR, flood.group())
    });
}

/// `worst-FRAME-REGISTER-write`.
fn name(frame: &str, register: &str) -> arrayvec::ArrayString<40> {
    let mut name = arrayvec::ArrayString::new();
    for part in ["worst-", frame, "-", register, "-write"] {
        name.push_str(part);
    }
    name
}

/// Registers with more than a bit for each interrupt.
fn fields(bench: &Bench, flood: &Flood) {
    let (distributor, last) = (flood.distributor, flood.lines - 4);
    let priorities = u32::from_le_bytes([0, 1, 2, 3].map(|more| flood.priority(last + more)));
    bench.measure("worst-gicd-ipriorityr-write", || {
        write32(distributor + offset::IPRIORITYR + last, 0xe8e8_e8e8);
        write(distributor + offset::IPRIORITYR + last, priorities)
    });
    bench.measure("worst-gicd-ipriorityr-read", || read(distributor + offset::IPRIORITYR + last));
    bench.measure("worst-gicd-icfgr-write", || {
        write32(distributor + offset::ICFGR + last / 16 * 4, ALL);
        write(distributor + offset::ICFGR + last / 16 * 4, 0)
    });
}

fn version_2(bench: &Bench, flood: &Flood) {
    let (distributor, last) = (flood.distributor, flood.lines - 4);
    bench.measure("worst-gicd-itargetsr-write", || {
        write32(distributor + offset::ITARGETSR + last, 0x8080_8080);
        write(distributor + offset::ITARGETSR + last, ALL)
    });
    bench.measure("worst-gicd-spendsgir-write", || {
        write32(distributor + offset::CPENDSGIR, ALL);
        write(distributor + offset::SPENDSGIR, ALL)
    });
    bench.measure("worst-gicd-cpendsgir-write", || {
        write32(distributor + offset::SPENDSGIR, ALL);
        write(distributor + offset::CPENDSGIR, ALL)
    });
    // Every SGI is pending from every vCPU: the first time counts, when it is not.
    bench.measure("worst-gicd-sgir-write", || {
        write8(distributor + offset::CPENDSGIR, 1);
        write(distributor + offset::SGIR, 0xff << 16)
    });
}

fn version_3(bench: &Bench, flood: &Flood, redistributors: usize) {
    let distributor = flood.distributor;
    bitmaps(bench, flood, "gicr", flood.private);
    let intid = flood.lines - 1;
    let router = distributor + offset::IROUTER + intid * 8;
    bench.measure("worst-gicd-irouter-write", || {
        write64(router, 1);
        write_long(router, 0)
    });
    for (name, sleep) in [("worst-gicr-waker-on", 0), ("worst-gicr-waker-off", SLEEP)] {
        bench.measure(name, || {
            write32(redistributors + WAKER, SLEEP - sleep);
            write(redistributors + WAKER, sleep)
        });
    }
    write32(redistributors + WAKER, 0);
}
