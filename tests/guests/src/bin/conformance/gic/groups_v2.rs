//! The two groups of a GICv2 without Security Extensions, which is what a guest has (IHI 0048B 4.4.1): who is signalled by
//! what, who is acknowledged by whom, and who preempts whom.
//!
//! Left out, since the CPU interfaces of QEMU's GICv2, physical and virtual, differ: GICC_AIAR, GICC_AEOIR and GICC_AHPPIR,
//! which they do not have; GICC_IAR and GICC_HPPIR while a group is disabled, which they give all the same; and GICC_IAR
//! without AckCtl where an interrupt of Group 1 is pending that is not urgent enough to be signalled: they give 1022.

use bulkhead_guests::gic::{Gic, register};
use bulkhead_guests::memory::{read32, write32};
use bulkhead_guests::section;

use super::interface::{
    IDLE, Register, SPURIOUS, acknowledge, end, forget, is_fiq_signalled, is_signalled, pend, read, running, split_end,
    write,
};
use super::priorities::state;

/// SPIs of Group 0 and of Group 1 that no device of the machine raises.
const ZERO: u32 = 50;
const ONE: u32 = 51;
/// Another of Group 1.
const OTHER: u32 = 53;
/// Every second SPI of these is of Group 1.
const MANY: core::ops::Range<u32> = 48..64;
const GROUPS: usize = register::IGROUPR + 4;
/// GICC_ABPR.
const ABPR: usize = 0x1c;
/// There is an interrupt of Group 1, and it is not given out (IHI 0048B 3.2.5).
const OF_GROUP_1: u32 = 1022;

/// GICC_CTLR without Security Extensions (IHI 0048B 4.4.1).
mod control {
    pub const GROUP_0: u32 = 1;
    pub const GROUP_1: u32 = 1 << 1;
    pub const BOTH: u32 = GROUP_0 | GROUP_1;
    pub const ACK_CTL: u32 = 1 << 2;
    pub const FIQ_EN: u32 = 1 << 3;
    pub const CBPR: u32 = 1 << 4;
    pub const EOI_MODE: u32 = 1 << 9;
    pub const ALL: u32 = BOTH | ACK_CTL | FIQ_EN | CBPR | EOI_MODE;
}
use control::{ACK_CTL, ALL, BOTH, CBPR, FIQ_EN, GROUP_0, GROUP_1};

pub fn check(gic: &Gic) {
    let Gic::V2(driver) = gic else { return };
    let groups = gic.distributor() + GROUPS;
    write32(gic.distributor() + register::CTLR, 3);
    write32(groups, MANY.filter(|intid| intid % 2 == 1).fold(0, |bits, intid| bits | 1 << (intid - 32)));
    holds(gic);
    signals(gic);
    acknowledges(gic);
    acknowledges_first(gic);
    let second_point = driver.cpu_interface + ABPR;
    points(gic, second_point);
    preempts(gic, second_point);
    deactivates(gic);
    more_than_list_registers(gic);
    software(gic);
    write32(groups, 0);
    write32(second_point, 0);
    write(gic, Register::BinaryPoint, 0);
    control(gic, GROUP_0);
    write32(gic.distributor() + register::CTLR, 1);
}

fn control(gic: &Gic, value: u32) {
    write(gic, Register::Control, value);
}

fn holds(gic: &Gic) {
    let seen = [0, 1, 2, 3, 4, 9].map(|bit| {
        control(gic, 1 << bit);
        read(gic, Register::Control) & ALL
    });
    let expected = [0, 1, 2, 3, 4, 9].map(|bit| 1 << bit);
    section::gic_v2("4.4.1").equal("GICC_CTLR holds each bit", seen, expected);
    control(gic, BOTH);
}

