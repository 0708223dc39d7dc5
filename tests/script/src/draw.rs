//! Random accesses, weighted so that much happens: interrupts become pending, are acknowledged, interrupted by more urgent
//! ones, ended and deactivated.
//!
//! What a script does not have, because the specification leaves it UNPREDICTABLE or because it would tell more of the
//! interrupts' lines than of their controller:
//!
//! - Groups and configurations change only at a script's beginning, while the interrupts are disabled (IHI 0048B 4.3.4 and
//!   4.3.13, IHI 0069H 12.9.9).
//! - Active interrupts are ended in the order of IHI 0069H 4.1.1, and binary points stay as long as there are some.
//! - No two interrupts that may be delivered have the same priority: which of two comes first is IMPLEMENTATION DEFINED
//!   (IHI 0048B 3.3, IHI 0069H 4.8). So few of them are ever enabled (`live`).
//! - With two vCPUs an SGI of GICv2 is always sent by the same one of them, since which of two sources comes first is
//!   IMPLEMENTATION DEFINED too; and interrupts are routed to one of the vCPUs.
//! - Active priorities are written only with zero, and only while there are none (IHI 0048B 4.4.12, IHI 0069H 12.2.4).

use crate::access::{Access, Act, Frame, Group, Place, Version};
use crate::live::Live;
use crate::random::Random;
use crate::register::System;
use crate::{v2, v3};

/// Accesses at a script's beginning that set groups, configurations and priorities, by each vCPU.
const SETUP: usize = 60;
/// INTIDs that both machines have.
pub(crate) const INTIDS: u64 = 288;
/// Those below are each vCPU's own.
pub(crate) const PRIVATE: u32 = 32;
/// Most vCPUs that a script may have.
pub(crate) const VCPUS: usize = 2;
/// Words of a bitmap with a bit for each.
pub(crate) const WORDS: u64 = INTIDS / 32;

/// Groups that a script's interrupts have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Groups {
    Only(Group),
    Both,
}

/// How interrupts come to be active. A virtual CPU interface shows as many as it has list registers. When an interrupt is ended
/// that it does not show, the hypervisor is told that there was one (ICH_HCR_EL2.EOIcount), and not which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Activity {
    /// Many. Ending one on GICv2 deactivates it: it is the most urgent one that was acknowledged. On GICv3 that may be apart
    /// (EOImode): it is trapped.
    Deep,
    /// No more than any virtual CPU interface shows; ending one may leave it active.
    Any,
}

/// A script: an iterator of so many accesses.
#[derive(Debug)]
pub struct Script {
    pub(crate) random: Random,
    pub(crate) version: Version,
    pub(crate) groups: Groups,
    pub(crate) activity: Activity,
    /// The groups of each vCPU's private interrupts, as the script has set them.
    pub(crate) private_groups: [u32; VCPUS],
    pub(crate) live: Live,
    /// How many vCPUs take turns, whose turn it is, and whose private interrupts are accessed: on GICv3 sometimes the other's.
    pub(crate) vcpus: u8,
    pub(crate) vcpu: u8,
    pub(crate) bank: u8,
    number: u64,
    length: usize,
    made: usize,
}

/// What makes an access.
pub(crate) type Draw = fn(&mut Script) -> Access;

