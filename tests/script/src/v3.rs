//! Accesses of a GICv3 (IHI 0069H).

use crate::access::{Access, Act, Frame, Group, Place};
use crate::draw::*;
use crate::register::System;

const IROUTER: u32 = 0x6000;
/// Of GICR.
const TYPER: u32 = 0x08;
const WAKER: u32 = 0x14;

/// ICC_CTLR_EL1.
const CBPR: u64 = 1;
const EOI_MODE: u64 = 2;

pub(crate) const TABLES: Tables = Tables {
    setup: &[(6, groups), (4, configuration), (30, priority), (4, binary_point), (4, route), (4, load_bitmap)],
    start: &[
        enable_private,
        enable_first_shared,
        enable_second_shared,
        enable_distributor,
        enable_group_0,
        enable_group_1,
        open_mask,
    ],
    body: &[
        (22, acknowledge),
        (16, end),
        (5, deactivate),
        (8, software_interrupt),
        (14, set_pending),
        (3, clear_pending),
        (6, set_enable),
        (3, clear_enable),
        (2, set_active),
        (3, clear_active),
        (4, priority),
        (2, route),
        (3, mask),
        (1, distributor_control),
        (2, waker),
        (2, group_enable),
        (3, interface_control),
        (2, binary_point),
        (8, load_bitmap),
        (3, load_bytes),
        (1, load_configuration),
        (2, load_route),
        (10, load_interface),
        (2, load_fixed),
        (2, load_reserved),
        (1, one_way),
        (1, load_of_another_size),
        (2, store_reserved),
        (1, store_of_another_size),
    ],
    ends: &[
        &[],
        &[&QUIET, &NO_SPI, &ONE_GROUP_ENABLED],
        &[&QUIET, &NO_SPI, &EQUALLY_URGENT],
        &[&QUIET, &NO_SPI, &SGI_OF_THE_OTHER_GROUP],
        &[&[
            store(byte(Frame::Distributor, offset::IPRIORITYR + 40), 0x47),
            load(byte(Frame::Distributor, offset::IPRIORITYR + 40)),
        ]],
        &[&[store(router(40, 8), u64::MAX), load(router(40, 8))]],
        &[&QUIET, &NO_SPI, &TRIGGERS_OF_PPIS],
        &[&QUIET, &NO_SPI, &ACROSS_REGISTERS],
    ],
    ends_of_two: &[],
};

const fn byte(frame: Frame, offset: u32) -> Place {
    Place::Memory { frame, offset, size: 1 }
}

const fn private(offset: u32, value: u64) -> Access {
    store(Place::word(Frame::Private, offset), value)
}

/// Nothing is forwarded, and no private interrupt enabled, pending or active.
const QUIET: [Access; 6] = [
    exists(Act::EndAll),
    distributor(offset::CTLR, 0),
    private(offset::ICENABLER, 0xffff_ffff),
    private(offset::ICPENDR, 0xffff_ffff),
    private(offset::ICACTIVER, 0xffff_ffff),
    write(System::Pmr, 0xff),
];

/// The most urgent pending interrupt is of a group that the CPU interface has disabled.
const ONE_GROUP_ENABLED: [Access; 8] = [
    private(offset::IGROUPR, 0b10),
    private(offset::IPRIORITYR, 0xa0a0_1008),
    distributor(offset::CTLR, 0b11),
    write(System::Igrpen0, 0),
    write(System::Igrpen1, 1),
    private(offset::ISENABLER, 0b11),
    private(offset::ISPENDR, 0b11),
    load(Place::System(System::Hppir1)),
];

/// A PPI and an SGI with the same priority.
const EQUALLY_URGENT: [Access; 9] = [
    private(offset::IGROUPR, 0),
    private(offset::IPRIORITYR + 4, 0x4040_4040),
    private(offset::IPRIORITYR + 16, 0x4040_4040),
    distributor(offset::CTLR, 0b11),
    write(System::Igrpen0, 1),
    private(offset::ISENABLER, 1 << 18 | 1 << 7),
    private(offset::ISPENDR, 1 << 18),
    private(offset::ISPENDR, 1 << 7),
    load(Place::System(System::Hppir0)),
];

/// ICC_SGI1R_EL1 for an SGI that is of Group 0.
const SGI_OF_THE_OTHER_GROUP: [Access; 3] = [
    private(offset::IGROUPR, 0),
    write(System::Sgi1r, 5 << 24 | 1),
    load(Place::word(Frame::Private, offset::ISPENDR)),
];

