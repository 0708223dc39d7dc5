//! VMs that are started again, out of whatever state their guests have brought them to.

use bulkhead_campaign::Campaign;
use bulkhead_model::run::beginning::Beginning;
use bulkhead_model::run::guests::hostile::hostile;
use bulkhead_model::run::guests::ticker::{LATEST, TICKS, ticker};
use bulkhead_model::run::machine::{Guest, Shape};
use bulkhead_model::run::world::World;
use bulkhead_vmm::config::Policy;
use std::collections::BTreeMap;
use std::sync::Mutex;

/// Numbers of vCPUs.
const VCPUS: [u64; 2] = [1, 3];
/// Policies for each end: to start again at once, or to stop so that the owner starts it.
const POLICIES: [Policy; 3] = [Policy::Restart, Policy::Halt, Policy::Report];
/// Lives after the first.
const LIVES: u64 = if cfg!(debug_assertions) { 1 } else { 4 };
/// Of so many ends each kind must be among them.
const MANY: u64 = 300;
/// Once in so many operations or so the guest ends its life.
const OPERATIONS: u64 = 2;
/// Turns that a life lasts at most before the owner ends it.
const TURNS: u64 = 5_000;
/// The period of the VM beside, in ticks of the counter, and by how much it may be late: less than one.
const PERIOD: u64 = 500;

const CAMPAIGN: Campaign<'_> = Campaign {
    name: "a_vm_started_again_is_what_it_was_when_it_was_started_first",
    stage: "model",
    unit: "starts of a used VM",
    each: 4 * VCPUS.len() as u64 * POLICIES.len() as u64 * LIVES,
    sample: 6,
    long: 1000,
};

/// How a life ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    PowerOff,
    Reset,
    Fault,
    Owner,
}

impl End {
    /// By what is said of a VM that has stopped.
    fn of(reason: &str) -> Self {
        match reason {
            "it switched itself off" => Self::PowerOff,
            "it reset itself" => Self::Reset,
            "the monitor asked for it" => Self::Owner,
            _ => Self::Fault,
        }
    }
}

#[test]
fn a_vm_started_again_is_what_it_was_when_it_was_started_first() {
    let ends = Mutex::new(BTreeMap::new());
    CAMPAIGN.run(|seed| {
        let cases = Shape::all(6).flat_map(|shape| VCPUS.map(|vcpus| (shape, vcpus)));
        for ((shape, vcpus), policy) in cases.flat_map(|case| POLICIES.map(|policy| (case, policy))) {
            for end in lives(shape, vcpus, policy, seed) {
                *ends.lock().expect("no panic").entry((policy == Policy::Restart, end)).or_insert(0) += 1;
            }
        }
    });
    let ends: BTreeMap<(bool, End), u64> = ends.into_inner().expect("no panic");
    println!("{ends:?}");
    let kinds = 2 * [End::PowerOff, End::Reset, End::Fault, End::Owner].len();
    assert!(ends.len() == kinds || ends.values().sum::<u64>() < MANY, "not every end was tried: {ends:?}");
}

/// Ends of a used VM, each followed by a life that begins as the first did.
fn lives(shape: Shape, vcpus: u64, policy: Policy, seed: u64) -> Vec<End> {
    let cores: Vec<usize> = (1..=vcpus as usize).collect();
    let program = hostile(shape.v3, vcpus, seed ^ vcpus << 32, OPERATIONS);
    let used = Guest::new("used", program, &cores).with_policies(policy, policy, policy);
    let beside = Guest::new("beside", ticker(shape.v3, PERIOD), &[5]);
    let mut world = World::new(shape, seed, vec![used, beside]);
    let first = world.next_beginning(0, TURNS).expect("it begins");
    let mut ends = Vec::new();
    for life in 1..=LIVES {
        let (end, next) = next_life(&mut world);
        is_like(
            &next,
            &first,
            &format!("life {life} of {shape:?}, {vcpus} vCPUs, {policy:?}, seed {seed}, after {end:?}"),
        );
        ends.push(end);
    }
    let ticks = world.data(1, TICKS);
    world.run_until(20_000, "the one beside ticks on", |world| world.data(1, TICKS) > ticks + 2);
    assert!(world.data(1, LATEST) < PERIOD && world.starts(1) == 1, "{}", world.describe());
    ends
}

/// Uses the VM until it ends, by itself if its owner does not end it, and begins the next life.
fn next_life(world: &mut World) -> (End, Beginning) {
    let typed = format!("\x1d1{:x}", world.random().bits());
    world.type_in(typed.as_bytes());
    if world.random().one_in(3) {
        let turns = world.random().below(2_000);
        world.run(turns);
        let verb = world.random().pick(&["stop", "restart"]);
        world.command(&format!("vm {verb} used"));
    }
    let mut stopped = None;
    loop {
        if let Some(beginning) = world.next_beginning(0, TURNS) {
            let reason = stopped.or(beginning.reason.clone()).expect("it had stopped");
            return (End::of(&reason), beginning);
        }
        let at_rest = world.lifecycle(0).is_at_rest();
        stopped = if at_rest { world.machine().vms[0].lock().reason().map(String::from) } else { None };
        world.command(if at_rest { "vm start used" } else { "vm restart used" });
    }
}

/// Field by field.
fn is_like(next: &Beginning, first: &Beginning, what: &str) {
    assert_eq!(next.state.vcpus, first.state.vcpus, "{what}");
    assert_eq!(next.state.vgic, first.state.vgic, "{what}");
    assert_eq!(next.state.uart, first.state.uart, "{what}");
    assert_eq!(next.state, first.state, "{what}");
    for (name, field) in &first.fields {
        assert_eq!(next.fields.get(name), Some(field), "{name} of {what}");
    }
    assert_eq!(next.fields.len(), first.fields.len(), "{what}");
    assert_eq!(next.cores, first.cores, "{what}");
    assert_eq!(next.boot, first.boot, "{what}");
    // Its counter began when it was started.
    for it in [next, first] {
        assert!(it.counter <= it.since, "its counter says {} after {} ticks: {what}", it.counter, it.since);
    }
    let differs = next.ram.iter().zip(&first.ram).position(|(byte, was)| byte != was);
    assert_eq!((next.ram.len(), differs), (first.ram.len(), None), "{what}");
}
