//! Accesses of a GICv2 (IHI 0048B).

use crate::access::{Access, Act, Frame, Group, Place};
use crate::draw::*;
use crate::register::System;

/// GICC's offsets (IHI 0048B 4.1.3).
mod interface {
    pub const CTLR: u32 = 0x00;
    pub const PMR: u32 = 0x04;
    pub const BPR: u32 = 0x08;
    pub const IAR: u32 = 0x0c;
    pub const RPR: u32 = 0x14;
    pub const HPPIR: u32 = 0x18;
    pub const ABPR: u32 = 0x1c;
    pub const APR: u32 = 0xd0;
    pub const NSAPR: u32 = 0xe0;
    pub const IIDR: u32 = 0xfc;
}

const SGIR: u32 = 0xf00;
const CPENDSGIR: u32 = 0xf10;
const SPENDSGIR: u32 = 0xf20;

/// GICC_CTLR: both groups enabled, AckCtl.
const ENABLED: u64 = 0b111;
const FIQ_EN: u64 = 1 << 3;
const CBPR: u64 = 1 << 4;
const EOI_MODE: u64 = 1 << 9;

pub(crate) const TABLES: Tables = Tables {
    setup: &[(6, groups), (4, configuration), (30, priority), (4, binary_point), (4, load_bitmap)],
    start: &[
        enable_private,
        enable_first_shared,
        enable_second_shared,
        enable_distributor,
        enable_interface,
        open_mask,
    ],
    body: &[
        (20, acknowledge),
        (16, end),
        (5, deactivate),
        (8, software_interrupt),
        (3, sources),
        (12, set_pending),
        (3, clear_pending_here),
        (6, set_enable),
        (3, clear_enable),
        (2, set_active),
        (3, clear_active),
        (4, priority),
        (3, target),
        (3, mask),
        (1, distributor_control),
        (3, interface_control),
        (2, binary_point),
        (8, load_bitmap),
        (3, load_bytes),
        (1, load_configuration),
        (2, load_sources),
        (8, load_interface),
        (2, load_fixed),
        (2, load_reserved),
        (1, not_there),
        (1, load_of_another_size),
        (2, store_reserved),
    ],
    ends: &[
        &[],
        &[&QUIET, &NO_SPI, &ONE_GROUP_FORWARDED],
        &[&QUIET, &NO_SPI, &EQUALLY_URGENT],
        &[&[store(byte(SPENDSGIR + 5), 0xff), load(byte(SPENDSGIR + 5))]],
        &[&QUIET, &NO_SPI, &BYTE_OF_A_WORD],
        &[&QUIET, &NO_SPI, &TRIGGERS_OF_PPIS],
    ],
    ends_of_two: &[
        &[&CLEARED_BY_THE_OTHER],
        &[&QUIET, &NO_SPI, &QUIET_OTHER, &ENABLED_FOR_BOTH, &FOR_BOTH],
        &[&QUIET, &NO_SPI, &QUIET_OTHER, &FOR_NOBODY],
        &[&QUIET, &NO_SPI, &QUIET_OTHER, &ENABLED_FOR_THE_OTHER, &ACTIVE_ON_THE_OTHER],
    ],
};

const fn byte(offset: u32) -> Place {
    Place::Memory { frame: Frame::Distributor, offset, size: 1 }
}

/// Nothing is forwarded, and no private interrupt enabled, pending or active.
const QUIET: [Access; 9] = [
    exists(Act::EndAll),
    distributor(offset::CTLR, 0),
    distributor(offset::ICENABLER, 0xffff_ffff),
    distributor(offset::ICPENDR, 0xffff_ffff),
    distributor(offset::ICACTIVER, 0xffff_ffff),
    distributor(CPENDSGIR, 0xffff_ffff),
    distributor(CPENDSGIR + 4, 0xffff_ffff),
    distributor(CPENDSGIR + 8, 0xffff_ffff),
    distributor(CPENDSGIR + 12, 0xffff_ffff),
];