/// Every PPI edge-triggered.
const TRIGGERS_OF_PPIS: [Access; 2] =
    [private(offset::ICFGR + 4, 0xaaaa_aaaa), load(Place::word(Frame::Private, offset::ICFGR + 4))];

/// A word whose last byte is a register's of which there are bytes.
const ACROSS_REGISTERS: [Access; 2] = [
    private(offset::IPRIORITYR, 0x4040_4040),
    reserved(Act::Load(Place::word(Frame::Private, offset::IPRIORITYR - 3))),
];

fn enable_group_0(_: &mut Script) -> Access {
    write(System::Igrpen0, 1)
}

fn enable_group_1(_: &mut Script) -> Access {
    write(System::Igrpen1, 1)
}

fn open_mask(_: &mut Script) -> Access {
    write(System::Pmr, 0xff)
}

fn acknowledge(script: &mut Script) -> Access {
    let group = match script.groups {
        Groups::Only(group) if script.random.below(8) != 0 => group,
        _ => *script.random.pick(&[Group::Zero, Group::One]),
    };
    let register = if group == Group::Zero { System::Iar0 } else { System::Iar1 };
    exists(Act::Acknowledge(Place::System(register), group))
}

/// INTID and target list, sometimes of nobody. ICC_SGI1R_EL1 sends SGIs of Group 1 alone.
fn software_interrupt(script: &mut Script) -> Access {
    let Some(intid) = sgi(script) else { return load_interface(script) };
    let everyone = (1 << script.vcpus) - 1;
    let own = 1 << script.vcpu;
    let (value, targets) = match script.random.below(8) {
        0..6 => {
            let targets = 1 + script.random.below(everyone);
            (targets, targets)
        }
        6 => (1 << 40, everyone & !own),
        _ => (script.random.bits() & 0xff_00ff_00ff_fffe & !everyone, 0),
    };
    let is_of_group_1 = |vcpu: usize| targets >> vcpu & 1 == 0 || script.private_groups[vcpu] >> intid & 1 == 1;
    let register = if (0..VCPUS).all(is_of_group_1) {
        System::Sgi1r
    } else {
        *script.random.pick(&[System::Sgi0r, System::Asgi1r])
    };
    write(register, value & !(0xf << 24) | u64::from(intid) << 24)
}

/// To a vCPU that there is, or to one that is not there.
fn route(script: &mut Script) -> Access {
    let intid = script.intid(32) as u32;
    let vcpus = u64::from(script.vcpus);
    let value = if script.random.below(8) == 0 { 2 + script.random.below(254) } else { script.random.below(vcpus) };
    store(router(intid, 8), value)
}

const fn router(intid: u32, size: u8) -> Place {
    Place::Memory { frame: Frame::Distributor, offset: IROUTER + 8 * intid, size }
}

fn load_route(script: &mut Script) -> Access {
    let (intid, size) = (script.intid(32) as u32, script.one_of(&[4, 8]) as u8);
    load(router(intid, size))
}

/// Mostly a mask that lets much through.
fn mask(script: &mut Script) -> Access {
    let value = if script.random.below(4) != 0 { 0xff } else { script.random.below(256) };
    write(System::Pmr, value)
}

fn distributor_control(script: &mut Script) -> Access {
    let value = if script.random.below(4) != 0 { 3 } else { script.random.below(4) };
    store(Place::word(Frame::Distributor, offset::CTLR), value)
}

fn waker(script: &mut Script) -> Access {
    let place = Place::word(Frame::Redistributor, WAKER);
    if script.random.below(2) == 0 { load(place) } else { store(place, script.random.below(2) << 1) }
}

/// Where all interrupts are of one group.
fn group_enable(script: &mut Script) -> Access {
    let register = *script.random.pick(&[System::Igrpen0, System::Igrpen1]);
    match script.groups {
        Groups::Both => load(Place::System(register)),
        Groups::Only(_) => write(register, u64::from(script.random.below(4) != 0)),
    }
}

fn interface_control(script: &mut Script) -> Access {
    let bits = script.random.bits() & (EOI_MODE | CBPR);
    exists(Act::StoreIfIdle(Place::System(System::Ctlr), bits))
}

fn binary_point(script: &mut Script) -> Access {
    let register = *script.random.pick(&[System::Bpr0, System::Bpr1]);
    let value = point(script);
    exists(Act::StoreIfIdle(Place::System(register), value))
}

