//! The run loop with several VMs: their timers, restarts and moves. `BULKHEAD_MODEL_STEPS` sets how many turns
//! the cores take in each run (default 20,000), `BULKHEAD_MODEL_SEED` which (default 1).

use bulkhead_model::run::guests::ticker::{LATEST, TICKS, WRONG, ticker};
use bulkhead_model::run::machine::{Guest, Shape};
use bulkhead_model::run::world::{Ended, World};
use bulkhead_model::setting;

const PERIOD: u64 = 400;

fn turns() -> u64 {
    setting::number("BULKHEAD_MODEL_STEPS", 20_000)
}

fn seed() -> u64 {
    setting::number("BULKHEAD_MODEL_SEED", 1)
}

#[test]
fn every_guest_gets_each_tick_of_its_timer() {
    for shape in Shape::all(3) {
        let guest = |name, core| Guest::new(name, ticker(shape.v3, PERIOD), &[core]);
        let world = World::new(shape, seed(), vec![guest("a", 0), guest("b", 1), guest("c", 2)]);
        assert_eq!(world.run(turns()), Ended::Enough);
        for vm in 0..3 {
            let ticks = world.data(vm, TICKS);
            assert_eq!(world.data(vm, WRONG), 0, "{shape:?}");
            println!("{shape:?} {vm}: {ticks} ticks at {}, latest {}", world.now(), world.data(vm, LATEST));
            assert!(ticks > 10);
        }
        println!("{:?}", world.tally());
    }
}
