//! VMs that do anything beside one that misses no tick.

use bulkhead_campaign::Campaign;
use bulkhead_model::run::guests::hostile::hostile;
use bulkhead_model::run::guests::ticker::{LATEST, TICKS, WRONG, ticker};
use bulkhead_model::run::machine::{Guest, Shape};
use bulkhead_model::run::world::{Ended, World};
use bulkhead_vmm::config::Policy;

const PERIOD: u64 = 500;
/// Turns that the cores of each shape take.
const TURNS: u64 = if cfg!(debug_assertions) { 25_000 } else { 100_000 };

const CAMPAIGN: Campaign<'_> = Campaign {
    name: "no_guest_makes_another_wait_or_the_hypervisor_panic",
    stage: "model",
    unit: "turns of cores",
    each: 4 * TURNS,
    sample: 2,
    long: 500,
};

/// Ticks of the counter that a tick of the victim may be late. The counter counts what all cores do, and whose turn is
/// next is drawn: of millions of ticks some come late by bad luck, but none by a period, which would be one missed.
const LATE: u64 = PERIOD;

#[test]
fn no_guest_makes_another_wait_or_the_hypervisor_panic() {
    CAMPAIGN.run(beside_a_victim);
}

fn beside_a_victim(seed: u64) {
    let mut ends = 0;
    for shape in Shape::all(6) {
        // The victim's core does nothing but run it.
        let shape = Shape { housekeeping: 5, ..shape };
        let hostile = |name, salt, cores: &[usize]| {
            let program = hostile(shape.v3, cores.len() as u64, seed ^ salt, 20);
            Guest::new(name, program, cores).with_policies(Policy::Restart, Policy::Restart, Policy::Restart)
        };
        let victim = Guest::new("victim", ticker(shape.v3, PERIOD), &[0]);
        let guests = vec![victim, hostile("one", 0xbad, &[1]), hostile("many", 0xe7117, &[2, 3, 4])];
        let world = World::new(shape, seed, guests);
        let mut restarts = 0;
        for _ in 0..TURNS.div_ceil(2_000) {
            assert_eq!(world.run(2_000), Ended::Enough, "{}", world.describe());
            // One that has switched its only vCPU off, or disabled what would wake it, stays so.
            if world.output("monitor").ends_with("> ") {
                world.command("vm restart one");
                world.command("vm restart many");
                restarts += 1;
            }
        }
        assert!(restarts > TURNS / 10_000, "the monitor was answered {restarts} times");
        let (ticks, latest) = (world.data(0, TICKS), world.data(0, LATEST));
        println!(
            "{shape:?} {seed}: {ticks} ticks, {:?} starts, {:?}",
            [1, 2].map(|vm| world.starts(vm)),
            world.tally()
        );
        assert_eq!((world.data(0, WRONG), world.starts(0)), (0, 1), "{}", world.describe());
        assert!(ticks > TURNS / PERIOD && latest < LATE, "{ticks} ticks, one {latest} late: {shape:?} {seed}");
        let end = |told: &&String| ["itself", "on-fault"].iter().any(|how| told.contains(how));
        ends += world.messages().iter().filter(end).count();
    }
    assert!(ends > 4, "the hostile ones ended but {ends} times by themselves");
}
