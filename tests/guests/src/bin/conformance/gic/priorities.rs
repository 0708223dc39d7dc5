//! What the CPU interface gives out and when: masking, preemption, the end of an interrupt in one step and in two.

use bulkhead_guests::gic::{Gic, register};
use bulkhead_guests::section::{self, Section};
use bulkhead_guests::{cpu, read_register, write_register};

use super::either;
use super::interface::{
    IDLE, Register, SPURIOUS, acknowledge, end, forget, group_priorities_from, is_fiq_signalled, is_signalled, pend,
    read, running, split_end, write,
};

/// SPIs that no device of the machine raises.
const LESS: u32 = 50;
const MORE: u32 = 51;

/// The CPU interface out of reset, before anything has used it.
pub fn reset(gic: &Gic) {
    let section = either(gic, "4.4", "12.2");
    for (name, register, expected) in [
        ("the priority mask lets nothing through", Register::PriorityMask, 0),
        ("nothing runs", Register::RunningPriority, IDLE),
        ("nothing is pending", Register::HighestPending, SPURIOUS),
        ("nothing is acknowledged", Register::Acknowledge, SPURIOUS),
    ] {
        section.equal(format_args!("out of reset {name}"), read(gic, register), expected);
    }
    binary_points(gic);
    let control = read(gic, Register::Control);
    if gic.version() == 2 {
        section.equal("GICC_CTLR out of reset", control, 0);
        return;
    }
    // CBPR, EOImode and PMHE.
    section.equal("ICC_CTLR_EL1 out of reset", control & 0x43, 0);
    let groups = [read_register!("s3_0_c12_c12_6"), read_register!("s3_0_c12_c12_7")];
    section.equal("ICC_IGRPEN0_EL1 and ICC_IGRPEN1_EL1 out of reset", groups, [0, 0]);
    section.equal("ICC_AP0R0_EL1 and ICC_AP1R0_EL1 out of reset", active_priorities(), [0, 0]);
    section.equal("ICC_SRE_EL1 cannot be switched off", read_register!("s3_0_c12_c12_5") & 1, 1);
}

fn active_priorities() -> [u64; 2] {
    [read_register!("s3_0_c12_c8_4"), read_register!("s3_0_c12_c9_0")]
}

/// A binary point reads as what was written, or the least that there is.
fn binary_points(gic: &Gic) {
    let before = read(gic, Register::BinaryPoint);
    let seen: [u32; 8] = core::array::from_fn(|value| {
        write(gic, Register::BinaryPoint, value as u32);
        read(gic, Register::BinaryPoint)
    });
    write(gic, Register::BinaryPoint, before);
    let expected: [u32; 8] = core::array::from_fn(|value| seen[0].max(value as u32));
    let section = either(gic, "4.4.3", "4.8.2");
    section.equal("the binary point, written from 0 to 7", seen, expected);
    // 16 to 128 levels of priority.
    let most = if gic.version() == 2 { 3 } else { 4 };
    section.holds("its least value leaves at least 16 levels of priority", seen[0] <= most);
}

/// Checks with IRQs masked, an SPI or two at a time.
pub fn check(gic: &Gic) {
    cpu::disable_interrupts();
    masking(gic);
    preemption(gic);
    grouping(gic);
    one_step(gic);
    two_steps(gic);
    write(gic, Register::PriorityMask, 0xf0);
    group_priorities_from(gic, 1);
    if gic.version() == 3 {
        group_0_of_v3(gic);
    }
}

fn masking(gic: &Gic) {
    let section = either(gic, "3.3.2", "4.8.5");
    write(gic, Register::PriorityMask, 0x80);
    pend(gic, LESS, 0x80);
    section.equal("a mask of an interrupt's own priority", (is_signalled(), acknowledge(gic)), (false, SPURIOUS));
    write(gic, Register::PriorityMask, 0x90);
    section.equal("a mask of a lower priority", is_signalled(), true);
    section.equal("the highest pending one", read(gic, Register::HighestPending), LESS);
    section.equal("it stays so until it is acknowledged", read(gic, Register::HighestPending), LESS);
    section.equal("acknowledged and running", (acknowledge(gic), running(gic)), (LESS, 0x80));
    section.equal("no more is pending", read(gic, Register::HighestPending), SPURIOUS);
    write(gic, Register::PriorityMask, 0x20);
    section.equal("a mask leaves what runs", running(gic), 0x80);
    end(gic, LESS);
    section.equal("ended", running(gic), IDLE);
    write(gic, Register::PriorityMask, 0xf0);
    end(gic, SPURIOUS);
    either(gic, "3.2.5", "12.2").equal("the end of a spurious interrupt is none", running(gic), IDLE);
    forget(gic, LESS);
}

