//! VMs that are moved from core to core.

use bulkhead_campaign::Campaign;
use bulkhead_model::run::guests::smp::boss;
use bulkhead_model::run::guests::ticker::{LATEST, TICKS, WRONG, ticker};
use bulkhead_model::run::machine::{Guest, Shape};
use bulkhead_model::run::world::World;
use bulkhead_vmm::vm::Lifecycle;

const PERIOD: u64 = 300;
/// Ticks of the counter that a tick may be late, across a move.
const LATE: u64 = 300;
const MOVES: u64 = 200;

const CAMPAIGN: Campaign<'_> = Campaign {
    name: "a_moved_guest_is_exactly_what_it_was",
    stage: "model",
    unit: "moves",
    each: 4 * MOVES,
    sample: 1,
    long: 1000,
};

/// Moves the VM `name`, the number `vm`, to a core that it is not on; the cores below `first` are others'.
fn move_somewhere(world: &mut World, vm: usize, name: &str, first: u64) -> usize {
    let here = world.home(vm);
    let free = 4 - first;
    let core = (first + world.random().below(free)) as usize;
    let core = if core == here { first as usize + (core + 1 - first as usize) % free as usize } else { core };
    world.command(&format!("vm move {name} {core}"));
    core
}

#[test]
fn a_moved_guest_is_exactly_what_it_was() {
    CAMPAIGN.run(moves);
}

fn moves(seed: u64) {
    for shape in Shape::all(4) {
        let guests = vec![
            Guest::new("other", ticker(shape.v3, PERIOD), &[0]),
            Guest::new("moved", ticker(shape.v3, PERIOD), &[1]),
        ];
        let mut world = World::new(shape, seed, guests);
        world.run_until(10_000, "it ticks", |world| world.starts(1) == 1 && world.data(1, TICKS) > 3);
        for _ in 0..MOVES {
            let core = move_somewhere(&mut world, 1, "moved", 1);
            world.run_until(10_000, "it is there", |world| world.home(1) == core);
            let some = world.random().below(300);
            world.run(some);
        }
        let ticks = world.data(1, TICKS);
        world.run_until(10_000, "it ticks on", |world| world.data(1, TICKS) > ticks + 3);
        let tally = world.tally();
        println!("{shape:?}: {tally:?}");
        assert_eq!((tally.loaded_again, tally.loaded_anew), (MOVES, 2), "{shape:?}");
        assert!(tally.carried_active > 10, "{tally:?}");
        for vm in [0, 1] {
            let (ticks, latest) = (world.data(vm, TICKS), world.data(vm, LATEST));
            assert!(ticks > 100 && latest < LATE && world.data(vm, WRONG) == 0, "{ticks} ticks, one {latest} late");
        }
        assert_eq!((world.starts(0), world.starts(1)), (1, 1));
    }
}

#[test]
fn a_vm_that_cannot_be_moved_goes_on_where_it_is() {
    for shape in Shape::all(4) {
        // Each has a table at level 1, 2 and 3, and on GICv2 two more for the CPU interface: no room for another VM's.
        let tables = if shape.v3 { 6 } else { 10 };
        let guests = vec![
            Guest::new("other", ticker(shape.v3, PERIOD), &[0]),
            Guest::new("moved", ticker(shape.v3, PERIOD), &[1]),
        ];
        let world = World::new(Shape { tables, ..shape }, 1, guests);
        world.run(2_000);
        for (command, answer) in [
            ("vm move moved 1", "core 1 does not run, or runs a vCPU"),
            ("vm move moved 0", "core 0 does not run, or runs a vCPU"),
            ("vm move moved 9", "core 9 does not run, or runs a vCPU"),
            ("vm move nobody 2", "no guest \"nobody\""),
        ] {
            world.command(command);
            world.run_until(10_000, "the answer", |world| world.output("monitor").contains(answer));
        }
        world.command("vm move moved 2");
        let told =
            |world: &World| world.messages().iter().any(|message| message.contains("moved: not moved to core 2"));
        world.run_until(20_000, "the message", told);
        assert_eq!((world.lifecycle(1), world.home(1), world.starts(1)), (Lifecycle::Running, 1, 1));
        for vm in [0, 1] {
            let ticks = world.data(vm, TICKS);
            world.run_until(10_000, "it ticks on", |world| world.data(vm, TICKS) > ticks + 3);
            let (latest, wrong) = (world.data(vm, LATEST), world.data(vm, WRONG));
            assert!(latest < LATE && wrong == 0, "{shape:?}: a tick {latest} late");
        }
    }
}

#[test]
fn a_guest_with_several_vcpus_stays_where_it_is() {
    let world = World::new(Shape::new(true, 4, 4), 1, vec![Guest::new("smp", boss(true, 3), &[0, 1, 2])]);
    world.run(1_000);
    world.command("vm move smp 3");
    let refused = |world: &World| world.output("monitor").contains("only a VM with one vCPU can be moved");
    world.run_until(20_000, "it is refused", refused);
    assert_eq!((world.lifecycle(0), world.home(0)), (Lifecycle::Running, 0));
}
