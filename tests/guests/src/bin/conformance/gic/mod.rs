//! The interrupt controller as its programmer sees it: GICv2 (IHI 0048) and GICv3 (IHI 0069).

mod cross;
pub mod groups;
mod groups_v2;
mod held;
pub mod interface;
mod overflow;
pub mod priorities;
pub mod registers;
mod sgi;
mod sgi_groups;
mod walk;

use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use bulkhead_guests::gic::{Gic, register};
use bulkhead_guests::memory::{read8, read32, read64, write32, write64};
use bulkhead_guests::section::{self, Section};
use bulkhead_guests::{Machine, cpu, interrupt, write_register};

/// The section of the version that `gic` is of.
fn either(gic: &Gic, v2: &'static str, v3: &'static str) -> Section {
    if gic.version() == 2 { section::gic_v2(v2) } else { section::gic_v3(v3) }
}

/// An SPI that no device of the machine uses.
const FREE_SPI: u32 = 62;

pub fn check(machine: &Machine, gic: &Gic, native: bool) {
    identification(machine, gic, native);
    bitmaps(gic);
    targets(machine, gic, native);
    own_interrupts(machine, gic);
    priorities(machine, gic);
    software_pending(gic);
    priorities::check(gic);
    groups_v2::check(gic);
    overflow::check(gic);
    either(gic, "3.2.5", "4.1").equal("no interrupt came unasked", interrupt::unexpected(), 0);
}

/// Checks between vCPUs.
pub fn check_several(machine: &Machine, gic: &Gic) {
    cpu::disable_interrupts();
    sgi::check(machine, gic);
    sgi_groups::check(machine, gic);
    cross::check(machine, gic);
}

fn identification(machine: &Machine, gic: &Gic, native: bool) {
    let identification = gic.distributor() + if gic.version() == 2 { 0xfe8 } else { 0xffe8 };
    either(gic, "4.3.18", "12.9").equal(
        "GICD_PIDR2 architecture revision",
        read32(identification) >> 4 & 0xf,
        gic.version(),
    );
    let typer = read32(gic.distributor() + register::TYPER);
    either(gic, "4.3.2", "12.9").holds("GICD_TYPER has SPIs", typer & 0x1f >= 1);
    if gic.version() == 2 {
        section::gic_v2("4.3.2").equal(
            "GICD_TYPER counts the vCPUs",
            (typer >> 5 & 7) as usize + 1,
            machine.cpus.len(),
        );
    } else {
        let redistributor = gic.private_frame() - 0x1_0000;
        let typer = read64(redistributor + 8);
        section::gic_v3("12.11").equal(
            "GICR_TYPER is Last for one vCPU only",
            typer >> 4 & 1 == 1,
            machine.cpus.len() == 1,
        );
        section::gic_v3("12.11").equal(
            "GICR_PIDR2 architecture revision",
            read32(redistributor + 0xffe8) >> 4 & 0xf,
            3,
        );
    }
    either(gic, "4.3.13", "12.11").equal(
        "SGIs are edge triggered",
        read32(gic.private_frame() + register::ICFGR),
        0xaaaa_aaaa,
    );
    // IHI 0048 4.3.13, IHI 0069 12.11 GICR_ICFGR1: who may change the trigger of a PPI is the implementation's choice, and
    // plain QEMU's GICv3 lets software.
    if !native {
        let ppis = gic.private_frame() + register::ICFGR + 4;
        write32(ppis, u32::MAX);
        either(gic, "4.3.13", "12.11").equal("PPIs are level-sensitive", read32(ppis), 0);
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
        either(gic, "4.3", "12.9").equal(
            format_args!("SPI {name} bit"),
            (before, during, after),
            (false, (true, true), false),
        );
    }
    gic.set_priority(FREE_SPI, 0x50);
    either(gic, "4.3", "12.9").equal(
        "SPI priority by byte",
        read8(gic.distributor() + register::IPRIORITYR + FREE_SPI as usize),
        0x50,
    );
    gic.set_priority(FREE_SPI, bulkhead_guests::gic::PRIORITY);
}

fn targets(machine: &Machine, gic: &Gic, native: bool) {
    let offset = FREE_SPI as usize;
    if gic.version() == 2 {
        // IHI 0048B 4.3.12: the registers of a uniprocessor may read as zero.
        let expected = if machine.cpus.len() == 1 { 0..2 } else { 1..2 };
        let (own, target) = (read8(target_register(gic, 0)), read8(target_register(gic, offset)));
        section::gic_v2("4.3.12").holds("own interface is the boot vCPU's", expected.contains(&own));
        section::gic_v2("4.3.12").holds("SPI target by byte", expected.contains(&target));
        return;
    }
    let router = gic.distributor() + register::IROUTER + offset * 8;
    write64(router, 1 << 31 | cpu::affinity());
    let any = read32(gic.distributor() + register::TYPER) >> 25 & 1 == 0;
    // IHI 0069 12.9 GICD_TYPER.No1N. Plain QEMU's GICv3 says so too, and keeps the bit all the same.
    if !native {
        section::gic_v3("12.9").equal("SPI route to any where TYPER says so", read64(router) >> 31 & 1 == 1, any);
    }
    write64(router, cpu::affinity());
    section::gic_v3("12.9").equal("SPI route to this vCPU", read64(router), cpu::affinity());
    section::gic_v3("12.9").equal("no target registers with affinity routing", read8(target_register(gic, offset)), 0);
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
        either(gic, "4.3.15", "12.2").equal(
            format_args!("SGI {intid} to self"),
            (COUNT.load(Ordering::SeqCst), seen(0)),
            (1, intid),
        );
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
    either(gic, "3.3.2", "4.8.5").equal("the priority mask keeps interrupts out", COUNT.load(Ordering::SeqCst), 0);
    set_mask(gic, 0x80);
    cpu::wait_until(|| COUNT.load(Ordering::SeqCst) >= 1);
    either(gic, "3.3.2", "4.8.5").equal(
        "the urgent one passes the mask",
        (COUNT.load(Ordering::SeqCst), seen(0)),
        (1, 2),
    );
    set_mask(gic, 0xf0);
    cpu::wait_until(|| COUNT.load(Ordering::SeqCst) >= 2);
    either(gic, "3.3.2", "4.8.5").equal(
        "the other comes when the mask lets it",
        (COUNT.load(Ordering::SeqCst), seen(1)),
        (2, 3),
    );
    order(machine, gic);
    gic.set_priority(2, bulkhead_guests::gic::PRIORITY);
}

fn order(machine: &Machine, gic: &Gic) {
    cpu::disable_interrupts();
    COUNT.store(0, Ordering::SeqCst);
    gic.send_sgi(3, machine.cpus[0], 0);
    gic.send_sgi(2, machine.cpus[0], 0);
    cpu::wait_until(|| COUNT.load(Ordering::SeqCst) >= 2);
    either(gic, "3.3", "4.8").equal("the more urgent one comes first", (seen(0), seen(1)), (2, 3));
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
    either(gic, "4.3.7", "12.9").equal("SPI made pending by software", seen(0), FREE_SPI);
    either(gic, "4.3.7", "12.9").equal("SPI is active in its handler", ACTIVE.load(Ordering::SeqCst), 1);
    let left = (gic.bit(register::ISACTIVER, FREE_SPI), gic.bit(register::ISPENDR, FREE_SPI));
    either(gic, "4.3.7", "12.9").equal("SPI is idle after its end", left, (false, false));
    gic.disable(FREE_SPI);
    cpu::disable_interrupts();
}
