//! The three registers of a GICv3 that send SGIs, and which groups of them each sends with a single Security state
//! (IHI 0069H 8.1.10 and 12.2): ICC_SGI1R_EL1 either, as the target has it, ICC_SGI0R_EL1 and ICC_ASGI1R_EL1 Group 0 alone.

use core::sync::atomic::{AtomicU64, Ordering};

use bulkhead_guests::gic::{Gic, register};
use bulkhead_guests::memory::{read32, write32};
use bulkhead_guests::{Machine, read_register, section, write_register};

use super::interface::{IDLE, SPURIOUS, is_fiq_signalled, running};
use crate::crew;

/// SGIs whose groups differ from vCPU to vCPU: of Group 1 where the vCPU's index is odd, and where it is even.
const SGIS: [u32; 2] = [4, 5];
/// The SGI that tells that those before it have come.
const LAST: u32 = 6;
/// How often it is looked for.
const LOOKS: usize = 1_000_000;

/// A register, and the groups that it sends, a bit each.
struct Sender {
    name: &'static str,
    groups: u8,
    send: fn(u64),
}

const SENDERS: [Sender; 3] = [
    Sender { name: "ICC_SGI1R_EL1", groups: 0b11, send: |value| write_register!("s3_0_c12_c11_5", value) },
    Sender { name: "ICC_ASGI1R_EL1", groups: 0b01, send: |value| write_register!("s3_0_c12_c11_6", value) },
    Sender { name: "ICC_SGI0R_EL1", groups: 0b01, send: |value| write_register!("s3_0_c12_c11_7", value) },
];

/// Whom a write sends to, and the vCPUs that this means, a bit each.
const TARGETS: [(&str, u64, u32); 5] = [
    ("itself", 1, 1),
    ("the others", 0xfffe, !1),
    ("everyone", 0xffff, !0),
    ("all but itself", 1 << 40 | 1, !1),
    ("an Aff1 that is not there", 0xffff | 5 << 16, 0),
];

pub fn check(machine: &Machine, gic: &Gic) {
    let is_plain = |(index, affinity): (usize, &u64)| *affinity == index as u64;
    if gic.version() == 2 || !machine.cpus.iter().enumerate().all(is_plain) {
        return;
    }
    let sgis = 1 << SGIS[0] | 1 << SGIS[1] | 1 << LAST;
    let frames = || (0..machine.cpus.len()).map(|index| gic.redistributor_of(index) + 0x1_0000);
    for (index, frame) in frames().enumerate() {
        write32(frame + register::ICENABLER, sgis);
        write32(frame + register::IGROUPR, !(1 << SGIS[1 - index % 2]));
    }
    SENDERS.iter().for_each(|sender| sends(machine, gic, sender));
    for frame in frames() {
        write32(frame + register::IGROUPR, !0);
        write32(frame + register::ISENABLER, sgis);
    }
    delivers(machine, gic);
}

/// Sends disabled SGIs, which stay pending at those that they were sent to.
fn sends(machine: &Machine, gic: &Gic, sender: &Sender) {
    // QEMU's own machine sends none of Group 0 by ICC_SGI1R_EL1.
    let left_out = if machine.arguments.flag("native") && sender.groups == 0b11 { 0b01 } else { 0 };
    for (name, value, targets) in TARGETS {
        for (which, intid) in SGIS.into_iter().enumerate() {
            (sender.send)(value | u64::from(intid) << 24);
            // To everyone, of Group 1.
            (SENDERS[0].send)(0xffff | u64::from(LAST) << 24);
            for index in 0..machine.cpus.len() {
                let group = (index + which + 1) % 2;
                let pending = pending(gic, index);
                if left_out >> group & 1 != 0 {
                    continue;
                }
                let gets = targets >> index & 1 != 0 && sender.groups >> group & 1 != 0;
                let expected = 1 << LAST | if gets { 1 << intid } else { 0 };
                let name = format_args!("{} to {name}, of Group {group} at vCPU {index}: pending", sender.name);
                section::gic_v3("8.1.10").equal(name, pending, expected);
            }
        }
    }
}

/// What of the three is pending at vCPU `index` when the last is, and then no longer.
fn pending(gic: &Gic, index: usize) -> u32 {
    let frame = gic.redistributor_of(index) + 0x1_0000;
    let ours = 1 << SGIS[0] | 1 << SGIS[1] | 1 << LAST;
    let mut seen = 0;
    for _ in 0..LOOKS {
        seen = read32(frame + register::ISPENDR) & ours;
        if seen >> LAST != 0 {
            break;
        }
    }
    write32(frame + register::ICPENDR, ours);
    seen
}

static TAKEN: AtomicU64 = AtomicU64::new(0);

/// One of Group 0 comes as an FIQ, here and at another vCPU, and is taken by the registers of its group.
fn delivers(machine: &Machine, gic: &Gic) {
    let control = gic.distributor() + register::CTLR;
    let before = read32(control);
    write32(control, before | 1);
    for (index, sender) in [(0, &SENDERS[1]), (0, &SENDERS[2]), (1, &SENDERS[1]), (1, &SENDERS[2])] {
        if index >= machine.cpus.len() {
            continue;
        }
        write32(gic.redistributor_of(index) + 0x1_0000 + register::IGROUPR, !(1 << SGIS[0]));
        TAKEN.store(0, Ordering::SeqCst);
        let value = 1 << index | u64::from(SGIS[0]) << 24;
        if index == 0 {
            (sender.send)(value);
            take_here(index);
        } else {
            crew::ask(index, take_here);
            (sender.send)(value);
            crew::wait(index);
        }
        let name = format_args!("{} of Group 0 to vCPU {index}: by ICC_IAR0_EL1, by ICC_IAR1_EL1", sender.name);
        let taken = TAKEN.load(Ordering::SeqCst);
        section::gic_v3("4.6").equal(name, [taken & 0xffff, taken >> 16], [SGIS[0].into(), SPURIOUS.into()]);
        section::gic_v3("4.6").equal("ended, nothing runs", running(gic), IDLE);
        write32(gic.redistributor_of(index) + 0x1_0000 + register::IGROUPR, !0);
    }
    write32(control, before);
}

/// Takes an interrupt of Group 0 when it is signalled.
fn take_here(_: usize) {
    write_register!("s3_0_c12_c12_6", 1);
    while !is_fiq_signalled() {
        acknowledge_group_1();
    }
    let of_group_1 = acknowledge_group_1();
    let taken = read_register!("s3_0_c12_c8_0") & 0xffff;
    write_register!("s3_0_c12_c8_1", taken);
    write_register!("s3_0_c12_c12_6", 0);
    TAKEN.store(taken | of_group_1 << 16, Ordering::SeqCst);
}

/// What ICC_IAR1_EL1 gives besides the SGI for this job, which is more urgent and may come after the job was seen.
fn acknowledge_group_1() -> u64 {
    loop {
        let intid = read_register!("s3_0_c12_c12_0") & 0xffff;
        if intid != u64::from(crew::WAKE) {
            return intid;
        }
        write_register!("s3_0_c12_c12_1", intid);
    }
}
