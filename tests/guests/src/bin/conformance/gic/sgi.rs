//! Software-generated interrupts between vCPUs: who gets them, and from whom (IHI 0048B 4.3.15, IHI 0069H 12.2
//! ICC_SGI1R_EL1).

use bulkhead_guests::gic::{Gic, register};
use bulkhead_guests::memory::{read32, write32};
use bulkhead_guests::section::{self, Section};
use bulkhead_guests::{Machine, interrupt, write_register};

use super::held::{Taken, take, taken};
use super::interface::{SPURIOUS, acknowledge, end, is_signalled};

/// The SGI that comes last of those that a check sends: whoever has it has all that it will get.
const LAST: u32 = 9;

pub fn check(machine: &Machine, gic: &Gic) {
    match gic {
        Gic::V2(_) => {
            lists_v2(machine, gic);
            sources(machine, gic);
        }
        Gic::V3(_) => lists_v3(machine, gic),
    }
    disabled(machine, gic);
}

/// A write that sends SGIs, in words, and the vCPUs that are to get them, a bit each.
type Sending = (&'static str, u64, u32);

/// Sends each of the SGIs from 0 on by one of `sendings`; everyone gets those that are for it, and no others.
fn sends(machine: &Machine, gic: &Gic, section: Section, sendings: &[Sending], send: fn(&Gic, u64)) {
    let everyone = (1_u32 << machine.cpus.len()) - 1;
    let gets = |index: usize, targets: u32| targets & everyone & 1 << index != 0;
    (1..machine.cpus.len()).for_each(|index| {
        take(index, 1 + sendings.iter().filter(|(_, _, targets)| gets(index, *targets)).count());
    });
    for (intid, (_, value, _)) in sendings.iter().enumerate() {
        send(gic, value | (intid as u64) << if gic.version() == 2 { 0 } else { 24 });
    }
    (0..machine.cpus.len()).for_each(|index| gic.send_sgi(LAST, machine.cpus[index], index));
    let everyones = (0..machine.cpus.len()).map(|index| if index == 0 { take_own(gic) } else { taken(index) });
    let mut wrong = [None; 16];
    for (index, mut got) in everyones.enumerate() {
        got.sort_unstable();
        let expected = sendings.iter().enumerate().filter(|(_, (_, _, targets))| gets(index, *targets));
        let expected = expected.map(|(intid, _)| intid as u32).chain([LAST]).collect::<Taken>();
        for intid in (0..16).filter(|intid| {
            got.iter().filter(|it| *it & 0xf == *intid).count() != expected.iter().filter(|it| *it == intid).count()
        }) {
            wrong[intid as usize].get_or_insert(index);
        }
    }
    for (intid, (name, ..)) in sendings.iter().enumerate() {
        section.equal(format_args!("SGI to {name}: the first vCPU to get it or not wrongly"), wrong[intid], None);
    }
    section.equal("SGI to each alone: the first vCPU to get it or not wrongly", wrong[LAST as usize], None);
}

/// What is signalled to the boot vCPU itself.
fn take_own(gic: &Gic) -> Taken {
    let mut taken = Taken::new();
    while is_signalled() {
        let value = acknowledge(gic);
        if value & 0x3ff == SPURIOUS {
            break;
        }
        end(gic, value);
        taken.push(value);
    }
    taken
}

fn lists_v2(machine: &Machine, gic: &Gic) {
    let others = !1;
    let sendings = [
        ("every bit of the list", 0xff << 16, 0xff),
        ("the boot vCPU by the list", 1 << 16, 1),
        ("the others by the list", 0xfe << 16, others),
        ("nobody", 0, 0),
        ("all but the sender", 1 << 24, others),
        ("all but the sender, with a list", 1 << 24 | 1 << 16, others),
        ("the sender", 2 << 24, 1),
        ("the sender, with a list", 2 << 24 | 0xfe << 16, 1),
    ];
    let send = |gic: &Gic, value| write32(gic.distributor() + register::SGIR, value as u32);
    sends(machine, gic, section::gic_v2("4.3.15"), &sendings, send);
}

fn lists_v3(machine: &Machine, gic: &Gic) {
    // All vCPUs have affinities 0.0.0.n on this machine.
    if machine.cpus.iter().enumerate().any(|(index, affinity)| *affinity != index as u64) {
        return;
    }
    let others = !1;
    let sendings = [
        ("every bit of the list", 0xffff, 0xffff),
        ("the sender by the list", 1, 1),
        ("the others by the list", 0xfffe, others),
        ("nobody", 0, 0),
        ("all but the sender", 1 << 40, others),
        ("all but the sender, with a list and affinities", 1 << 40 | 1, others),
        ("an Aff1 that is not there", 0xffff | 5 << 16, 0),
        ("an Aff2 that is not there", 0xffff | 5 << 32, 0),
        ("an Aff3 that is not there", 0xffff | 5 << 48, 0),
    ];
    let send = |_: &Gic, value: u64| write_register!("s3_0_c12_c11_5", value);
    sends(machine, gic, section::gic_v3("12.2"), &sendings, send);
    // SGIs are of Group 1 here, and ICC_SGI0R_EL1 sends those of Group 0.
    let sendings = [("everyone, but of Group 0", 0xffff, 0)];
    let send = |_: &Gic, value: u64| write_register!("s3_0_c12_c11_7", value);
    sends(machine, gic, section::gic_v3("12.2"), &sendings, send);
}

/// One SGI from two vCPUs is two interrupts, each with its source, in GICC_IAR and GICD_SPENDSGIR (IHI 0048B 4.3.17).
fn sources(machine: &Machine, gic: &Gic) {
    if machine.cpus.len() < 2 {
        return;
    }
    const SGI: u32 = 4;
    gic.send_sgi(SGI, machine.cpus[0], 0);
    crate::crew::run(1, |_| interrupt::controller().send_sgi(SGI, bulkhead_guests::machine().cpus[0], 0));
    let section = section::gic_v2("4.3.17");
    let pending = || read32(gic.distributor() + register::SPENDSGIR + SGI as usize) & 0xff;
    section.equal("an SGI is pending from two sources", pending(), 3);
    let first = acknowledge(gic);
    end(gic, first);
    let second = acknowledge(gic);
    end(gic, second);
    let mut seen = [first, second];
    seen.sort_unstable();
    section::gic_v2("4.4.4").equal("GICC_IAR gives each source once", seen, [SGI, SGI | 1 << 10]);
    section.equal("none is left", (pending(), acknowledge(gic)), (0, SPURIOUS));
    let set = gic.distributor() + register::SPENDSGIR + 4;
    write32(set, 2);
    section.equal("GICD_SPENDSGIR makes one pending, as from its source", acknowledge(gic), SGI | 1 << 10);
    end(gic, SGI | 1 << 10);
    write32(set, 3);
    write32(gic.distributor() + register::CPENDSGIR + 4, 1);
    let left = acknowledge(gic);
    end(gic, left);
    section::gic_v2("4.3.16").equal(
        "GICD_CPENDSGIR takes one source back",
        (left, acknowledge(gic)),
        (SGI | 1 << 10, SPURIOUS),
    );
}

/// One that its target has disabled waits until it is enabled. On GICv3, where the sender can do both.
fn disabled(machine: &Machine, gic: &Gic) {
    if gic.version() == 2 || machine.cpus.len() < 2 {
        return;
    }
    const SGI: u32 = 4;
    let of_other = gic.redistributor_of(1) + 0x1_0000;
    write32(of_other + register::ICENABLER, 1 << SGI);
    take(1, 1);
    gic.send_sgi(SGI, machine.cpus[1], 1);
    gic.send_sgi(LAST, machine.cpus[1], 1);
    let section = section::gic_v3("12.11");
    section.equal("a disabled SGI does not come", taken(1).as_slice(), [LAST]);
    section.equal(
        "it is pending in GICR_ISPENDR0 of its target",
        read32(of_other + register::ISPENDR) & 0xffff & !(1 << crate::crew::WAKE),
        1 << SGI,
    );
    take(1, 1);
    write32(of_other + register::ISENABLER, 1 << SGI);
    section.equal("it comes when another vCPU enables it there", taken(1).as_slice(), [SGI]);
}