/// Each acknowledged while the last one runs, and ended in the opposite order.
fn preemption(gic: &Gic) {
    let section = either(gic, "3.3.1", "4.8.4");
    group_priorities_from(gic, 1);
    const CHAIN: [(u32, u8); 6] = [(50, 0xa0), (51, 0x98), (52, 0x60), (53, 0x58), (54, 0x10), (55, 0x00)];
    for (intid, priority) in CHAIN {
        pend(gic, intid, priority);
        let seen = (is_signalled(), acknowledge(gic), running(gic));
        section.equal(format_args!("preempted by priority {priority:#x}"), seen, (true, intid, priority.into()));
        pend(gic, 56, priority.saturating_add(8));
        let seen = (is_signalled(), acknowledge(gic));
        section.equal(format_args!("not by priority {:#x}", priority.saturating_add(8)), seen, (false, SPURIOUS));
        forget(gic, 56);
    }
    if gic.version() == 3 {
        // A bit for each level, from the most urgent one on; there are 32.
        let levels = CHAIN.iter().fold(0, |levels, (_, priority)| levels | 1_u64 << (priority >> 3));
        let is_of_five_bits = read(gic, Register::Control) >> 8 & 7 == 4;
        if is_of_five_bits {
            section::gic_v3("4.8.3").equal("ICC_AP0R0_EL1, ICC_AP1R0_EL1", active_priorities(), [0, levels]);
        }
    }
    let mut left = [0; CHAIN.len()];
    for (slot, (intid, _)) in left.iter_mut().zip(CHAIN).rev() {
        *slot = running(gic);
        end(gic, intid);
    }
    section.equal("what runs on as each ends", left, CHAIN.map(|(_, priority)| u32::from(priority)));
    section.equal("nothing runs at last", running(gic), IDLE);
    CHAIN.iter().for_each(|(intid, _)| forget(gic, *intid));
}

/// Only the group priority, the bits from the binary point on, preempts.
fn grouping(gic: &Gic) {
    let section = either(gic, "3.3.3", "4.8.2");
    for low in 4..=7 {
        group_priorities_from(gic, low);
        let (active, same_group) = (0x80 | 1 << (low - 1), 0x80);
        pend(gic, LESS, active);
        let first = acknowledge(gic);
        pend(gic, MORE, same_group);
        let held = (is_signalled(), acknowledge(gic));
        pend(gic, MORE, (0x80_u32 - (1 << low)) as u8);
        let preempted = acknowledge(gic);
        let name = format_args!("group priority by bits 7 to {low}: first, its like, a more urgent group");
        section.equal(name, (first, held, preempted), (LESS, (false, SPURIOUS), MORE));
        end(gic, MORE);
        end(gic, LESS);
        subpriorities(gic, section, low, [active, same_group]);
    }
    group_priorities_from(gic, 1);
    [LESS, MORE].into_iter().for_each(|intid| forget(gic, intid));
}

/// The subpriority decides which of two pending interrupts comes first.
fn subpriorities(gic: &Gic, section: Section, low: u32, [less, more]: [u8; 2]) {
    pend(gic, LESS, less);
    pend(gic, MORE, more);
    let seen = [(); 2].map(|()| {
        let intid = acknowledge(gic);
        end(gic, intid);
        intid
    });
    section.equal(format_args!("subpriority by bits {} to 0", low - 1), seen, [MORE, LESS]);
}

/// Pending and active, as the distributor shows them.
pub fn state(gic: &Gic, intid: u32) -> (bool, bool) {
    (gic.bit(register::ISPENDR, intid), gic.bit(register::ISACTIVER, intid))
}