fn load_interface(script: &mut Script) -> Access {
    use System::{Ap0r0, Ap1r0, Bpr0, Bpr1, Ctlr, Hppir0, Hppir1, Igrpen0, Igrpen1, Pmr, Rpr, Sre};
    let registers =
        [Hppir0, Hppir0, Hppir1, Hppir1, Rpr, Rpr, Ap0r0, Ap1r0, Bpr0, Bpr1, Ctlr, Igrpen0, Igrpen1, Pmr, Sre];
    load(Place::System(*script.random.pick(&registers)))
}

/// Reads what can only be written, or writes what can only be read.
fn one_way(script: &mut Script) -> Access {
    use System::{Asgi1r, Dir, Eoir0, Eoir1, Hppir0, Hppir1, Iar0, Iar1, Rpr, Sgi0r, Sgi1r};
    if script.random.below(2) == 0 {
        let register = *script.random.pick(&[Eoir0, Eoir1, Dir, Sgi0r, Sgi1r, Asgi1r]);
        return reserved(Act::Load(Place::System(register)));
    }
    let register = *script.random.pick(&[Iar0, Iar1, Hppir0, Hppir1, Rpr]);
    reserved(Act::Store(Place::System(register), script.random.bits()))
}

/// What tells what the controller is.
fn load_fixed(script: &mut Script) -> Access {
    let frame = *script.random.pick(&[Frame::Distributor, Frame::Redistributor]);
    let identification = 0xffd0 + 4 * script.random.below(12) as u32;
    let offset = script.one_of(&[0, 4, 8, 0xffd0, 0xffe0, identification]);
    if frame == Frame::Redistributor && offset == TYPER && script.random.below(2) == 0 {
        return load(Place::Memory { frame, offset, size: 8 });
    }
    load(Place::word(frame, offset))
}

/// Where nothing is, in each of the frames.
const RESERVED: [(Frame, u32, u32); 9] = [
    (Frame::Distributor, 0x00c, 0x080),
    (Frame::Distributor, 0x0a4, 0x100),
    (Frame::Distributor, 0x800, 0xc00),
    (Frame::Distributor, 0xc48, 0x1000),
    (Frame::Distributor, 0x8000, 0xffd0),
    (Frame::Redistributor, 0x018, 0x040),
    (Frame::Redistributor, 0x1000, 0xffd0),
    (Frame::Private, 0x084, 0x100),
    (Frame::Private, 0xc08, 0x1000),
];

fn reserved_place(script: &mut Script) -> Place {
    let (frame, first, end) = *script.random.pick(&RESERVED);
    let size = script.one_of(&[1, 2, 4, 4, 8]);
    let offset = (first + script.random.below(u64::from(end - first - 8)) as u32) & !(size - 1);
    Place::Memory { frame, offset: offset.next_multiple_of(size).max(first.next_multiple_of(size)), size: size as u8 }
}

fn load_reserved(script: &mut Script) -> Access {
    reserved(Act::Load(reserved_place(script)))
}

/// Stores to where nothing is, or to what can only be read.
fn store_reserved(script: &mut Script) -> Access {
    let value = script.random.bits();
    if script.random.below(2) == 0 {
        return reserved(Act::Store(reserved_place(script), value));
    }
    let frame = *script.random.pick(&[Frame::Distributor, Frame::Redistributor]);
    let identification = 0xffd0 + 4 * script.random.below(12) as u32;
    exists(Act::Store(Place::word(frame, script.one_of(&[4, 8, identification])), value & 0xffff_ffff))
}

/// Registers that have words only, by bytes, halfwords and doublewords.
fn another_size(script: &mut Script) -> (Frame, u32, u32) {
    let frame = *script.random.pick(&[Frame::Distributor, Frame::Private]);
    let size = script.one_of(&[1, 2, 8]);
    let offset = (0x80 + script.random.below(0x380) as u32) & !(size - 1);
    (frame, offset, size)
}

/// Sometimes misaligned, or a word across two registers.
fn load_of_another_size(script: &mut Script) -> Access {
    let (frame, offset, size) = another_size(script);
    let (offset, size) = match script.random.below(4) {
        0 => (offset | 1, size.max(4)),
        _ => (offset, size),
    };
    reserved(Act::Load(Place::Memory { frame, offset, size: size as u8 }))
}

/// Aligned: QEMU takes a misaligned one byte by byte, and the last bytes may be a register's that has bytes.
fn store_of_another_size(script: &mut Script) -> Access {
    let (frame, offset, size) = another_size(script);
    let value = script.random.bits();
    reserved(Act::Store(Place::Memory { frame, offset, size: size as u8 }, value))
}
