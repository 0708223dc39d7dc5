//! Interrupts of both groups at once, more of them than a controller of virtual interrupts has list registers, while the
//! CPU interface has one group enabled, the other, both (IHI 0069 4.6). On GICv3: the CPU interfaces of QEMU's GICv2 give
//! out interrupts of disabled groups too.

use core::ops::Range;

use bulkhead_guests::gic::{Gic, SPECIAL, register};
use bulkhead_guests::memory::{read32, write32};
use bulkhead_guests::{read_register, section, write_register};

/// SPIs that no device of the machine raises.
const SPIS: Range<u32> = 48..64;
/// The register of their groups.
const GROUPS: usize = register::IGROUPR + 4;

/// Every second interrupt is of Group 1, and the lower INTID is the more urgent one.
pub fn check(gic: &Gic) {
    let groups = read32(gic.distributor() + GROUPS);
    write32(gic.distributor() + register::CTLR, read32(gic.distributor() + register::CTLR) | 3);
    let of_group = |group: u32| SPIS.filter(move |intid| intid % 2 == group);
    for first in [0, 1] {
        prepare(gic, |intid| intid % 2 == 1, only(first));
        taken(first, of_group(first), "one group is enabled");
        enable(only(1 - first));
        taken(1 - first, of_group(1 - first), "the other one is enabled");
    }
    for urgent in [0, 1] {
        let middle = u32::midpoint(SPIS.start, SPIS.end);
        prepare(gic, |intid| (intid < middle) == (urgent == 1), [true; 2]);
        enable(only(1 - urgent));
        if urgent == 0 {
            told_by_an_access(gic);
        }
        taken(1 - urgent, middle..SPIS.end, "the urgent group is disabled");
        enable(only(urgent));
        taken(urgent, SPIS.start..middle, "the urgent group is enabled again");
    }
    write32(gic.distributor() + GROUPS, groups);
    gic.initialise_distributor();
    gic.initialise_cpu();
}

const fn only(group: u32) -> [bool; 2] {
    [group == 0, group == 1]
}

/// All interrupts pending, of Group 1 where `group_1` says so; the CPU interface has the groups `enabled`.
fn prepare(gic: &Gic, group_1: impl Fn(u32) -> bool, groups: [bool; 2]) {
    let bits = SPIS.filter(|intid| group_1(*intid)).fold(0, |bits, intid| bits | 1_u64 << intid);
    enable([false; 2]);
    write32(gic.distributor() + GROUPS, (bits >> 32) as u32);
    for intid in SPIS {
        gic.set_priority(intid, 0x40 + 8 * (intid - SPIS.start) as u8);
        gic.enable(intid);
        gic.set_bit(register::ISPENDR, intid);
    }
    enable(groups);
}

/// The CPU interface gives out `expected` in their order, and then says that nothing of the group is left.
fn taken(group: u32, expected: impl Iterator<Item = u32>, when: &str) {
    let wrong = expected.map(|intid| (take(group), intid)).find(|(taken, intid)| taken != intid);
    section::gic_v3("4.6").equal(
        format_args!("more interrupts than list registers, {when}: taken and expected"),
        wrong,
        None,
    );
    section::gic_v3("4.6")
        .holds(format_args!("more interrupts than list registers, {when}: no more are left"), take(group) >= SPECIAL);
}

/// A machine of QEMU under us takes the end of Group 0 by the enable bit of Group 1 (ICH_MISR_EL2.VGrp0D), so that nobody
/// hears of it: an access whose answer rests on what is pending makes up for it.
fn told_by_an_access(gic: &Gic) {
    let _ = gic.bit(register::ISPENDR, SPIS.start);
}

/// Enables the groups in the CPU interface: ICC_IGRPEN0_EL1, ICC_IGRPEN1_EL1.
fn enable([zero, one]: [bool; 2]) {
    write_register!("s3_0_c12_c12_6", u64::from(zero));
    write_register!("s3_0_c12_c12_7", u64::from(one));
}

/// Acknowledges the most urgent interrupt of the group by ICC_IARn_EL1 and ends it by ICC_EOIRn_EL1: its INTID.
fn take(group: u32) -> u32 {
    let intid = if group == 0 { read_register!("s3_0_c12_c8_0") } else { read_register!("s3_0_c12_c12_0") };
    if intid < u64::from(SPECIAL) {
        match group {
            0 => write_register!("s3_0_c12_c8_1", intid),
            _ => write_register!("s3_0_c12_c12_1", intid),
        }
    }
    intid as u32
}
