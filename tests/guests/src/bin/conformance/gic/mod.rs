//! The interrupt controller as its programmer sees it: GICv2 (IHI 0048) and GICv3 (IHI 0069).

pub mod groups;

use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use bulkhead_guests::gic::{Gic, register};
use bulkhead_guests::memory::{read8, read32, read64, write32, write64};
use bulkhead_guests::{Machine, cpu, expect, expect_eq, interrupt, write_register};

/// An SPI that no device of the machine uses.
const FREE_SPI: u32 = 62;

pub fn check(machine: &Machine, gic: &Gic, native: bool) {
    identification(machine, gic, native);
    bitmaps(gic);
    targets(machine, gic, native);
    own_interrupts(machine, gic);
    priorities(machine, gic);
    software_pending(gic);
    expect_eq!("no interrupt came unasked", interrupt::unexpected(), 0);
}

fn identification(machine: &Machine, gic: &Gic, native: bool) {
    let identification = gic.distributor() + if gic.version() == 2 { 0xfe8 } else { 0xffe8 };
    expect_eq!("GICD_PIDR2 architecture revision", read32(identification) >> 4 & 0xf, gic.version());
    let typer = read32(gic.distributor() + register::TYPER);
    expect!("GICD_TYPER has SPIs", typer & 0x1f >= 1);
    if gic.version() == 2 {
        expect_eq!("GICD_TYPER counts the vCPUs", (typer >> 5 & 7) as usize + 1, machine.cpus.len());
    } else {
        let redistributor = gic.private_frame() - 0x1_0000;
        let typer = read64(redistributor + 8);
        expect_eq!("GICR_TYPER is Last for one vCPU only", typer >> 4 & 1 == 1, machine.cpus.len() == 1);
        expect_eq!("GICR_PIDR2 architecture revision", read32(redistributor + 0xffe8) >> 4 & 0xf, 3);
    }
    expect_eq!("SGIs are edge triggered", read32(gic.private_frame() + register::ICFGR), 0xaaaa_aaaa);
    // IHI 0048 4.3.13, IHI 0069 12.11 GICR_ICFGR1: who may change the trigger of a PPI is the implementation's choice, and
    // plain QEMU's GICv3 lets software.
    if !native {
        let ppis = gic.private_frame() + register::ICFGR + 4;
        write32(ppis, u32::MAX);
        expect_eq!("PPIs are level-sensitive", read32(ppis), 0);
    }
}

/// Enable, pending and active bits of an SPI set by one register and cleared by its twin.
fn bitmaps(gic: &Gic) {
    for (name, set, clear) in [
        ("enable", register::ISENABLER, register::ICENABLER),
        ("pending", register::ISPENDR, register::ICPENDR),
        ("active", register::ISACTIVER, register::ICACTIVER),
    ] {
        let before = gic.bit(set, FREE_SPI);
        gic.set_bit(set, FREE_SPI);
        let during = (gic.bit(set, FREE_SPI), gic.bit(clear, FREE_SPI));
        gic.set_bit(clear, FREE_SPI);
        let after = gic.bit(set, FREE_SPI);
        expect_eq!(format_args!("SPI {name} bit"), (before, during, after), (false, (true, true), false));
    }
    gic.set_priority(FREE_SPI, 0x50);
    expect_eq!("SPI priority by byte", read8(gic.distributor() + register::IPRIORITYR + FREE_SPI as usize), 0x50);
    gic.set_priority(FREE_SPI, bulkhead_guests::gic::PRIORITY);
}

fn targets(machine: &Machine, gic: &Gic, native: bool) {
    let offset = FREE_SPI as usize;
    if gic.version() == 2 {
        // IHI 0048B 4.3.12: the registers of a uniprocessor may read as zero.
        let expected = if machine.cpus.len() == 1 { 0..2 } else { 1..2 };
        let (own, target) = (read8(target_register(gic, 0)), read8(target_register(gic, offset)));
        expect!("own interface is the boot vCPU's", expected.contains(&own));
        expect!("SPI target by byte", expected.contains(&target));
        return;
    }
    let router = gic.distributor() + register::IROUTER + offset * 8;
    write64(router, 1 << 31 | cpu::affinity());
    let any = read32(gic.distributor() + register::TYPER) >> 25 & 1 == 0;
    // IHI 0069 12.9 GICD_TYPER.No1N. Plain QEMU's GICv3 says so too, and keeps the bit all the same.
    if !native {
        expect_eq!("SPI route to any where TYPER says so", read64(router) >> 31 & 1 == 1, any);
    }
    write64(router, cpu::affinity());
    expect_eq!("SPI route to this vCPU", read64(router), cpu::affinity());
    expect_eq!("no target registers with affinity routing", read8(target_register(gic, offset)), 0);
}