/// The most urgent pending interrupt is of a group that GICD_CTLR does not forward.
const ONE_GROUP_FORWARDED: [Access; 8] = [
    distributor(offset::IGROUPR, 0b10),
    distributor(offset::IPRIORITYR, 0xa0a0_1008),
    distributor(offset::CTLR, 0b10),
    store(interface(interface::CTLR), ENABLED),
    store(interface(interface::PMR), 0xff),
    distributor(SGIR, 1 << 16),
    distributor(SGIR, 1 << 16 | 1),
    load(interface(interface::HPPIR)),
];

/// A PPI and an SGI with the same priority.
const EQUALLY_URGENT: [Access; 10] = [
    distributor(offset::IGROUPR, 0),
    distributor(offset::IPRIORITYR + 4, 0x4040_4040),
    distributor(offset::IPRIORITYR + 16, 0x4040_4040),
    distributor(offset::CTLR, 0b11),
    store(interface(interface::CTLR), ENABLED),
    store(interface(interface::PMR), 0xff),
    distributor(offset::ISENABLER, 1 << 18),
    distributor(offset::ISPENDR, 1 << 18),
    distributor(SGIR, 1 << 16 | 7),
    load(interface(interface::HPPIR)),
];

/// A byte stored to a register that has words only.
const BYTE_OF_A_WORD: [Access; 3] = [
    distributor(offset::ICPENDR + 8, 0xffff_ffff),
    reserved(Act::Store(byte(offset::ISPENDR + 9), 0xff)),
    load(Place::word(Frame::Distributor, offset::ISPENDR + 8)),
];

/// Every PPI edge-triggered.
const TRIGGERS_OF_PPIS: [Access; 2] =
    [distributor(offset::ICFGR + 4, 0xaaaa_aaaa), load(Place::word(Frame::Distributor, offset::ICFGR + 4))];

const fn by_other(access: Access) -> Access {
    Access { vcpu: 1, ..access }
}

/// Nothing is pending for vCPU 1 either, and it takes what becomes so.
const QUIET_OTHER: [Access; 7] = [
    by_other(distributor(offset::ICENABLER, 0xffff_0000)),
    by_other(distributor(CPENDSGIR, 0xffff_ffff)),
    by_other(distributor(CPENDSGIR + 4, 0xffff_ffff)),
    by_other(distributor(CPENDSGIR + 8, 0xffff_ffff)),
    by_other(distributor(CPENDSGIR + 12, 0xffff_ffff)),
    by_other(store(interface(interface::CTLR), ENABLED)),
    by_other(store(interface(interface::PMR), 0xff)),
];

/// A PPI that is pending for vCPU 1 and cleared by vCPU 0, each of which has its own.
const CLEARED_BY_THE_OTHER: [Access; 3] = [
    by_other(distributor(offset::ISPENDR, 1 << 20)),
    distributor(offset::ICPENDR, 1 << 20),
    by_other(load(Place::word(Frame::Distributor, offset::ISPENDR))),
];

/// The shared interrupts of the next ones, and their bits.
const SPI: u32 = 40;
const SPI_BIT: u64 = 1 << (SPI - 32);
const ACTIVE: u32 = 44;
const ACTIVE_BIT: u64 = 1 << (ACTIVE - 32);

/// The shared interrupt `intid`, a multiple of four, has Group 0, and can be taken by the vCPUs that each byte of `targets` has.
const fn enabled(intid: u32, targets: u64) -> [Access; 8] {
    let bit = 1 << (intid - 32);
    [
        distributor(offset::IGROUPR + 4, 0),
        distributor(offset::IPRIORITYR + intid, 0x1010_1010),
        distributor(offset::ITARGETSR + intid, targets),
        distributor(offset::ICACTIVER + 4, bit),
        distributor(offset::ICPENDR + 4, bit),
        distributor(offset::ISENABLER + 4, bit),
        distributor(offset::CTLR, 0b11),
        store(interface(interface::CTLR), ENABLED),
    ]
}

/// A shared interrupt for both vCPUs, and that it is pending, as each of them sees it.
const ENABLED_FOR_BOTH: [Access; 8] = enabled(SPI, 0x0303_0303);
const FOR_BOTH: [Access; 2] = [distributor(offset::ISPENDR + 4, SPI_BIT), by_other(load(interface(interface::HPPIR)))];

