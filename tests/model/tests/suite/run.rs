//! The run loop with several VMs that live by their timers.

use bulkhead_campaign::Campaign;
use bulkhead_model::run::guests::ticker::{BETWEEN_VCPUS, LATEST, TICKS, WRONG, pair, ticker};
use bulkhead_model::run::machine::{Guest, Shape};
use bulkhead_model::run::world::{Ended, World};

const PERIOD: u64 = 400;
/// Ticks of the counter that an interrupt may be late.
const LATE: u64 = 150;

/// Turns that the cores of each shape take.
const TURNS: u64 = 20_000;

const TIMERS: Campaign<'_> = Campaign {
    name: "every_guest_gets_each_tick_of_its_timer",
    stage: "model",
    unit: "turns of cores",
    each: 4 * TURNS,
    sample: 1,
    long: 1000,
};

const COSTS: Campaign<'_> = Campaign {
    name: "a_tick_costs_one_exit_and_nothing_else_does",
    stage: "model",
    unit: "turns of cores",
    each: 4 * TURNS,
    sample: 1,
    long: 1000,
};

#[test]
fn every_guest_gets_each_tick_of_its_timer() {
    TIMERS.run(|seed| {
        for shape in Shape::all(3) {
            let guest = |name, core| Guest::new(name, ticker(shape.v3, PERIOD), &[core]);
            let world = World::new(shape, seed, vec![guest("a", 0), guest("b", 1), guest("c", 2)]);
            let begun = world.now();
            assert_eq!(world.run(TURNS), Ended::Enough);
            for vm in 0..3 {
                let (ticks, latest) = (world.data(vm, TICKS), world.data(vm, LATEST));
                // The first is set before the guest is ready, and the last may be under way.
                let due = (world.now() - begun) / PERIOD;
                assert!(ticks <= due && due <= ticks + 2, "{ticks} ticks of {due}: {shape:?}");
                assert!(latest < LATE, "a tick came {latest} late: {shape:?}");
                assert_eq!(world.data(vm, WRONG), 0, "{shape:?}");
            }
        }
    });
}

#[test]
fn a_tick_costs_one_exit_and_nothing_else_does() {
    COSTS.run(|seed| {
        for shape in Shape::all(3) {
            let single = Guest::new("single", ticker(shape.v3, PERIOD), &[0]);
            let pair = Guest::new("pair", pair(shape.v3, PERIOD), &[1, 2]);
            let world = World::new(shape, seed, vec![single, pair]);
            world.run(2_000);
            let vcpus = [(0, 0), (1, 0), (1, 1)];
            let before = vcpus.map(|(vm, vcpu)| world.exits(vm, vcpu));
            let count = |world: &World| vcpus.map(|(vm, vcpu)| world.data(vm, TICKS + BETWEEN_VCPUS * vcpu as u64));
            let ticks = count(&world);
            world.run(TURNS);
            let after = vcpus.map(|(vm, vcpu)| world.exits(vm, vcpu));
            let [single, quiet, busy] = [0, 1, 2].map(|it| (after[it].0 - before[it].0, after[it].1 - before[it].1));
            let now = count(&world);
            let ticks = [0, 1, 2].map(|it| now[it] - ticks[it]);
            println!("{shape:?}: {single:?} {quiet:?} {busy:?}, {ticks:?} ticks");
            assert_eq!((single.1, quiet.1), (0, 0), "exits for nothing: {shape:?}");
            for (exits, ticks) in [single, quiet, busy].iter().zip(ticks) {
                assert!(exits.0.abs_diff(ticks) <= 1, "{exits:?} for {ticks} ticks: {shape:?}");
            }
            assert!(busy.1.abs_diff(ticks[2]) <= 1, "{busy:?} of {ticks:?}");
        }
    });
}
