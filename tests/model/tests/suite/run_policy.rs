//! What becomes of VMs that end, fault or are stopped.

use bulkhead_campaign::Campaign;
use bulkhead_model::run::guests::ending::{ALIVE, End, FAULTS, WRONG, ending, faulter, resetters};
use bulkhead_model::run::guests::ticker::{TICKS, ticker};
use bulkhead_model::run::machine::{Guest, Shape};
use bulkhead_model::run::world::{Ended, World};
use bulkhead_vmm::config::{Policy, WhenAllOff};
use bulkhead_vmm::vm::Lifecycle;

const PERIOD: u64 = 300;
const ENDS: [End; 3] = [End::PowerOff, End::Reset, End::Fault];

const POLICIES: Campaign<'_> = Campaign {
    name: "each_end_is_followed_by_its_own_policy",
    stage: "model",
    unit: "ends of VMs",
    each: 3 * 3,
    sample: 3,
    long: 3000,
};

const OVER: Campaign<'_> = Campaign {
    name: "the_machine_is_over_when_the_last_vm_is_off",
    stage: "model",
    unit: "ends of machines",
    each: 3 * 3,
    sample: 4,
    long: 3000,
};

const STOPS: Campaign<'_> = Campaign {
    name: "what_the_owner_stops_no_guest_restarts",
    stage: "model",
    unit: "stops of a VM",
    each: 1,
    sample: 100,
    long: 20_000,
};

/// A VM that ends so, with `policy` for that and another for every other end; and one that ticks.
fn world(shape: Shape, seed: u64, end: End, policy: Policy) -> World {
    let other = if policy == Policy::Halt { Policy::Restart } else { Policy::Halt };
    let [power_off, reset, fault] = ENDS.map(|it| if it == end { policy } else { other });
    let ending = Guest::new("ending", ending(end), &[1]).with_policies(power_off, reset, fault);
    World::new(shape, seed, vec![ending, Guest::new("other", ticker(shape.v3, PERIOD), &[0])])
}

#[test]
fn each_end_is_followed_by_its_own_policy() {
    POLICIES.run(|seed| ENDS.into_iter().for_each(|end| each_end(end, seed)));
}

fn each_end(end: End, seed: u64) {
    let shape = Shape::new(seed.is_multiple_of(2), 4, 2);
    let halted = world(shape, seed, end, Policy::Halt);
    halted.run_until(5_000, "it is off", |world| world.lifecycle(0) == Lifecycle::Off);
    halted.run(2_000);
    assert_eq!((halted.lifecycle(0), halted.starts(0), halted.data(0, ALIVE)), (Lifecycle::Off, 1, 0));

    let kept = world(shape, seed, end, Policy::Report);
    kept.run_until(5_000, "it is kept", |world| world.lifecycle(0) == Lifecycle::Kept);
    kept.run(2_000);
    assert_eq!((kept.lifecycle(0), kept.starts(0), kept.data(0, ALIVE)), (Lifecycle::Kept, 1, 1));
    kept.command("vm start ending");
    kept.run_until(20_000, "it was started again", |world| world.starts(0) == 2);

    let restarted = world(shape, seed, end, Policy::Restart);
    restarted.run_until(20_000, "it was started five times", |world| world.starts(0) >= 5);
    for world in [halted, kept, restarted] {
        world.run_until(20_000, "the other ticks", |world| world.data(1, TICKS) > 5);
        assert_eq!(world.starts(1), 1);
    }
}

#[test]
fn a_fault_that_stops_a_guest_is_told_once_in_words() {
    let world = world(Shape::new(true, 4, 2), 1, End::Fault, Policy::Halt);
    world.run_until(5_000, "it is off", |world| world.lifecycle(0) == Lifecycle::Off);
    let told: Vec<String> = world.messages().into_iter().filter(|message| message.starts_with("ERROR")).collect();
    let [message] = told.as_slice() else { panic!("{told:?}") };
    for part in [
        "ending",
        "vcpu0",
        "PC 0x10000200",
        "instruction fetch from an address that is not its own",
        "; on-fault: halt",
    ] {
        assert!(message.contains(part), "{part:?} is not in {message:?}");
    }
}