fn target_register(gic: &Gic, intid: usize) -> usize {
    gic.distributor() + register::ITARGETSR + intid
}

static SEEN: [AtomicU32; 16] = [const { AtomicU32::new(u32::MAX) }; 16];
static COUNT: AtomicUsize = AtomicUsize::new(0);

/// Appends `intid` to the log.
fn log(intid: u32) {
    let index = COUNT.fetch_add(1, Ordering::SeqCst);
    if let Some(slot) = SEEN.get(index) {
        slot.store(intid, Ordering::SeqCst);
    }
}

fn seen(index: usize) -> u32 {
    SEEN[index].load(Ordering::SeqCst)
}

fn own_interrupts(machine: &Machine, gic: &Gic) {
    cpu::enable_interrupts();
    for intid in 0..16 {
        COUNT.store(0, Ordering::SeqCst);
        interrupt::handle(intid, log);
        gic.send_sgi(intid, machine.cpus[0], 0);
        cpu::wait_until(|| COUNT.load(Ordering::SeqCst) != 0);
        expect_eq!(format_args!("SGI {intid} to self"), (COUNT.load(Ordering::SeqCst), seen(0)), (1, intid));
    }
    cpu::disable_interrupts();
}

/// Both SGIs wait behind the mask; the more urgent one comes first although it was sent last. Neither comes
/// while the priority mask keeps it out.
fn priorities(machine: &Machine, gic: &Gic) {
    COUNT.store(0, Ordering::SeqCst);
    gic.set_priority(3, 0xa0);
    gic.set_priority(2, 0x40);
    set_mask(gic, 0x20);
    gic.send_sgi(3, machine.cpus[0], 0);
    gic.send_sgi(2, machine.cpus[0], 0);
    cpu::enable_interrupts();
    bulkhead_guests::timer::spin(bulkhead_guests::timer::frequency() / 1000);
    expect_eq!("the priority mask keeps interrupts out", COUNT.load(Ordering::SeqCst), 0);
    set_mask(gic, 0x80);
    cpu::wait_until(|| COUNT.load(Ordering::SeqCst) >= 1);
    expect_eq!("the urgent one passes the mask", (COUNT.load(Ordering::SeqCst), seen(0)), (1, 2));
    set_mask(gic, 0xf0);
    cpu::wait_until(|| COUNT.load(Ordering::SeqCst) >= 2);
    expect_eq!("the other comes when the mask lets it", (COUNT.load(Ordering::SeqCst), seen(1)), (2, 3));
    order(machine, gic);
    gic.set_priority(2, bulkhead_guests::gic::PRIORITY);
}

fn order(machine: &Machine, gic: &Gic) {
    cpu::disable_interrupts();
    COUNT.store(0, Ordering::SeqCst);
    gic.send_sgi(3, machine.cpus[0], 0);
    gic.send_sgi(2, machine.cpus[0], 0);
    cpu::wait_until(|| COUNT.load(Ordering::SeqCst) >= 2);
    expect_eq!("the more urgent one comes first", (seen(0), seen(1)), (2, 3));
}

/// Lets priorities below `priority` through: GICC_PMR or ICC_PMR_EL1.
fn set_mask(gic: &Gic, priority: u32) {
    match gic {
        Gic::V2(gic) => write32(gic.cpu_interface + 4, priority),
        Gic::V3(_) => write_register!("s3_0_c4_c6_0", u64::from(priority)),
    }
}

/// GICD_ISPENDR raises an SPI by software; it is active in its handler and idle afterwards.
fn software_pending(gic: &Gic) {
    static ACTIVE: AtomicU32 = AtomicU32::new(0);
    COUNT.store(0, Ordering::SeqCst);
    cpu::enable_interrupts();
    interrupt::handle(FREE_SPI, |intid| {
        ACTIVE.store(interrupt::controller().bit(register::ISACTIVER, intid).into(), Ordering::SeqCst);
        log(intid);
    });
    gic.set_bit(register::ISPENDR, FREE_SPI);
    cpu::wait_until(|| COUNT.load(Ordering::SeqCst) != 0);
    expect_eq!("SPI made pending by software", seen(0), FREE_SPI);
    expect_eq!("SPI is active in its handler", ACTIVE.load(Ordering::SeqCst), 1);
    let left = (gic.bit(register::ISACTIVER, FREE_SPI), gic.bit(register::ISPENDR, FREE_SPI));
    expect_eq!("SPI is idle after its end", left, (false, false));
    gic.disable(FREE_SPI);
    cpu::disable_interrupts();
}