/// Group 0 goes by IRQ, or by FIQ if FIQEn says so, Group 1 by IRQ; each where distributor and CPU interface have it enabled.
fn signals(gic: &Gic) {
    let distributor = gic.distributor() + register::CTLR;
    for (name, intid, enable) in [("Group 0", ZERO, GROUP_0), ("Group 1", ONE, GROUP_1)] {
        control(gic, 0);
        pend(gic, intid, 0x80);
        for (what, interface, forwarded) in [
            ("its own bits", enable, enable),
            ("the other group's bit in GICC_CTLR", BOTH & !enable, BOTH),
            ("the other group's bit in GICD_CTLR", BOTH, BOTH & !enable),
            ("no bits", 0, 0),
        ] {
            for fiq_en in [0, FIQ_EN] {
                write32(distributor, forwarded);
                control(gic, interface | fiq_en);
                let is_on = interface & forwarded & enable != 0;
                let by_fiq = fiq_en != 0 && enable == GROUP_0;
                section::gic_v2("4.4.1").equal(
                    format_args!("{name} pending with {what}, FIQEn {}: IRQ, FIQ", fiq_en / FIQ_EN),
                    (is_signalled(), is_fiq_signalled()),
                    (is_on && !by_fiq, is_on && by_fiq),
                );
            }
        }
        forget(gic, intid);
    }
    write32(distributor, 3);
    control(gic, BOTH);
}

/// AckCtl decides whether GICC_IAR, GICC_HPPIR and GICC_EOIR serve Group 1.
fn acknowledges(gic: &Gic) {
    pend(gic, ONE, 0x80);
    control(gic, BOTH);
    let seen = [read(gic, Register::HighestPending), acknowledge(gic)];
    section::gic_v2("4.4.4").equal("Group 1 without AckCtl: GICC_HPPIR, GICC_IAR", seen, [OF_GROUP_1; 2]);
    end(gic, OF_GROUP_1);
    let seen = (running(gic), state(gic, ONE), is_signalled());
    section::gic_v2("3.2.5").equal("INTID 1022 acknowledges and ends nothing", seen, (IDLE, (true, false), true));
    control(gic, BOTH | ACK_CTL);
    let seen = [read(gic, Register::HighestPending), acknowledge(gic)];
    section::gic_v2("4.4.4").equal("Group 1 with AckCtl: GICC_HPPIR, GICC_IAR", seen, [ONE; 2]);
    section::gic_v2("4.4.6").equal("its priority runs", (running(gic), state(gic, ONE)), (0x80, (false, true)));
    end(gic, ONE);
    section::gic_v2("4.4.5").equal("GICC_EOIR ends it", (running(gic), state(gic, ONE)), (IDLE, (false, false)));
    section::gic_v2("3.2.5").equal("nothing is left", acknowledge(gic), SPURIOUS);
    forget(gic, ONE);
}

/// Only the most urgent interrupt counts, of whichever group it is.
fn acknowledges_first(gic: &Gic) {
    for (ack_ctl, name) in [(0, "without AckCtl"), (ACK_CTL, "with AckCtl")] {
        control(gic, BOTH | ack_ctl);
        pend(gic, ZERO, 0x80);
        pend(gic, ONE, 0x60);
        let first = if ack_ctl == 0 { OF_GROUP_1 } else { ONE };
        let first_name = format_args!("Group 1 more urgent than Group 0, {name}: GICC_HPPIR");
        section::gic_v2("4.4.7").equal(first_name, read(gic, Register::HighestPending), first);
        pend(gic, ONE, 0xa0);
        let name = format_args!("Group 0 more urgent than Group 1, {name}: GICC_IAR, then running");
        section::gic_v2("4.4.4").equal(name, (acknowledge(gic), running(gic)), (ZERO, 0x80));
        end(gic, ZERO);
        [ZERO, ONE].into_iter().for_each(|intid| forget(gic, intid));
    }
}

/// GICC_ABPR is Group 1's binary point, apart from Group 0's.
fn points(gic: &Gic, second: usize) {
    let seen: [u32; 8] = core::array::from_fn(|value| {
        write32(second, value as u32);
        read32(second)
    });
    let expected: [u32; 8] = core::array::from_fn(|value| seen[0].max(value as u32));
    section::gic_v2("4.4.8").equal("GICC_ABPR, written from 0 to 7", seen, expected);
    // Its least value is one more than GICC_BPR's, which a virtual one of QEMU's does not keep to.
    section::gic_v2("4.4.8").holds("its least value leaves at least 16 levels of priority", (1..=4).contains(&seen[0]));
    write(gic, Register::BinaryPoint, 4);
    section::gic_v2("4.4.8").equal("GICC_BPR leaves GICC_ABPR", read32(second), 7);
}