/// One that targets nobody.
const FOR_NOBODY: [Access; 4] = [
    distributor(offset::ICPENDR + 4, 0xf * SPI_BIT),
    distributor(offset::ITARGETSR + SPI, 0),
    distributor(offset::ISPENDR + 4, SPI_BIT),
    load(Place::word(Frame::Distributor, offset::ISPENDR + 4)),
];

/// One for vCPU 1, active there, and then pending for vCPU 0.
const ENABLED_FOR_THE_OTHER: [Access; 8] = enabled(ACTIVE, 0x0202_0202);
const ACTIVE_ON_THE_OTHER: [Access; 6] = [
    store(interface(interface::PMR), 0xff),
    distributor(offset::ISPENDR + 4, ACTIVE_BIT),
    by_other(exists(Act::Acknowledge(interface(interface::IAR), Group::Zero))),
    distributor(offset::ITARGETSR + ACTIVE, 0x0101_0101),
    distributor(offset::ISPENDR + 4, ACTIVE_BIT),
    load(interface(interface::HPPIR)),
];

const fn interface(offset: u32) -> Place {
    Place::word(Frame::CpuInterface, offset)
}

fn enable_interface(_: &mut Script) -> Access {
    store(interface(interface::CTLR), ENABLED)
}

fn open_mask(_: &mut Script) -> Access {
    store(interface(interface::PMR), 0xff)
}

fn acknowledge(_: &mut Script) -> Access {
    exists(Act::Acknowledge(interface(interface::IAR), Group::Zero))
}

/// TargetListFilter, CPUTargetList and INTID, sometimes for nobody.
fn software_interrupt(script: &mut Script) -> Access {
    let Some(intid) = sgi(script) else { return load_sources(script) };
    let own = 1 << (16 + script.vcpu);
    let target = match script.random.below(8) {
        0..5 if script.vcpus == 1 => own,
        0..5 => script.random.below(4) << 16,
        5 => 2 << 24,
        6 => 1 << 24,
        _ => 0xfe << 16 & !own,
    };
    store(Place::word(Frame::Distributor, SGIR), target | u64::from(intid))
}

/// Only of the one source that an SGI has, and none that sets an SGI pending from no source at all: QEMU 10.0 then has it
/// pending without one, and ends with a failed assertion when it is acknowledged.
fn sources(script: &mut Script) -> Access {
    let register = script.one_of(&[SPENDSGIR, CPENDSGIR]);
    let Some(intid) = sgi(script) else { return load_sources(script) };
    if register == SPENDSGIR || script.random.below(2) == 0 {
        let source = if script.vcpus == 1 { 0 } else { sender(intid) };
        return store(Place::Memory { frame: Frame::Distributor, offset: register + intid, size: 1 }, 1 << source);
    }
    let value = script.random.bits() & 0x0303_0303;
    store(Place::word(Frame::Distributor, CPENDSGIR + (intid & !3)), value)
}

/// Where there are two vCPUs, not of PPIs: QEMU's GICv2 clears those of both.
fn clear_pending_here(script: &mut Script) -> Access {
    let access = clear_pending(script);
    match access.act {
        Act::Store(place, value) if script.vcpus == 2 && place == Place::word(Frame::Distributor, offset::ICPENDR) => {
            store(place, value & 0xffff)
        }
        _ => access,
    }
}

/// A shared interrupt to one of two vCPUs. None is active then: QEMU's GICv2 gives out an interrupt that is active on another
/// vCPU.
fn target(script: &mut Script) -> Access {
    if script.vcpus == 1 {
        return load_bytes(script);
    }
    let intid = script.intid(32) as u32;
    if script.random.below(2) == 0 {
        let place = Place::Memory { frame: Frame::Distributor, offset: offset::ITARGETSR + intid, size: 1 };
        return exists(Act::StoreIfIdle(place, 1 << script.random.below(2)));
    }
    let value = (0..4).fold(0, |value, _| value << 8 | 1 << script.random.below(2));
    exists(Act::StoreIfIdle(Place::word(Frame::Distributor, offset::ITARGETSR + (intid & !3)), value))
}