#[test]
fn a_system_error_stops_its_guest_alone_and_is_told_once() {
    for shape in Shape::all(2) {
        let guest = Guest::new("ending", ending(End::SystemError), &[1]);
        let guest = guest.with_policies(Policy::Restart, Policy::Restart, Policy::Halt);
        let world = World::new(shape, 1, vec![guest, Guest::new("other", ticker(shape.v3, PERIOD), &[0])]);
        world.run_until(5_000, "it is off", |world| world.lifecycle(0) == Lifecycle::Off);
        let told: Vec<String> = world.messages().into_iter().filter(|message| message.starts_with("ERROR")).collect();
        let [message] = told.as_slice() else { panic!("{told:?}") };
        for part in ["ending vcpu0 at PC 0x4", "a system error", "ESR 0xbf000011", "; on-fault: halt"] {
            assert!(message.contains(part), "{part:?} is not in {message:?}");
        }
        let ticks = world.data(1, TICKS);
        world.run_until(5_000, "the other ticks on", |world| world.data(1, TICKS) > ticks + 3);
        assert_eq!(world.starts(0), 1);
    }
}

#[test]
fn faults_are_the_guests_own_and_no_flood_of_messages() {
    for shape in Shape::all(2) {
        let faulter = Guest::new("faulter", faulter(), &[0]);
        let world = World::new(shape, 1, vec![faulter, Guest::new("other", ticker(shape.v3, PERIOD), &[1])]);
        assert_eq!(world.run(20_000), Ended::Enough);
        let faults = world.data(0, FAULTS);
        assert_eq!((world.data(0, WRONG), world.lifecycle(0)), (0, Lifecycle::Running), "{}", world.describe());
        let counted = world.machine().vms[0].lock().counters();
        println!("{shape:?}: {faults} faults, {counted:?}");
        assert!(faults > 200 && counted.stage2_faults > 150 && counted.stage2_faults <= faults + 1);
        let told = world.messages().iter().filter(|message| message.starts_with("WARN")).count();
        assert!((8..=10).contains(&told), "{told} messages about {faults} faults");
        assert!(world.data(1, TICKS) > 20);
    }
}

#[test]
fn the_machine_is_over_when_the_last_vm_is_off() {
    OVER.run(|seed| ENDS.into_iter().for_each(|end| three_end(end, seed)));
}

fn three_end(end: End, seed: u64) {
    let shape = Shape { when_all_off: WhenAllOff::PowerOff, ..Shape::new(seed.is_multiple_of(2), 4, 3) };
    let three = |shape, policy| {
        let guest = |name, core| Guest::new(name, ending(end), &[core]).with_policies(policy, policy, policy);
        World::new(shape, seed, vec![guest("a", 0), guest("b", 1), guest("c", 2)])
    };
    let world = three(shape, Policy::Halt);
    assert_eq!(world.run(50_000), Ended::PowerOff, "{}", world.describe());
    assert!((0..3).all(|vm| world.lifecycle(vm) == Lifecycle::Off), "{}", world.describe());

    let world = three(Shape { when_all_off: WhenAllOff::Stay, ..shape }, Policy::Halt);
    assert_eq!(world.run(50_000), Ended::Idle, "{}", world.describe());
    world.command("vm start b");
    world.run_until(20_000, "b was started again", |world| world.starts(1) == 2);

    // What is kept is kept for its owner, who needs the machine to look at it.
    let world = three(shape, Policy::Report);
    assert_eq!(world.run(50_000), Ended::Idle, "{}", world.describe());
    ["a", "b", "c"].iter().for_each(|name| world.command(&format!("vm stop {name}")));
    assert_eq!(world.run(50_000), Ended::PowerOff, "{}", world.describe());
}

#[test]
fn one_vm_that_runs_keeps_the_machine_on() {
    let shape = Shape { when_all_off: WhenAllOff::PowerOff, ..Shape::new(true, 4, 2) };
    let world = world(shape, 1, End::PowerOff, Policy::Halt);
    assert_eq!(world.run(20_000), Ended::Enough);
    assert_eq!(world.lifecycle(0), Lifecycle::Off);
    world.command("vm stop other");
    assert_eq!(world.run(20_000), Ended::PowerOff, "{}", world.describe());
}

#[test]
fn what_the_owner_stops_no_guest_restarts() {
    STOPS.run(|seed| {
        let shape = Shape::new(seed.is_multiple_of(2), 4, 3);
        let guest = Guest::new("g", resetters(), &[1, 2]);
        let guest = guest.with_policies(Policy::Restart, Policy::Restart, Policy::Restart);
        let mut world = World::new(shape, seed, vec![guest]);
        let first = 2_000 + world.random().below(500);
        world.run(first);
        assert!(world.starts(0) > 2, "{}", world.describe());
        world.command("vm stop g");
        world.run_until(20_000, "it is off", |world| world.lifecycle(0) == Lifecycle::Off);
        assert_eq!(world.run(5_000), Ended::Idle, "seed {seed}\n{}", world.describe());
        assert_eq!(world.lifecycle(0), Lifecycle::Off, "seed {seed}");
    });
}