/// The first accesses after the set-up, in their order, and those that follow, each with how often it comes.
pub(crate) struct Tables {
    pub setup: &'static [(u64, Draw)],
    pub start: &'static [Draw],
    pub body: &'static [(u64, Draw)],
    /// What two machines answer in two ways, and are not the same afterwards: so it is a script's end, in turn. Each is a list
    /// of pieces, and the last access of the last one is what shows the difference.
    pub ends: &'static [&'static [&'static [Access]]],
    /// Of scripts with two vCPUs, besides.
    pub ends_of_two: &'static [&'static [&'static [Access]]],
}

impl Script {
    /// The script `number` of `seed`, with `length` accesses by `vcpus` vCPUs (1 or 2) in turn.
    pub fn new(version: Version, vcpus: u8, seed: u64, number: u64, length: usize) -> Self {
        let mut random = Random::new(seed ^ number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let groups = match random.below(4) {
            0 => Groups::Only(Group::Zero),
            1 => Groups::Only(Group::One),
            _ => Groups::Both,
        };
        let activity = *random.pick(&[Activity::Deep, Activity::Any]);
        let live = Live::new(&mut random, activity);
        let private_groups = [0; VCPUS];
        let (vcpu, bank) = (0, 0);
        Self { random, version, groups, activity, private_groups, live, vcpus, vcpu, bank, number, length, made: 0 }
    }

    fn tables(&self) -> &'static Tables {
        match self.version {
            Version::V2 => &v2::TABLES,
            Version::V3 => &v3::TABLES,
        }
    }

    fn weighted(&mut self, table: &[(u64, Draw)]) -> Access {
        let mut ticket = self.random.below(table.iter().map(|(weight, _)| weight).sum());
        for (weight, draw) in table {
            match ticket.checked_sub(*weight) {
                None => return draw(self),
                Some(rest) => ticket = rest,
            }
        }
        end(self)
    }

    /// The word, of a register with a bit for each interrupt, that holds it: on GICv3 the private ones' are elsewhere.
    pub(crate) fn bitmap(&self, register: u32, word: u64) -> Place {
        Place::word(self.frame(word == 0), register + 4 * word as u32)
    }

    pub(crate) fn frame(&self, private: bool) -> Frame {
        match self.version {
            Version::V3 if private && self.bank == self.vcpu => Frame::Private,
            Version::V3 if private => Frame::OthersPrivate,
            _ => Frame::Distributor,
        }
    }

    /// The vCPU that a step is of. The banked registers of a GICv2 are those of whoever accesses them.
    fn turn(&mut self, vcpu: u8) {
        (self.vcpu, self.bank) = (vcpu, vcpu);
    }

    /// Whose turn it is next, mostly the same vCPU's for some accesses.
    fn next_turn(&mut self) {
        if self.vcpus == 1 {
            return;
        }
        let vcpu = if self.random.below(3) == 0 { self.vcpu ^ 1 } else { self.vcpu };
        self.turn(vcpu);
        if self.version == Version::V3 && self.random.below(4) == 0 {
            self.bank ^= 1;
        }
    }

    fn end_of(&self, tables: &Tables) -> &'static [&'static [Access]] {
        let number = self.number as usize;
        let (of_any, of_two) = (tables.ends, if self.vcpus == 2 { tables.ends_of_two } else { &[] });
        let number = number % (of_any.len() + of_two.len());
        if number < of_any.len() { of_any[number] } else { of_two[number - of_any.len()] }
    }

    /// The access `at` of those that set groups and priorities: the shared interrupts' once, the private ones' for each vCPU.
    fn setup(&mut self, at: usize, tables: &Tables) -> Access {
        let (words, live) = (WORDS as usize, self.live.count());
        let mut at = at;
        for vcpu in 0..self.vcpus {
            self.turn(vcpu);
            let words = if vcpu == 0 { words } else { 1 };
            if at < words {
                return set_groups(self, at as u64);
            }
            at -= words;
            if at < live {
                let intid = self.live.in_order(at);
                return set_priority(self, intid);
            }
            at -= live;
        }
        self.next_turn();
        self.weighted(tables.setup)
    }

    /// Any word of a bitmap, mostly one of the first.
    pub(crate) fn any_word(&mut self) -> u64 {
        match self.random.below(10) {
            0..4 => 0,
            4..7 => 1,
            7..9 => 2,
            _ => self.random.below(WORDS),
        }
    }

    /// An INTID from `first` on, mostly a low one.
    pub(crate) fn intid(&mut self, first: u64) -> u64 {
        let reach = if self.random.below(8) == 0 { INTIDS } else { 96 };
        first + self.random.below(reach - first)
    }

    /// Few bits of a word, or one, or all.
    pub(crate) fn bits(&mut self) -> u64 {
        let word = match self.random.below(8) {
            0..3 => 1 << self.random.below(32),
            3..7 => self.random.bits() & self.random.bits() & self.random.bits(),
            _ => self.random.bits(),
        };
        word & 0xffff_ffff
    }

    pub(crate) fn one_of(&mut self, registers: &[u32]) -> u32 {
        *self.random.pick(registers)
    }

    /// The groups that a word of IGROUPR is to be given.
    pub(crate) fn some_groups(&mut self) -> u64 {
        match self.groups {
            Groups::Only(Group::Zero) => 0,
            Groups::Only(Group::One) => 0xffff_ffff,
            Groups::Both => self.random.bits() & 0xffff_ffff,
        }
    }
}

impl Iterator for Script {
    type Item = Access;

