//! Which registers a random step touches, and with what.

use super::interface::Settings;
use super::registers::Frame;
use super::shape::Shape;
use super::steps::Step;
use super::world::{TIMER, World, id};
use crate::random::Random;

/// Private interrupts that steps dwell on, and shared ones; random words touch the others too.
const PRIVATE: u64 = 0x0810_000F;
pub(super) const SHARED: [u32; 6] = [32, 33, 40, 63, 64, 95];

/// Where the private interrupts of `vcpu` have their registers.
pub(super) fn private_frame(world: &World, vcpu: usize) -> (Frame, u64) {
    if world.oracle.v3 { (Frame::Redistributor(vcpu), 0x1_0000) } else { (Frame::Distributor, 0) }
}

pub(super) fn random_route(world: &World, random: &mut Random, intid: u32) -> Step {
    let vcpus = world.vcpus() as u64;
    let (offset, size, value) = if world.oracle.v3 {
        let value = match random.below(8) {
            0 => random.bits(),
            1 => 1 << 31 | random.below(vcpus),
            _ => random.below(vcpus),
        };
        (0x6000 + 8 * u64::from(intid), 8, value)
    } else {
        let value = if random.one_in(4) { random.below(256) } else { 1 << random.below(vcpus) };
        (0x800 + u64::from(intid), 1, value)
    };
    Step::Write { vcpu: random.below(vcpus) as usize, frame: Frame::Distributor, offset, size, value }
}

pub(super) fn random_sgi(world: &World, random: &mut Random, vcpu: usize) -> Step {
    let intid = random.below(5);
    if world.oracle.v3 {
        let stray = if random.one_in(8) { random.bits() & 0x00FF_00FF_00FF_0000 } else { 0 };
        if random.one_in(4) {
            return Step::Generate { vcpu, register: 0, value: id(vcpu).sgi_target() | intid << 24 };
        }
        let value = random.below(16) | intid << 24 | u64::from(random.one_in(4)) << 40 | stray;
        return Step::Generate { vcpu, register: random.below(8).saturating_sub(5), value };
    }
    let value = random.below(4) << 24 | random.below(256) << 16 | intid;
    Step::Write { vcpu, frame: Frame::Distributor, offset: 0xF00, size: 4, value }
}

pub(super) fn random_write(world: &World, random: &mut Random, vcpu: usize) -> Step {
    if random.one_in(6) {
        return random_route(world, random, random.clone().pick(&SHARED));
    }
    if random.one_in(12) {
        return random_stray(world, random, vcpu);
    }
    if random.one_in(16) {
        // GICD_ITARGETSR of private interrupts: read-only on GICv2, reserved on GICv3.
        let offset = 0x800 + random.below(32);
        return Step::Write { vcpu, frame: Frame::Distributor, offset, size: 1, value: random.bits() };
    }
    if random.one_in(16) {
        let frame = Frame::Redistributor(random.below(world.vcpus() as u64) as usize);
        return Step::Write { vcpu, frame, offset: 0x014, size: 4, value: random.below(8) };
    }
    if random.one_in(12) {
        // GICD_SETSPI_NSR and GICD_CLRSPI_NSR, where messages become interrupts: reserved here.
        let (offset, size) = (random.pick(&[0x40, 0x48]), random.pick(&[2, 4]));
        let value = random.pick(&SHARED).into();
        return Step::Write { vcpu, frame: Frame::Distributor, offset, size, value };
    }
    if random.one_in(12) {
        let value = random.pick(&[3, 3, 3, 1, 2, 0]);
        return Step::Write { vcpu, frame: Frame::Distributor, offset: 0, size: 4, value };
    }
    let (frame, base, word, mask) = random_bank(world, random);
    let (offset, size, value) = match random.below(10) {
        0 => (0x180 + 4 * word, 4, random.bits() & random.bits() & mask),
        1 | 2 => (0x100 + 4 * word, 4, random.bits()),
        3 => (0x200 + 4 * word, 4, random.bits() & mask),
        4 => (0x280 + 4 * word, 4, random.bits() & mask),
        5 => (0x300 + 4 * word, 4, random.bits() & random.bits() & mask),
        6 => {
            let in_service = in_service(world, vcpu, frame, word);
            (0x380 + 4 * word, 4, (random.bits() | random.bits()) & !in_service)
        }
        7 => (0x400 + 32 * word + random.below(32), 1, random.bits()),
        8 => (0xF10 + random.below(32), 1, random.bits() & 0xFF),
        _ => return random_group_or_trigger(world, random, vcpu, (frame, base, word)),
    };
    Step::Write { vcpu, frame, offset: base + offset, size, value }
}

/// GICD or a redistributor: the frame, where its per-interrupt registers begin, which word, and its bits that
/// steps dwell on.
fn random_bank(world: &World, random: &mut Random) -> (Frame, u64, u64, u64) {
    if random.one_in(2) {
        let (frame, base) = private_frame(world, random.below(world.vcpus() as u64) as usize);
        return (frame, base, 0, PRIVATE);
    }
    let word = 1 + random.below(2);
    let mask = SHARED.iter().filter(|intid| u64::from(*intid / 32) == word).map(|intid| 1 << (intid % 32)).sum();
    (Frame::Distributor, 0, word, mask)
}

