//! Random steps: what a guest, its devices and its cores can do.

use super::interface::Settings;
use super::random::Random;
use super::registers::Frame;
use super::world::{TIMER, Tally, World};
use bulkhead_vmm::vgic::{Layout, Version};

/// Private interrupts that steps dwell on, and shared ones; random words touch the others too.
const PRIVATE: u64 = 0x0810_000F;
const SHARED: [u32; 6] = [32, 33, 40, 63, 64, 95];

/// What one sequence of steps is like.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// The controller.
    pub layout: Layout,
    /// Guests end interrupts in two writes (EOImode = 1).
    pub split: bool,
    /// Steps.
    pub steps: u64,
}

impl Shape {
    /// The shape of sequence `number`: all versions, list register counts, vCPU counts and EOI modes in turn.
    pub fn of(number: u64, steps: u64) -> Self {
        let version = if number.is_multiple_of(2) { Version::V2 } else { Version::V3 };
        let list_registers = [1, 4, 16, 2][(number / 2 % 4) as usize];
        let vcpus = (number / 8 % 4) as usize + 1;
        let layout = Layout { version, vcpus, spis: 64, priority_bits: 5, list_registers };
        Self { layout, split: number / 32 % 2 == 1, steps }
    }

    /// Whether guests write ISACTIVER and ICACTIVER. With EOImode = 0 the end of an interrupt that was made
    /// inactive meanwhile is told from the end of one that has no list register by nothing.
    const fn writes_active(&self) -> bool {
        self.split
    }
}

/// Takes the steps of one sequence, noting each in `log`; tells what happened.
///
/// # Errors
/// The first disagreement.
pub fn run(shape: Shape, seed: u64, log: &mut Vec<String>) -> Result<Tally, String> {
    let settings = Settings { split: shape.split, ..Settings::OPEN };
    let mut world = World::new(shape.layout, settings, Random::new(seed))?;
    let mut random = Random::new(!seed);
    set_up(&mut world, &mut random)?;
    for _ in 0..shape.steps {
        let step = Step::random(&mut random, &world, shape);
        log.push(format!("{step:x?}"));
        step.take(&mut world, &mut random)?;
    }
    log.push("drain".into());
    drain(&mut world)?;
    compare_all(&mut world)?;
    Ok(world.tally)
}

/// What a guest does first: most interrupts enabled and routed, so that there is something to see.
fn set_up(world: &mut World, random: &mut Random) -> Result<(), String> {
    world.write(0, Frame::Distributor, 0, 4, 3)?;
    for vcpu in 0..world.vcpus() {
        let (frame, base) = private_frame(world, vcpu);
        world.write(vcpu, frame, base + 0x100, 4, 0xFFFF_FFFF)?;
        for index in 0..8 {
            world.write(vcpu, frame, base + 0x400 + 4 * index, 4, random.bits())?;
        }
        world.write(vcpu, frame, base + 0x080, 4, random.bits())?;
    }
    for word in 1..3 {
        world.write(0, Frame::Distributor, 0x100 + 4 * word, 4, 0xFFFF_FFFF)?;
        world.write(0, Frame::Distributor, 0x080 + 4 * word, 4, random.bits())?;
    }
    for intid in SHARED {
        random_route(world, random, intid).take(world, random)?;
    }
    Ok(())
}

/// Where the private interrupts of `vcpu` have their registers.
fn private_frame(world: &World, vcpu: usize) -> (Frame, u64) {
    if world.oracle.v3 { (Frame::Redistributor(vcpu), 0x1_0000) } else { (Frame::Distributor, 0) }
}

/// One step.
#[derive(Clone, Copy, Debug)]
enum Step {
    Acknowledge { vcpu: usize },
    End { vcpu: usize },
    Deactivate { vcpu: usize },
    Line { vcpu: usize, intid: u32, level: bool },
    Timer { vcpu: usize, level: bool },
    Generate { vcpu: usize, register: u64, value: u64 },
    Write { vcpu: usize, frame: Frame, offset: u64, size: u8, value: u64 },
    Read { vcpu: usize, frame: Frame, offset: u64, size: u8 },
    Set { vcpu: usize, settings: Settings },
    Drain,
    CompareAll,
    Carry,
    Park { vcpu: usize },
    SwitchOffAndOn { vcpu: usize },
    Reset,
}

