//! Loads that the guest's own stage 1 refuses, on cores that may tell of them as of stage 2's (Cortex-A57's erratum 834220).

use bulkhead_campaign::Campaign;
use bulkhead_model::run::guests::careless::{CLOSED, FAULTS, WRONG, careless};
use bulkhead_model::run::machine::{Guest, Shape};
use bulkhead_model::run::world::{Ended, World};

const TURNS: u64 = 3_000;

const CAMPAIGN: Campaign<'_> = Campaign {
    name: "a_guest_takes_its_own_fault_whatever_the_core_makes_of_it",
    stage: "model",
    unit: "turns of cores",
    each: 8 * TURNS,
    sample: 1,
    long: 1000,
};

#[test]
fn a_guest_takes_its_own_fault_whatever_the_core_makes_of_it() {
    CAMPAIGN.run(|seed| {
        for shape in Shape::all(2) {
            for misreports_loads in [false, true] {
                let shape = Shape { closed: Some(CLOSED), misreports_loads, ..shape };
                let world = World::new(shape, seed, vec![Guest::new("careless", careless(), &[1])]);
                let ended = world.run(TURNS);
                assert_eq!((ended, world.data(0, WRONG)), (Ended::Enough, 0), "{shape:?}");
                let (faults, misreported) = (world.data(0, FAULTS), world.tally().misreported);
                println!("{shape:?}: {faults} faults, {misreported} misreported");
                assert!(faults > 50, "{faults}: {shape:?}");
                assert!(if misreports_loads { misreported > faults / 2 } else { misreported == 0 }, "{shape:?}");
                assert_eq!(world.machine().vms[0].lock().counters().stage2_faults, 0, "{shape:?}");
            }
        }
    });
}