/// What of a word of interrupts a guest has acknowledged and not ended. With EOImode = 0 nothing tells the end of one
/// that was made inactive meanwhile from the end of one that has no list register.
fn in_service(world: &World, vcpu: usize, frame: Frame, word: u64) -> u64 {
    let owners = match frame {
        Frame::Redistributor(owner) => owner..owner + 1,
        Frame::Distributor if word == 0 => vcpu..vcpu + 1,
        Frame::Distributor => 0..world.vcpus(),
    };
    let owners = owners.filter(|owner| !world.interfaces[*owner].settings.split);
    let nested = owners.flat_map(|owner| &world.in_service[owner].nested);
    nested.filter(|intid| u64::from(**intid / 32) == word).fold(0, |bits, intid| bits | 1 << (intid % 32))
}

/// The group of an interrupt in service is left alone, since ending it by the other group's register is
/// UNPREDICTABLE.
fn random_group_or_trigger(world: &World, random: &mut Random, vcpu: usize, bank: (Frame, u64, u64)) -> Step {
    let (frame, base, word) = bank;
    let owner = if let Frame::Redistributor(owner) = frame { owner } else { vcpu };
    let interrupt = |bit: u64| world.oracle.get(owner, (32 * word + bit) as u32);
    if random.one_in(2) {
        let half = random.below(2);
        let value = random.bits() & 0xAAAA_AAAA;
        return Step::Write { vcpu, frame, offset: base + 0xC00 + 8 * word + 4 * half, size: 4, value };
    }
    let mut value = random.bits() & 0xFFFF_FFFF;
    for bit in 0..32 {
        if let Some(interrupt) = interrupt(bit)
            && interrupt.active
        {
            value = value & !(1 << bit) | u64::from(interrupt.group_1) << bit;
        }
    }
    Step::Write { vcpu, frame, offset: base + 0x080 + 4 * word, size: 4, value }
}

/// An access that may be of any size, anywhere; never to registers that other steps take care with.
fn random_stray(world: &World, random: &mut Random, vcpu: usize) -> Step {
    let frame = random_frame(world, random);
    let size = random.pick(&[1, 2, 4, 8]);
    let offset = match random.below(4) {
        0 => random.below(0x30),
        1 => 0x0D00 + random.below(0x300),
        2 => random.below(0x2_1000),
        _ => 0x014,
    };
    let within = if matches!(frame, Frame::Redistributor(_)) { offset & 0xFFFF } else { offset };
    if (0x080..0xD00).contains(&within) || within == 0 {
        return Step::CompareAll;
    }
    Step::Write { vcpu, frame, offset, size, value: random.bits() & random.bits() }
}

/// The priority of an interrupt that steps dwell on.
pub(super) fn random_priority(world: &World, random: &mut Random, vcpu: usize) -> Step {
    let value = random.below(32) << 3;
    if random.one_in(2) {
        let (frame, base) = private_frame(world, random.below(world.vcpus() as u64) as usize);
        let intid = random.pick(&[0, 1, 2, 3, 20, TIMER]);
        return Step::Write { vcpu, frame, offset: base + 0x400 + u64::from(intid), size: 1, value };
    }
    let offset = 0x400 + u64::from(random.pick(&SHARED));
    Step::Write { vcpu, frame: Frame::Distributor, offset, size: 1, value }
}

fn random_frame(world: &World, random: &mut Random) -> Frame {
    let owner = random.below(world.vcpus() as u64) as usize;
    if random.one_in(2) { Frame::Redistributor(owner) } else { Frame::Distributor }
}

pub(super) fn random_read(world: &World, random: &mut Random, vcpu: usize) -> Step {
    if random.one_in(6) {
        let offset = random.pick(&[0x000, 0x004, 0x008, 0x00C, 0x014, 0xFE8, 0xFFE8, 0x1_0008]);
        return Step::Read { vcpu, frame: random_frame(world, random), offset, size: random.pick(&[4, 4, 8]) };
    }
    if random.one_in(3) {
        let frame = random_frame(world, random);
        let offset = if random.one_in(2) { random.below(0x1000) } else { random.below(0x2_1000) };
        return Step::Read { vcpu, frame, offset, size: random.pick(&[1, 2, 4, 4, 8]) };
    }
    let (frame, base, word, _) = random_bank(world, random);
    let offset = base + 0x080 * (1 + random.below(7)) + 4 * word;
    Step::Read { vcpu, frame, offset, size: 4 }
}

pub(super) fn random_settings(random: &mut Random, vcpu: usize, shape: Shape) -> Step {
    let enabled = match random.below(6) {
        0 => [true, false],
        1 => [false, true],
        2 => [false, false],
        _ => [true, true],
    };
    let settings = Settings {
        priority_mask: if random.one_in(2) { 0xF8 } else { (random.below(32) << 3) as u8 },
        binary_point: [2 + random.below(6) as u8, 3 + random.below(5) as u8],
        enabled,
        split: shape.split != random.one_in(8),
        common: random.one_in(4),
    };
    Step::Set { vcpu, settings }
}