fn load_sources(script: &mut Script) -> Access {
    let register = script.one_of(&[SPENDSGIR, CPENDSGIR]);
    let (intid, size) = (script.random.below(16) as u32, script.one_of(&[1, 4]));
    let offset = register + (intid & !(size - 1));
    load(Place::Memory { frame: Frame::Distributor, offset, size: size as u8 })
}

/// Mostly a mask that lets much through.
fn mask(script: &mut Script) -> Access {
    let value = if script.random.below(4) != 0 { 0xff } else { script.random.below(256) };
    store(interface(interface::PMR), value)
}

fn distributor_control(script: &mut Script) -> Access {
    let value = if script.random.below(4) == 0 { 0 } else { 3 };
    store(Place::word(Frame::Distributor, offset::CTLR), value)
}

fn interface_control(script: &mut Script) -> Access {
    let split = if script.activity == Activity::Deep { 0 } else { EOI_MODE };
    let bits = script.random.bits() & (split | CBPR | FIQ_EN);
    exists(Act::StoreIfIdle(interface(interface::CTLR), ENABLED | bits))
}

fn binary_point(script: &mut Script) -> Access {
    let register = script.one_of(&[interface::BPR, interface::ABPR]);
    let value = point(script);
    exists(Act::StoreIfIdle(interface(register), value))
}

fn load_interface(script: &mut Script) -> Access {
    use interface::{ABPR, APR, BPR, CTLR, HPPIR, NSAPR, PMR, RPR};
    load(interface(script.one_of(&[CTLR, PMR, BPR, ABPR, RPR, RPR, HPPIR, HPPIR, HPPIR, APR, NSAPR])))
}

/// The CPU interface of a GICv3.
fn not_there(script: &mut Script) -> Access {
    let register = *script.random.pick(&[System::Iar1, System::Pmr, System::Ctlr, System::Sre, System::Sgi1r]);
    match script.random.below(2) {
        0 => reserved(Act::Load(Place::System(register))),
        _ => reserved(Act::Store(Place::System(register), 0)),
    }
}

/// What tells what the controller is.
fn load_fixed(script: &mut Script) -> Access {
    if script.random.below(4) == 0 {
        return load(interface(interface::IIDR));
    }
    let identification = 0xfd0 + 4 * script.random.below(12) as u32;
    load(Place::word(Frame::Distributor, script.one_of(&[0, 4, 8, identification])))
}

/// Where nothing is.
const RESERVED: [(u32, u32); 5] = [(0x00c, 0x080), (0x0a4, 0x100), (0xc48, 0xf00), (0xf04, 0xf10), (0xf30, 0xfd0)];

fn reserved_place(script: &mut Script) -> Place {
    if script.random.below(4) == 0 {
        return interface(script.one_of(&[0x20, 0x28, 0x30, 0x44, 0x60, 0xa0, 0xcc, 0xf0, 0x100, 0xf00, 0x1004]));
    }
    let (first, end) = *script.random.pick(&RESERVED);
    Place::word(Frame::Distributor, first + 4 * script.random.below(u64::from(end - first) / 4) as u32)
}

fn load_reserved(script: &mut Script) -> Access {
    reserved(Act::Load(reserved_place(script)))
}

/// Stores to where nothing is, or to what can only be read.
fn store_reserved(script: &mut Script) -> Access {
    let value = script.random.bits() & 0xffff_ffff;
    if script.random.below(2) == 0 {
        return reserved(Act::Store(reserved_place(script), value));
    }
    let identification = 0xfd0 + 4 * script.random.below(12) as u32;
    exists(Act::Store(Place::word(Frame::Distributor, script.one_of(&[4, 8, identification])), value))
}

/// Registers that have words only, by bytes, halfwords and doublewords, and words across two of them.
fn load_of_another_size(script: &mut Script) -> Access {
    let (size, misplaced) = (script.one_of(&[1, 2, 4, 8]), script.random.below(4) == 0);
    let offset = script.random.below(0x400) as u32 & !(size - 1);
    let offset = if size == 4 || misplaced && size > 1 { offset | 1 } else { offset };
    reserved(Act::Load(Place::Memory { frame: Frame::Distributor, offset, size: size as u8 }))
}
