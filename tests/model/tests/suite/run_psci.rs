//! PSCI's power calls between vCPUs on different cores.

use bulkhead_campaign::Campaign;
use bulkhead_model::run::guests::smp::{CAME, REFUSED, ROUNDS, STARTED, WRONG, boss, racers};
use bulkhead_model::run::machine::{Guest, Shape};
use bulkhead_model::run::world::{Ended, World};

/// Turns that the cores of each shape take.
const TURNS: u64 = if cfg!(debug_assertions) { 20_000 } else { 60_000 };

const POWER: Campaign<'_> = Campaign {
    name: "vcpus_are_switched_on_suspended_and_switched_off_without_end",
    stage: "model",
    unit: "turns of cores",
    each: 4 * TURNS,
    sample: 3,
    long: 500,
};

const RACES: Campaign<'_> = Campaign {
    name: "of_calls_that_race_each_that_succeeds_starts_a_vcpu_once",
    stage: "model",
    unit: "turns of cores",
    each: 2 * TURNS,
    sample: 3,
    long: 500,
};

#[test]
fn vcpus_are_switched_on_suspended_and_switched_off_without_end() {
    POWER.run(|seed| {
        Shape::all(4).for_each(|shape| {
            let world = World::new(shape, seed, vec![Guest::new("smp", boss(shape.v3, 4), &[0, 1, 2, 3])]);
            let ended = world.run(TURNS);
            assert_eq!((ended, world.data(0, WRONG)), (Ended::Enough, 0), "{shape:?} {seed}\n{}", world.describe());
            let rounds = world.data(0, ROUNDS);
            println!("{shape:?} {seed}: {rounds} rounds, {:?}", world.tally());
            assert!(rounds > TURNS / 1000, "{rounds} rounds of {shape:?}");
            assert!(world.tally().reset_in_place > 0, "no vCPU was reset in its core");
        })
    });
}

#[test]
fn of_calls_that_race_each_that_succeeds_starts_a_vcpu_once() {
    RACES.run(|seed| {
        Shape::all(3).for_each(|shape| {
            let world = World::new(shape, seed, vec![Guest::new("racers", racers(), &[0, 1, 2])]);
            let sum = |offset| world.data(0, offset) + world.data(0, offset + 8);
            for _ in 0..20 {
                let ended = world.run(TURNS / 40);
                assert_eq!((ended, world.data(0, WRONG)), (Ended::Enough, 0), "{shape:?} {seed}\n{}", world.describe());
                // A racer may be about to count a call whose vCPU is there, and a vCPU may be on its way: one each.
                let (started, came) = (sum(STARTED), sum(CAME));
                assert!(started.abs_diff(came) <= 2, "{started} were started, {came} came: {shape:?} {seed}");
            }
            println!("{shape:?} {seed}: {} started, {} refused", sum(STARTED), sum(REFUSED));
            for racer in [0, 8] {
                let (started, refused) = (world.data(0, STARTED + racer), world.data(0, REFUSED + racer));
                assert!(started > 10 && refused > 10, "{started} started, {refused} refused: {shape:?} {seed}");
            }
        })
    });
}