    fn next(&mut self) -> Option<Access> {
        let (at, tables) = (self.made, self.tables());
        if at == self.length {
            return None;
        }
        self.made += 1;
        // Every script has the groups of its first words set.
        let end = self.end_of(tables);
        let left = self.length - at;
        if let Some(access) = end.iter().flat_map(|piece| piece.iter()).rev().nth(left - 1) {
            return Some(*access);
        }
        let begun = at.checked_sub(SETUP * usize::from(self.vcpus));
        let drawn = match begun {
            None => self.setup(at, tables),
            Some(step) if step < tables.start.len() * usize::from(self.vcpus) => {
                self.turn((step / tables.start.len()) as u8);
                tables.start[step % tables.start.len()](self)
            }
            Some(_) => {
                self.next_turn();
                self.weighted(tables.body)
            }
        };
        Some(Access { vcpu: self.vcpu, ..drawn })
    }
}

/// A store of a word of GICD.
pub(crate) const fn distributor(offset: u32, value: u64) -> Access {
    store(Place::word(Frame::Distributor, offset), value)
}

/// No shared interrupt is enabled.
pub(crate) const NO_SPI: [Access; 8] = [
    distributor(offset::ICENABLER + 4, 0xffff_ffff),
    distributor(offset::ICENABLER + 8, 0xffff_ffff),
    distributor(offset::ICENABLER + 12, 0xffff_ffff),
    distributor(offset::ICENABLER + 16, 0xffff_ffff),
    distributor(offset::ICENABLER + 20, 0xffff_ffff),
    distributor(offset::ICENABLER + 24, 0xffff_ffff),
    distributor(offset::ICENABLER + 28, 0xffff_ffff),
    distributor(offset::ICENABLER + 32, 0xffff_ffff),
];

/// An access to a register that there is.
pub(crate) const fn exists(act: Act) -> Access {
    Access { act, exists: true, vcpu: 0 }
}

/// An access to what is reserved, or of a size that the register does not have.
pub(crate) const fn reserved(act: Act) -> Access {
    Access { act, exists: false, vcpu: 0 }
}

pub(crate) const fn store(place: Place, value: u64) -> Access {
    exists(Act::Store(place, value))
}

pub(crate) const fn load(place: Place) -> Access {
    exists(Act::Load(place))
}

pub(crate) const fn write(register: System, value: u64) -> Access {
    store(Place::System(register), value)
}

/// Offsets of GICD, and of GICR's second frame (IHI 0048B 4.1.2, IHI 0069H 12.8 and 12.10).
pub(crate) mod offset {
    pub const CTLR: u32 = 0x000;
    pub const IGROUPR: u32 = 0x080;
    pub const ISENABLER: u32 = 0x100;
    pub const ICENABLER: u32 = 0x180;
    pub const ISPENDR: u32 = 0x200;
    pub const ICPENDR: u32 = 0x280;
    pub const ISACTIVER: u32 = 0x300;
    pub const ICACTIVER: u32 = 0x380;
    pub const IPRIORITYR: u32 = 0x400;
    pub const ITARGETSR: u32 = 0x800;
    pub const ICFGR: u32 = 0xc00;
}

/// Registers with a bit for each interrupt.
const BITMAPS: [u32; 7] = [
    offset::IGROUPR,
    offset::ISENABLER,
    offset::ICENABLER,
    offset::ISPENDR,
    offset::ICPENDR,
    offset::ISACTIVER,
    offset::ICACTIVER,
];

fn set_groups(script: &mut Script, word: u64) -> Access {
    let groups = script.some_groups();
    if word == 0 {
        script.private_groups[usize::from(script.bank)] = groups as u32;
    }
    store(script.bitmap(offset::IGROUPR, word), groups)
}

pub(crate) fn groups(script: &mut Script) -> Access {
    let word = script.any_word();
    set_groups(script, word)
}

/// Two bits for each interrupt, of which the upper one can be written. Those of the PPIs may be fixed, and so stay.
pub(crate) fn configuration(script: &mut Script) -> Access {
    let word = 2 + script.random.below(2 * WORDS - 2) as u32;
    let value = script.random.bits() & 0xaaaa_aaaa;
    store(Place::word(Frame::Distributor, offset::ICFGR + 4 * word), value)
}

/// The priority that is laid down for `intid`, or those of its word.
fn set_priority(script: &mut Script, intid: u32) -> Access {
    let frame = script.frame(intid < 32);
    if intid >= 16 && script.random.below(2) == 0 {
        let place = Place::Memory { frame, offset: offset::IPRIORITYR + intid, size: 1 };
        return store(place, script.live.priority(script.bank, intid).into());
    }
    let first = intid & !3;
    let value = (first..first + 4)
        .rev()
        .fold(0, |value, intid| value << 8 | u64::from(script.live.priority(script.bank, intid)));
    store(Place::word(frame, offset::IPRIORITYR + first), value)
}

pub(crate) fn priority(script: &mut Script) -> Access {
    let intid = script.intid(0) as u32;
    script.live.change_priority(&mut script.random, script.bank, intid);
    set_priority(script, intid)
}

fn bitmap_store(script: &mut Script, register: u32) -> Access {
    let (word, bits) = (script.any_word(), script.bits());
    store(script.bitmap(register, word), bits)
}

pub(crate) fn set_enable(script: &mut Script) -> Access {
    let (word, bits) = (script.any_word(), script.bits());
    enable(script, word, bits)
}

/// Of those that may be enabled.
fn enable(script: &Script, word: u64, bits: u64) -> Access {
    store(script.bitmap(offset::ISENABLER, word), bits & u64::from(script.live.word(word)))
}

pub(crate) fn clear_enable(script: &mut Script) -> Access {
    bitmap_store(script, offset::ICENABLER)
}

/// Mostly of one that may be delivered.
pub(crate) fn set_pending(script: &mut Script) -> Access {
    if script.random.below(4) == 0 {
        return bitmap_store(script, offset::ISPENDR);
    }
    let intid = script.live.any(&mut script.random);
    store(script.bitmap(offset::ISPENDR, (intid / 32).into()), 1 << (intid % 32))
}

pub(crate) fn clear_pending(script: &mut Script) -> Access {
    bitmap_store(script, offset::ICPENDR)
}

/// A store of an interrupt's activity: of those that may be delivered only while nothing is to be ended, so that what is ended
/// is active.
pub(crate) fn set_active(script: &mut Script) -> Access {
    let intid = script.live.any(&mut script.random);
    exists(Act::StoreIfIdle(script.bitmap(offset::ISACTIVER, (intid / 32).into()), 1 << (intid % 32)))
}

pub(crate) fn clear_active(script: &mut Script) -> Access {
    let (word, bits) = (script.any_word(), script.bits());
    if script.random.below(3) == 0 {
        return store(script.bitmap(offset::ICACTIVER, word), bits & !u64::from(script.live.word(word)));
    }
    let word = u64::from(script.live.any(&mut script.random) / 32);
    exists(Act::StoreIfIdle(script.bitmap(offset::ICACTIVER, word), bits | u64::from(script.live.word(word))))
}

/// A binary point, mostly one that lets interrupts interrupt each other.
pub(crate) fn point(script: &mut Script) -> u64 {
    if script.random.below(4) == 0 { script.random.below(8) } else { script.random.below(5) }
}

/// An SGI that may be delivered, and on GICv2 that this vCPU may send.
pub(crate) fn sgi(script: &mut Script) -> Option<u32> {
    let (is_shared, vcpu) = (script.version == Version::V3 || script.vcpus == 1, script.vcpu);
    script.live.any_sgi(&mut script.random, |intid| is_shared || sender(intid) == vcpu)
}

/// The vCPU that sends an SGI of GICv2, where there are two.
pub(crate) fn sender(intid: u32) -> u8 {
    (intid % 2) as u8
}

pub(crate) fn load_bitmap(script: &mut Script) -> Access {
    let (register, word) = (script.one_of(&BITMAPS), script.any_word());
    load(script.bitmap(register, word))
}

/// A byte or a word of what has a byte for each interrupt.
pub(crate) fn load_bytes(script: &mut Script) -> Access {
    let intid = script.intid(0) as u32;
    let size = script.one_of(&[1, 4]);
    let frame = script.frame(intid < 32);
    let registers: &[u32] = match script.version {
        Version::V2 => &[offset::IPRIORITYR, offset::ITARGETSR],
        Version::V3 => &[offset::IPRIORITYR],
    };
    let offset = script.one_of(registers) + (intid & !(size - 1));
    load(Place::Memory { frame, offset, size: size as u8 })
}

pub(crate) fn load_configuration(script: &mut Script) -> Access {
    let word = script.random.below(2 * WORDS) as u32;
    load(Place::word(script.frame(word < 2), offset::ICFGR + 4 * word))
}

pub(crate) fn enable_private(script: &mut Script) -> Access {
    enable(script, 0, u64::MAX)
}

pub(crate) fn enable_first_shared(script: &mut Script) -> Access {
    enable(script, 1, u64::MAX)
}

pub(crate) fn enable_second_shared(script: &mut Script) -> Access {
    enable(script, 2, u64::MAX)
}

/// Both groups enabled in the distributor.
pub(crate) fn enable_distributor(_: &mut Script) -> Access {
    store(Place::word(Frame::Distributor, offset::CTLR), 3)
}

pub(crate) fn end(_: &mut Script) -> Access {
    exists(Act::End)
}

pub(crate) fn deactivate(script: &mut Script) -> Access {
    exists(Act::Deactivate(script.random.bits() as u8))
}
