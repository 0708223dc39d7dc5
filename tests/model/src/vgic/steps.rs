//! Random steps: what a guest, its devices and its cores can do.

use super::choices::{
    SHARED, private_frame, random_priority, random_read, random_route, random_settings, random_sgi, random_write,
};
use super::interface::Settings;
use super::registers::Frame;
use super::shape::Shape;
use super::tally::Tally;
use super::world::{TIMER, World};
use crate::random::Random;

/// Takes the steps of one sequence, noting each in `log`; tells what happened.
///
/// # Errors
/// The first disagreement.
pub fn run(shape: Shape, seed: u64, log: &mut Vec<String>) -> Result<Tally, String> {
    run_with(shape, Random::new(seed), Random::new(!seed), log)
}

/// The same with the choices of the guests by `random`, and those of the cores, such as when a vCPU leaves its guest, by
/// `of_cores`.
///
/// # Errors
/// The first disagreement.
pub fn run_with(shape: Shape, of_cores: Random, mut random: Random, log: &mut Vec<String>) -> Result<Tally, String> {
    let settings = Settings { split: shape.split, ..Settings::OPEN };
    let mut world = World::new(shape.layout, settings, of_cores)?;
    set_up(&mut world, &mut random)?;
    for _ in 0..shape.steps {
        let step = Step::random(&mut random, &world, shape);
        log.push(format!("{step:x?}"));
        step.take(&mut world, &mut random)?;
    }
    log.push("drain".into());
    drain(&mut world)?;
    world.synchronize()?;
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

/// One step.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
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
    SwitchOffAndOn { vcpu: usize, rests: bool },
    Reset,
}

impl Step {
    fn random(random: &mut Random, world: &World, shape: Shape) -> Self {
        let vcpu = random.below(world.vcpus() as u64) as usize;
        if shape.busy && random.one_in(2) {
            return Self::busy(random, world, vcpu);
        }
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
            65..85 => random_write(world, random, vcpu),
            85..95 => random_read(world, random, vcpu),
            95..98 => random_settings(random, vcpu, shape),
            98 => Self::Drain,
            _ => match random.below(8) {
                0 | 1 => Self::Carry,
                2..5 => Self::Park { vcpu },
                // Switched off, it does not end what it had in service.
                5 if world.interfaces[vcpu].settings.split => Self::SwitchOffAndOn { vcpu, rests: random.one_in(2) },
                6 => Self::Reset,
                _ => Self::CompareAll,
            },
        }
    }

    fn busy(random: &mut Random, world: &World, vcpu: usize) -> Self {
        match random.below(10) {
            0..3 => Self::Acknowledge { vcpu },
            3 | 4 => Self::End { vcpu },
            5 => Self::Deactivate { vcpu },
            6 | 7 => {
                let intid = if random.one_in(3) { 20 } else { random.pick(&SHARED) };
                Self::Line { vcpu, intid, level: true }
            }
            8 => random_sgi(world, random, vcpu),
            _ => random_priority(world, random, vcpu),
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
            Self::Set { vcpu, settings } => world.set(vcpu, as_ends_allow(world, vcpu, settings)),
            Self::Drain => drain(world),
            Self::CompareAll => world.synchronize().and_then(|()| compare_all(world)),
            Self::Carry => world.carry(),
            Self::Park { vcpu } => world.park(vcpu),
            Self::SwitchOffAndOn { vcpu, rests } => world.switch_off_and_on(vcpu, rests),
            Self::Reset => {
                world.reset()?;
                set_up(world, random)
            }
        }
    }
}

/// The `settings` with which nothing is left to guess for the hypervisor when `vcpu` ends an interrupt with EOImode = 0 that
/// has no list register.
fn as_ends_allow(world: &World, vcpu: usize, mut settings: Settings) -> Settings {
    let (now, serves) = (world.interfaces[vcpu].settings, world.serves(vcpu));
    // What was ended with EOImode = 1 has to be deactivated first.
    settings.split |= now.split && serves;
    // With unlike or new binary points an interrupt can nest in one of a more urgent priority.
    if !settings.split {
        let group_0 = settings.binary_point[0].min(6);
        settings.binary_point = if serves { now.binary_point } else { [group_0, group_0 + 1] };
        settings.common = false;
    }
    settings
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
        for offset in (0x400..0x420).chain(0x800..0x820).chain(0xF10..0xF30).step_by(4) {
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