impl Step {
    fn random(random: &mut Random, world: &World, shape: Shape) -> Self {
        let vcpu = random.below(world.vcpus() as u64) as usize;
        match random.below(100) {
            0..20 => Self::Acknowledge { vcpu },
            20..35 => Self::End { vcpu },
            35..43 => Self::Deactivate { vcpu },
            43..53 => {
                let intid = if random.one_in(4) { 20 } else { random.pick(&SHARED) };
                Self::Line { vcpu, intid, level: random.one_in(2) }
            }
            53..57 => Self::Timer { vcpu, level: random.one_in(2) },
            57..65 => random_sgi(world, random, vcpu),
            65..85 => random_write(world, random, vcpu, shape),
            85..95 => random_read(world, random, vcpu),
            95..98 => random_settings(random, vcpu, shape),
            98 => Self::Drain,
            _ => match random.below(8) {
                0 | 1 => Self::Carry,
                2..5 => Self::Park { vcpu },
                // Switched off, it does not end what it had in service.
                5 if shape.writes_active() => Self::SwitchOffAndOn { vcpu },
                6 => Self::Reset,
                _ => Self::CompareAll,
            },
        }
    }

    fn take(self, world: &mut World, random: &mut Random) -> Result<(), String> {
        match self {
            Self::Acknowledge { vcpu } => world.acknowledge(vcpu).map(drop),
            Self::End { vcpu } => world.end(vcpu),
            Self::Deactivate { vcpu } => match world.in_service[vcpu].dropped.len() as u64 {
                0 => Ok(()),
                count => world.deactivate(vcpu, random.below(count) as usize),
            },
            Self::Line { vcpu, intid, level } => world.line(vcpu, intid, level),
            Self::Timer { vcpu, level } => world.timer(vcpu, level),
            Self::Generate { vcpu, register, value } => world.generate(vcpu, register, value),
            Self::Write { vcpu, frame, offset, size, value } => world.write(vcpu, frame, offset, size, value),
            Self::Read { vcpu, frame, offset, size } => world.read(vcpu, frame, offset, size),
            Self::Set { vcpu, mut settings } => {
                // With unlike or new binary points an interrupt can nest in one of a more urgent priority. Which of
                // two that no list register holds was ended is then told by nothing.
                if world.vgic.layout().list_registers < 16 {
                    settings.binary_point = world.interfaces[vcpu].settings.binary_point;
                    settings.common = false;
                }
                world.set(vcpu, settings)
            }
            Self::Drain => drain(world),
            Self::CompareAll => compare_all(world),
            Self::Carry => world.carry(),
            Self::Park { vcpu } => world.park(vcpu),
            Self::SwitchOffAndOn { vcpu } => world.switch_off_and_on(vcpu),
            Self::Reset => {
                world.reset()?;
                set_up(world, random)
            }
        }
    }
}

fn random_route(world: &World, random: &mut Random, intid: u32) -> Step {
    let vcpus = world.vcpus() as u64;
    let (offset, size, value) = if world.oracle.v3 {
        let value = match random.below(8) {
            0 => random.bits(),
            1 => 1 << 31,
            _ => random.below(vcpus),
        };
        (0x6000 + 8 * u64::from(intid), 8, value)
    } else {
        let value = if random.one_in(4) { random.below(256) } else { 1 << random.below(vcpus) };
        (0x800 + u64::from(intid), 1, value)
    };
    Step::Write { vcpu: random.below(vcpus) as usize, frame: Frame::Distributor, offset, size, value }
}

fn random_sgi(world: &World, random: &mut Random, vcpu: usize) -> Step {
    let intid = random.below(5);
    if world.oracle.v3 {
        let stray = if random.one_in(8) { random.bits() & 0x00FF_00FF_00FF_0000 } else { 0 };
        let value = random.below(16) | intid << 24 | u64::from(random.one_in(4)) << 40 | stray;
        return Step::Generate { vcpu, register: random.below(8).saturating_sub(5), value };
    }
    let value = random.below(4) << 24 | random.below(256) << 16 | intid;
    Step::Write { vcpu, frame: Frame::Distributor, offset: 0xF00, size: 4, value }
}