/// EOImode 0: the end drops the priority and deactivates.
fn one_step(gic: &Gic) {
    let section = either(gic, "3.2.1", "4.1");
    pend(gic, LESS, 0x80);
    section.equal("pending", state(gic, LESS), (true, false));
    let _ = acknowledge(gic);
    section.equal("active", state(gic, LESS), (false, true));
    gic.set_bit(register::ISPENDR, LESS);
    section.equal("pending and active", state(gic, LESS), (true, true));
    section.equal("it is not given out while it is active", (is_signalled(), acknowledge(gic)), (false, SPURIOUS));
    end(gic, LESS);
    section.equal("its end leaves it pending", state(gic, LESS), (true, false));
    section.equal("and it comes again", (is_signalled(), acknowledge(gic)), (true, LESS));
    end(gic, LESS);
    section.equal("inactive", state(gic, LESS), (false, false));
    forget(gic, LESS);
}

/// EOImode 1: the end drops the priority, and an interrupt stays active until it is deactivated, in any order.
fn two_steps(gic: &Gic) {
    let section = either(gic, "4.4.15", "4.1");
    split_end(gic, true);
    pend(gic, LESS, 0x80);
    let first = acknowledge(gic);
    end(gic, first);
    section.equal("the priority drops, and it stays active", (running(gic), state(gic, LESS)), (IDLE, (false, true)));
    gic.set_bit(register::ISPENDR, LESS);
    section.equal("it is not given out while it is active", (is_signalled(), acknowledge(gic)), (false, SPURIOUS));
    pend(gic, MORE, 0x80);
    let second = acknowledge(gic);
    end(gic, second);
    section.equal("another of its priority is", (second, state(gic, MORE)), (MORE, (false, true)));
    write(gic, Register::Deactivate, LESS);
    section.equal(
        "the first is deactivated first",
        [state(gic, LESS), state(gic, MORE)],
        [(true, false), (false, true)],
    );
    let again = acknowledge(gic);
    section.equal("it comes again", (again, state(gic, LESS)), (LESS, (false, true)));
    end(gic, again);
    [MORE, LESS].into_iter().for_each(|intid| write(gic, Register::Deactivate, intid));
    section.equal("all are inactive", [state(gic, LESS), state(gic, MORE)], [(false, false); 2]);
    split_end(gic, false);
    [LESS, MORE].into_iter().for_each(|intid| forget(gic, intid));
}

/// An interrupt of Group 0 is acknowledged by its own registers alone (IHI 0069 4.6).
fn group_0_of_v3(gic: &Gic) {
    use bulkhead_guests::memory::{read32, write32};
    let section = section::gic_v3("4.6");
    let (control, groups) = (gic.distributor() + register::CTLR, gic.distributor() + register::IGROUPR + 4);
    let before = [read32(control), read32(groups)];
    write32(groups, before[1] & !(1 << (LESS - 32)));
    write32(control, before[0] | 1);
    write_register!("s3_0_c12_c12_6", 1);
    pend(gic, LESS, 0x80);
    section.equal("Group 0 is signalled as FIQ", is_fiq_signalled(), true);
    let seen = [read_register!("s3_0_c12_c8_2"), read_register!("s3_0_c12_c12_2")];
    section.equal("ICC_HPPIR0_EL1, ICC_HPPIR1_EL1", seen, [LESS.into(), SPURIOUS.into()]);
    section.equal("ICC_IAR1_EL1 gives nothing", acknowledge(gic), SPURIOUS);
    section.equal("ICC_IAR0_EL1", read_register!("s3_0_c12_c8_0"), u64::from(LESS));
    section.equal("its priority runs", running(gic), 0x80);
    write_register!("s3_0_c12_c8_1", u64::from(LESS));
    section.equal("ICC_EOIR0_EL1 ends it", (running(gic), state(gic, LESS)), (IDLE, (false, false)));
    write_register!("s3_0_c12_c12_6", 0);
    write32(control, before[0]);
    write32(groups, before[1]);
    forget(gic, LESS);
}
