//! The monitor's commands in random order, while the other VMs run on.

use bulkhead_campaign::Campaign;
use bulkhead_model::run::guests::ticker::{LATEST, TICKS, WRONG, ticker};
use bulkhead_model::run::machine::{Guest, Shape};
use bulkhead_model::run::world::World;
use bulkhead_vmm::vm::Lifecycle;

const PERIOD: u64 = 400;
/// Ticks of the counter that a tick of the victim may be late. The counter counts what all cores do, and whose turn is
/// next is drawn: of millions of ticks some come late by bad luck, but none by a period, which would be one missed.
const LATE: u64 = PERIOD;
const NAMES: [&str; 3] = ["a", "b", "victim"];
const CORES: usize = 6;

/// Turns that the cores of each shape take, at least.
const TURNS: u64 = if cfg!(debug_assertions) { 25_000 } else { 100_000 };

const CAMPAIGN: Campaign<'_> = Campaign {
    name: "commands_in_any_order_lose_nothing",
    stage: "model",
    unit: "turns of cores",
    each: 4 * TURNS,
    sample: 1,
    long: 250,
};

fn world(shape: Shape, seed: u64) -> World {
    let guest = |(core, name)| Guest::new(name, ticker(shape.v3, PERIOD), &[core]);
    World::new(shape, seed, NAMES.into_iter().enumerate().map(|(core, name)| guest((core, name))).collect())
}

fn random_command(world: &mut World) -> String {
    let random = world.random();
    let name = random.pick(&NAMES[..2]);
    let core = random.below(CORES as u64 + 1);
    match random.below(7) {
        0 => format!("vm stop {name}"),
        1 => format!("vm start {name}"),
        2 => format!("vm restart {name}"),
        3 => format!("watch {}", random.pick(&["on", "off"])),
        _ => format!("vm move {name} {core}"),
    }
}

/// Waits until the monitor has answered everything.
fn catch_up(world: &World, number: usize) {
    world.run_until(20_000, "what was typed is read", World::is_read);
    world.command(&format!("vm info nobody{number}"));
    let answer = format!("no guest \"nobody{number}\"");
    world.run_until(50_000, "the monitor answers", |world| world.output("monitor").contains(&answer));
}

/// Stops or starts each VM for good; it must then get there.
fn settle(world: &mut World, number: usize) {
    catch_up(world, 2 * number);
    let on = [(); 2].map(|()| world.random().one_in(2));
    for (name, on) in NAMES.iter().zip(on) {
        world.command(&format!("vm {} {name}", if on { "restart" } else { "stop" }));
    }
    catch_up(world, 2 * number + 1);
    for (vm, on) in on.into_iter().enumerate() {
        let there = |world: &World| match on {
            true => world.lifecycle(vm) == Lifecycle::Running && world.data(vm, TICKS) > 2,
            false => world.lifecycle(vm) == Lifecycle::Off,
        };
        world.run_until(20_000, if on { "it runs" } else { "it is off" }, there);
    }
    let before = [0, 1].map(|vm| (world.lifecycle(vm), world.starts(vm)));
    world.run(500);
    assert_eq!(before, [0, 1].map(|vm| (world.lifecycle(vm), world.starts(vm))), "they do not stay so");
}

#[test]
fn commands_in_any_order_lose_nothing() {
    CAMPAIGN.run(commands);
}

fn commands(seed: u64) {
    for shape in Shape::all(CORES) {
        let mut world = world(shape, seed);
        let mut left = TURNS;
        let mut commands = 0;
        while left > 0 {
            world.run_until(20_000, "what was typed is read", World::is_read);
            for _ in 0..1 + world.random().below(3) {
                let command = random_command(&mut world);
                world.command(&command);
                commands += 1;
            }
            for _ in 0..world.random().below(40) {
                let slice = 1 + world.random().below(20);
                world.run(slice);
                left = left.saturating_sub(slice);
            }
            if world.random().one_in(10) {
                settle(&mut world, commands);
            }
        }
        settle(&mut world, commands + 1);
        println!("{shape:?}: {commands} commands, {:?}", world.tally());
        for (vm, name) in NAMES.iter().enumerate() {
            assert_eq!(world.data(vm, WRONG), 0, "{name} of {shape:?}\n{}", world.describe());
        }
        let (ticks, latest) = (world.data(2, TICKS), world.data(2, LATEST));
        assert!(ticks > 20 && latest < LATE, "the victim took {ticks} ticks, one {latest} late");
    }
}