/// A pending interrupt of a higher group priority preempts; by which binary point, its group and CBPR say.
fn preempts(gic: &Gic, second: usize) {
    for (cbpr, own, others, expected) in [
        // Group 1's own splits off bits 7 to 5, or 7 to 4, and Group 0's 7 to 3 or more.
        (0, 5, 2, [false, true]),
        (0, 4, 5, [true, true]),
        (CBPR, 5, 2, [true, true]),
        (CBPR, 4, 4, [false, true]),
    ] {
        write(gic, Register::BinaryPoint, others);
        write32(second, own);
        control(gic, BOTH | ACK_CTL | cbpr);
        let seen = [0x80, 0x40].map(|priority| {
            pend(gic, ONE, 0x90);
            let first = acknowledge(gic);
            pend(gic, OTHER, priority);
            let preempted = is_signalled();
            section::gic_v2("3.3.3").equal(
                "preempts or not, by GICC_IAR",
                acknowledge(gic),
                if preempted { OTHER } else { SPURIOUS },
            );
            if preempted {
                end(gic, OTHER);
            }
            end(gic, first);
            [ONE, OTHER].into_iter().for_each(|intid| forget(gic, intid));
            preempted
        });
        let name = format_args!("GICC_ABPR {own}, GICC_BPR {others}, CBPR {}: 0x80 and 0x40 preempt 0x90", cbpr / CBPR);
        section::gic_v2("3.3.3").equal(name, seen, expected);
    }
}

/// EOImode parts Group 1's priority drop from its deactivation as it does Group 0's.
fn deactivates(gic: &Gic) {
    control(gic, BOTH | ACK_CTL);
    split_end(gic, true);
    pend(gic, ONE, 0x80);
    let taken = acknowledge(gic);
    end(gic, taken);
    let dropped = (taken, running(gic), state(gic, ONE));
    section::gic_v2("4.4.15").equal("Group 1 ended stays active", dropped, (ONE, IDLE, (false, true)));
    write(gic, Register::Deactivate, ONE);
    section::gic_v2("4.4.15").equal("GICC_DIR deactivates it", state(gic, ONE), (false, false));
    split_end(gic, false);
    forget(gic, ONE);
}

/// Interrupts of both groups, more than any virtual CPU interface shows at once, come in the order of their priorities.
fn more_than_list_registers(gic: &Gic) {
    control(gic, BOTH | ACK_CTL);
    for intid in MANY {
        pend(gic, intid, 0x40 + 8 * (MANY.end - 1 - intid) as u8);
    }
    let wrong = MANY.rev().map(|intid| (take(gic), intid)).find(|(taken, intid)| taken != intid);
    section::gic_v2("3.3").equal("sixteen of both groups by GICC_IAR: taken and expected", wrong, None);
    section::gic_v2("3.3").equal("no more are left", acknowledge(gic), SPURIOUS);
    MANY.for_each(|intid| forget(gic, intid));
}

fn take(gic: &Gic) -> u32 {
    let taken = acknowledge(gic);
    end(gic, taken);
    taken
}

/// SGIs of either group are sent by GICD_SGIR, whose NSATT is of the Security Extensions (IHI 0048B 4.3.15).
fn software(gic: &Gic) {
    const SGIS: [u32; 2] = [2, 3];
    const NSATT: u32 = 1 << 15;
    let private = gic.distributor() + register::IGROUPR;
    let before = read32(private);
    write32(private, before & !(1 << SGIS[0]) | 1 << SGIS[1]);
    control(gic, BOTH | ACK_CTL | FIQ_EN);
    for (group, intid) in SGIS.into_iter().enumerate() {
        for attribute in [0, NSATT] {
            let to_self = 2 << 24;
            write32(gic.distributor() + register::SGIR, to_self | attribute | intid);
            let seen = (is_signalled(), is_fiq_signalled(), take(gic));
            let name = format_args!("SGI of Group {group}, NSATT {}: IRQ, FIQ, GICC_IAR", attribute / NSATT);
            section::gic_v2("4.3.15").equal(name, seen, (group == 1, group == 0, intid));
        }
    }
    write32(private, before);
}