fn random_write(world: &World, random: &mut Random, vcpu: usize, shape: Shape) -> Step {
    if random.one_in(6) {
        return random_route(world, random, random.clone().pick(&SHARED));
    }
    if random.one_in(12) {
        return random_stray(world, random, vcpu);
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
        5 if shape.writes_active() => (0x300 + 4 * word, 4, random.bits() & random.bits() & mask),
        6 if shape.writes_active() => (0x380 + 4 * word, 4, random.bits() | random.bits()),
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

/// The group of an interrupt in service is left alone, since ending it by the other group's register is
/// UNPREDICTABLE; so is the timer's trigger, which its physical counterpart shares.
fn random_group_or_trigger(world: &World, random: &mut Random, vcpu: usize, bank: (Frame, u64, u64)) -> Step {
    let (frame, base, word) = bank;
    let owner = if let Frame::Redistributor(owner) = frame { owner } else { vcpu };
    let interrupt = |bit: u64| world.oracle.get(owner, (32 * word + bit) as u32);
    if random.one_in(2) {
        let half = random.below(2);
        let mut value = random.bits() & 0xAAAA_AAAA;
        if word == 0 && half == 1 {
            value &= !(3 << (2 * (TIMER - 16)));
        }
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

fn random_frame(world: &World, random: &mut Random) -> Frame {
    let owner = random.below(world.vcpus() as u64) as usize;
    if random.one_in(2) { Frame::Redistributor(owner) } else { Frame::Distributor }
}

fn random_read(world: &World, random: &mut Random, vcpu: usize) -> Step {
    if random.one_in(3) {
        let frame = random_frame(world, random);
        let offset = if random.one_in(2) { random.below(0x1000) } else { random.below(0x2_1000) };
        return Step::Read { vcpu, frame, offset, size: random.pick(&[1, 2, 4, 4, 8]) };
    }
    let (frame, base, word, _) = random_bank(world, random);
    let offset = base + 0x080 * (1 + random.below(7)) + 4 * word;
    Step::Read { vcpu, frame, offset, size: 4 }
}

fn random_settings(random: &mut Random, vcpu: usize, shape: Shape) -> Step {
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
        split: shape.split,
        common: random.one_in(4),
    };
    Step::Set { vcpu, settings }
}

/// Every guest ends what it has in service, then opens its CPU interface and takes all that is due: nothing that
/// can be signalled may stay behind.
fn drain(world: &mut World) -> Result<(), String> {
    for vcpu in 0..world.vcpus() {
        finish(world, vcpu)?;
    }
    for _ in 0..4 {
        for vcpu in 0..world.vcpus() {
            let split = world.interfaces[vcpu].settings.split;
            world.set(vcpu, Settings { split, ..Settings::OPEN })?;
            for _ in 0..400 {
                if !world.acknowledge(vcpu)? {
                    break;
                }
                quiet_line(world, vcpu)?;
                finish(world, vcpu)?;
            }
        }
    }
    world.oracle.nothing_due()
}

/// The device behind the interrupt just acknowledged is served: its line goes low.
fn quiet_line(world: &mut World, vcpu: usize) -> Result<(), String> {
    match world.in_service[vcpu].nested.last().copied() {
        Some(TIMER) => world.timer(vcpu, false),
        Some(intid) if intid >= 16 => world.line(vcpu, intid, false),
        _ => Ok(()),
    }
}

fn finish(world: &mut World, vcpu: usize) -> Result<(), String> {
    while !world.in_service[vcpu].nested.is_empty() {
        world.end(vcpu)?;
    }
    while !world.in_service[vcpu].dropped.is_empty() {
        world.deactivate(vcpu, 0)?;
    }
    Ok(())
}

/// Reads every register of every interrupt.
fn compare_all(world: &mut World) -> Result<(), String> {
    for vcpu in 0..world.vcpus() {
        let (frame, base) = private_frame(world, vcpu);
        for start in [0x080, 0x100, 0x200, 0x300, 0xC00, 0xC04] {
            world.read(vcpu, frame, base + start, 4)?;
        }
        for offset in (0x400..0x420).chain(0xF10..0xF30).step_by(4) {
            world.read(vcpu, frame, base + offset, 4)?;
        }
    }
    for word in 1..3 {
        for start in [0x080, 0x100, 0x200, 0x300] {
            world.read(0, Frame::Distributor, start + 4 * word, 4)?;
        }
    }
    for offset in (0x420..0x460).chain(0x820..0x860).chain(0xC08..0xC18).step_by(4) {
        world.read(0, Frame::Distributor, offset, 4)?;
    }
    for intid in SHARED {
        world.read(0, Frame::Distributor, 0x6000 + 8 * u64::from(intid), 8)?;
    }
    Ok(())
}
