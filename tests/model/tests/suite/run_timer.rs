//! The emulated physical timer against an oracle.

use bulkhead_campaign::Campaign;
use bulkhead_model::run::guests::ticker::{TICKS, ticker};
use bulkhead_model::run::guests::timer::{ACCESSES, TAKEN, WRONG, physical_timer};
use bulkhead_model::run::machine::{Guest, Shape};
use bulkhead_model::run::world::{Ended, World};

/// Turns that the cores of each shape take.
const TURNS: u64 = 60_000;

const CAMPAIGN: Campaign<'_> = Campaign {
    name: "the_physical_timer_does_what_the_architecture_says_and_costs_an_exit_an_expiry",
    stage: "model",
    unit: "turns of cores",
    each: 4 * TURNS,
    sample: 1,
    long: 500,
};

#[test]
fn the_physical_timer_does_what_the_architecture_says_and_costs_an_exit_an_expiry() {
    CAMPAIGN.run(against_the_oracle);
}

fn against_the_oracle(seed: u64) {
    for shape in Shape::all(2) {
        let guest = Guest::new("timer", physical_timer(shape.v3), &[1]);
        let world = World::new(shape, seed, vec![guest, Guest::new("other", ticker(shape.v3, 500), &[0])]);
        world.judge_physical_timer();
        assert_eq!(world.run(TURNS), Ended::Enough, "{}", world.describe());
        let (accesses, taken) = (world.data(0, ACCESSES), world.data(0, TAKEN));
        let (rises, tally) = (world.judge_physical_timer(), world.tally());
        println!("{shape:?}: {accesses} accesses, {taken} interrupts, {rises:?}, {tally:?}");
        assert_eq!(world.data(0, WRONG), 0);
        assert!(
            accesses > TURNS / 60 && taken > TURNS / 1000 && taken <= rises.all,
            "{accesses} accesses, {taken} taken"
        );
        assert!(world.data(1, TICKS) > TURNS / 1000);
        // An expiry costs one interrupt, which may be on its way at the end. One that comes with a write may cost one,
        // which is rare. A deadline that was armed in the past would cost hundreds an expiry.
        let least = rises.expiries - 1;
        let most = rises.expiries + rises.near_writes.min(rises.expiries / 10 + 10);
        assert!((least..=most).contains(&tally.hypervisor_timers), "{tally:?} for {rises:?}");
        // On the housekeeping core only the console has a deadline: for the monitor's prompt, which is no whole line.
        assert_eq!(tally.housekeeping_timers, 1, "{tally:?}");
    }
}
