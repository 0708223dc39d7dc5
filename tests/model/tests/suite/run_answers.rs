//! What the monitor answers, held against the machine that it tells of. `BULKHEAD_SEED` sets the seed (default 1).

use bulkhead_model::run::guests::smp::boss;
use bulkhead_model::run::guests::ticker::{TICKS, ticker};
use bulkhead_model::run::library::{self, START};
use bulkhead_model::run::machine::{Guest, Shape};
use bulkhead_model::run::program::Assembler;
use bulkhead_model::run::world::World;
use bulkhead_vmm::exit::Cause;
use bulkhead_vmm::vm::Lifecycle;
use std::collections::BTreeMap;

/// The longest line of an answer that is a table.
const LINE: usize = 100;

/// Ticks of the counter from one timer interrupt of the guest to the next.
const PERIOD: u64 = 300;

/// Ticks of the counter that pass at most between a trapped WFI and the same one carried out, with others' turns.
const BETWEEN: u64 = 40;

/// Two guests on four cores, on their way.
fn world(shape: Shape) -> World {
    let seed = bulkhead_campaign::number("BULKHEAD_SEED").unwrap_or(1);
    let guests =
        vec![Guest::new("smp", boss(shape.v3, 2), &[0, 1]), Guest::new("ticking", ticker(shape.v3, PERIOD), &[2])];
    let world = World::new(shape, seed, guests);
    world.run_until(10_000, "it ticks", |world| world.starts(0) == 1 && world.data(1, TICKS) > 3);
    world
}

/// Switches both off.
fn stop(world: &World) {
    for name in ["smp", "ticking"] {
        ask(world, &format!("vm stop {name}"));
    }
    world.run_until(10_000, "both are off", |world| [0, 1].iter().all(|vm| world.lifecycle(*vm) == Lifecycle::Off));
}

/// What the monitor answers to `command`.
fn ask(world: &World, command: &str) -> String {
    let from = world.output("monitor").len();
    let echo = format!("{command}\n");
    world.command(command);
    let answer = |world: &World| {
        let said = world.output("monitor");
        let (_, answer) = said[from..].split_once(&echo)?;
        answer.strip_suffix("> ").map(String::from)
    };
    world.run_until(50_000, "the answer", |world| answer(world).is_some());
    answer(world).expect("it was answered")
}

/// The cells behind `subject` in all its lines; other rows whose subject only begins so are left out.
fn cells(answer: &str, subject: &str) -> BTreeMap<String, String> {
    let lines = answer.lines().filter_map(|line| line.strip_prefix(subject));
    let rests = lines.filter(|rest| rest.starts_with("  ") && !rest.trim_start().starts_with("vcpu="));
    let cells = rests.flat_map(str::split_whitespace).filter_map(|cell| cell.split_once('='));
    cells.map(|(key, value)| (key.to_string(), value.to_string())).collect()
}

#[test]
fn guests_are_listed_in_columns() {
    let world = world(Shape::new(true, 4, 4));
    stop(&world);
    let memory = world.machine().vms[0].lock().memory().guest().size() >> 10;
    let memory = if memory.is_multiple_of(1024) { format!("{}MiB", memory >> 10) } else { format!("{memory}KiB") };
    let expected = format!(
        "vm=smp      state=off  cores=0,1  memory={memory}  restarts=0\n\
         vm=ticking  state=off  cores=2    memory={memory}  restarts=0\n"
    );
    assert_eq!(ask(&world, "vm list"), expected);
    let info = ask(&world, "vm info ticking");
    assert!(info.starts_with(&format!("vm=ticking  state=off  cores=2  memory={memory}  restarts=0\n")), "{info}");
    let exits = world.machine().vms[1].lock().slots()[0].exits.total();
    assert!(info.contains(&format!("\nvm=ticking  vcpu=0  state=parked  core=2  exits={exits}\n")), "{info}");
    assert!(info.contains("\nvm=ticking ram=0x40000000 physical=0x"), "{info}");
    assert!(info.ends_with("\nlast stopped: the monitor asked for it\n"), "{info}");
}

/// What `stats` must tell of each guest and vCPU.
fn counted(world: &World) -> BTreeMap<String, BTreeMap<String, u64>> {
    let mut counted = BTreeMap::new();
    for vm in &world.machine().vms {
        let vm = vm.lock();
        let (subject, counters) = (format!("vm={}", vm.name()), vm.counters());
        let sum = |cause| vm.slots().iter().map(|slot| slot.exits.get(cause)).sum::<u64>();
        let row = [
            ("exits", Cause::ALL.into_iter().map(sum).sum()),
            ("timer-expiries", vm.slots().iter().map(|slot| slot.exits.expiries()).sum()),
            ("sgis-sent", sum(Cause::SgiSent)),
            ("sgis-received", sum(Cause::SgiReceived)),
            ("stage2-faults", counters.stage2_faults),
            ("restarts", counters.starts - 1),
        ];
        for (index, slot) in vm.slots().iter().enumerate() {
            let causes = Cause::ALL.iter().map(|cause| (cause.label().to_string(), slot.exits.get(*cause)));
            counted.insert(format!("{subject}  vcpu={index}"), causes.collect());
        }
        counted.insert(subject, row.map(|(key, value)| (key.to_string(), value)).into());
    }
    counted
}

/// The guests go on while they are asked about: what is told lies between what was before and what is after.
fn check(
    answer: &str,
    before: &BTreeMap<String, BTreeMap<String, u64>>,
    after: &BTreeMap<String, BTreeMap<String, u64>>,
) {
    for (subject, before) in before {
        let told = cells(answer, subject);
        for (key, least) in before {
            let number: u64 = told[key].parse().expect("a number");
            assert!((*least..=after[subject][key]).contains(&number), "{subject} {key}, at least {least}\n{answer}");
        }
    }
}

/// Ticks to the first guest without copying and zeroing, and those of both.
fn entry(answer: &str) -> (u64, u64) {
    let numbers = answer.lines().next().and_then(|line| {
        let cells = line.strip_prefix("hypervisor kept=0KiB first-guest-ticks=")?;
        let (first, copying) = cells.split_once(" copying-ticks=")?;
        Some((first.parse().ok()?, copying.parse().ok()?))
    });
    numbers.unwrap_or_else(|| panic!("{answer}"))
}

/// Ticks that went into zeroing and copying for VM `vm`: never none.
fn preparation(world: &World, vm: usize) -> u64 {
    let ticks = world.machine().vms[vm].lock().counters().preparation_ticks;
    assert!(ticks > 0);
    ticks
}

#[test]
fn statistics_are_of_cores_guests_and_causes() {
    for shape in Shape::all(4) {
        let world = world(shape);
        let before = counted(&world);
        assert!(before["vm=ticking"]["timer-expiries"] > 3 && before["vm=ticking  vcpu=0"]["virtual-timer"] > 3);
        let answer = ask(&world, "stats");
        check(&answer, &before, &counted(&world));
        for vm in ["vm=smp", "vm=ticking"] {
            let [exits, timer, sent, received, other] =
                ["exits", "timer-expiries", "sgis-sent", "sgis-received", "other-exits"]
                    .map(|key| cells(&answer, vm)[key].parse::<u64>().expect("a number"));
            // No exit is explained twice.
            assert_eq!(timer + sent + received + other, exits, "{answer}");
        }
        let (first, copying) = entry(&answer);
        assert!(first > 0 && [0, 1].map(|vm| preparation(&world, vm)).contains(&copying), "{answer}");
        assert!(answer.lines().all(|line| line.len() <= LINE), "{answer}");
        for (index, runs) in ["smp/vcpu0", "smp/vcpu1", "ticking/vcpu0", "none"].iter().enumerate() {
            let core = cells(&answer, &format!("core={index}"));
            assert_eq!(core["vm"], *runs, "{answer}");
            let [asleep, total] = ["asleep-ticks", "total-ticks"].map(|key| core[key].parse::<u64>().unwrap());
            assert!(asleep <= total && core["asleep"] == format!("{}%", asleep * 100 / total), "{answer}");
        }
        // Core 3, which runs nothing, has slept since the machine booted, and sleeps on.
        let share = cells(&answer, "core=3")["asleep"].trim_end_matches('%').parse::<u64>().unwrap();
        assert!(share >= 90, "{answer}");
        let mut before = counted(&world);
        let one = ask(&world, "stats ticking");
        assert!(one.lines().all(|line| line.starts_with("vm=ticking  ")), "{one}");
        before.retain(|subject, _| subject.starts_with("vm=ticking"));
        check(&one, &before, &counted(&world));
    }
}

/// Every counter of a guest goes on when it is started again, so that those of one moment belong together.
#[test]
fn a_restart_takes_no_counter_back() {
    for shape in Shape::all(4) {
        let world = world(shape);
        let before = counted(&world);
        ask(&world, "vm restart ticking");
        world.run_until(10_000, "its second start", |world| world.starts(1) == 2);
        check(&ask(&world, "stats"), &before, &counted(&world));
    }
}

/// The cores of guests that are off sleep on: what is told of them grows with the machine's time.
#[test]
fn a_sleep_counts_while_it_lasts() {
    let world = world(Shape::new(true, 4, 4));
    stop(&world);
    let asleep = |world: &World| {
        let answer = ask(world, "stats");
        [1, 2, 3].map(|core| {
            let cells = cells(&answer, &format!("core={core}"));
            ["wake-ups", "asleep-ticks", "total-ticks"].map(|key| cells[key].parse::<u64>().expect("a number"))
        })
    };
    let before = asleep(&world);
    for (before, after) in before.into_iter().zip(asleep(&world)) {
        let [wake_ups, asleep, total] = [0, 1, 2].map(|key| after[key] - before[key]);
        assert!(wake_ups == 0 && total > 0 && asleep == total, "{before:?} {after:?}");
    }
}

/// A guest's own sleep is told while it is watched, and only then: to the ticks that its core slept, but for the few
/// between its trapped WFI and the one that it carries out.
#[test]
fn a_guests_sleep_counts_while_it_is_watched() {
    for shape in Shape::all(4) {
        let world = world(shape);
        let told = |world: &World| {
            let core = cells(&ask(world, "stats"), "core=2");
            core["asleep-ticks"].parse::<u64>().expect("a number")
        };
        let go_on = |world: &World| {
            let ticks = world.data(1, TICKS);
            world.run_until(100_000, "it ticks", |world| world.data(1, TICKS) > ticks + 20);
        };
        let waits = |world: &World| world.machine().vms[1].lock().slots()[0].exits.get(Cause::Wait);
        let unwatched = told(&world);
        go_on(&world);
        assert_eq!((told(&world), waits(&world)), (unwatched, 0));

        assert_eq!(ask(&world, "watch on"), "watch=on\n");
        // The guest sleeps on while it is asked about.
        let reading = || (world.slept_in_guest(2), told(&world), world.slept_in_guest(2));
        go_on(&world);
        let (begins, first, from) = reading();
        go_on(&world);
        let (until, second, ends) = reading();
        let (between, ticks, times) = (until.0 - from.0, ends.0 - begins.0, ends.1 - begins.1);
        // The sleep that is under way at a reading is told, but not yet counted by the hardware.
        let (least, most) = (between.saturating_sub(PERIOD), ticks + PERIOD + times * BETWEEN);
        assert!(times >= 20 && ticks > times * PERIOD / 2, "{ticks} ticks, {times} times");
        assert!((least..=most).contains(&(second - first)), "{} told, {between} to {ticks} slept", second - first);

        assert_eq!(ask(&world, "watch off"), "watch=off\n");
        go_on(&world);
        let (quiet, before) = (told(&world), waits(&world));
        go_on(&world);
        assert_eq!((told(&world), waits(&world)), (quiet, before));
    }
}

/// A guest that begins while it is watched, and that no interrupt ever wakes, sleeps all its time.
#[test]
fn a_guest_is_watched_from_its_first_instruction() {
    let mut sleeper = Assembler::new(START, [None, None]);
    sleeper.place(START);
    library::stay(&mut sleeper);
    let guests = vec![Guest::new("sleeper", sleeper.finish(), &[1])];
    let world = World::new(Shape::new(true, 4, 2), 1, guests);
    for (command, lifecycle) in
        [("vm stop", Lifecycle::Off), ("watch on", Lifecycle::Off), ("vm start", Lifecycle::Running)]
    {
        ask(&world, &if command.starts_with("vm") { format!("{command} sleeper") } else { command.into() });
        world.run_until(10_000, "it got there", |world| world.lifecycle(0) == lifecycle);
    }
    let told = |world: &World| {
        let cells = cells(&ask(world, "stats"), "core=1");
        ["asleep-ticks", "total-ticks"].map(|key| cells[key].parse::<u64>().expect("a number"))
    };
    let (before, after) = (told(&world), told(&world));
    assert!(after[1] > before[1] && after[0] - before[0] == after[1] - before[1], "{before:?} {after:?}");
}

#[test]
fn a_refused_guest_is_told_from_one_that_is_not_there() {
    let seed = bulkhead_campaign::number("BULKHEAD_SEED").unwrap_or(1);
    let none = World::new(Shape::new(true, 4, 2), seed, Vec::new());
    assert_eq!(ask(&none, "vm list"), "no guests\n");
    let world = World::new(Shape { refused: &["bad"], ..Shape::new(true, 4, 2) }, seed, Vec::new());
    assert_eq!(ask(&world, "vm list"), "vm=bad  state=refused\n");
    for command in ["vm info bad", "vm start bad", "stats bad", "focus bad"] {
        assert_eq!(ask(&world, command), "bad was refused: see log\n", "{command}");
    }
    assert_eq!(ask(&world, "vm info ba"), "no guest \"ba\": see vm list\n");
}

#[test]
fn what_cannot_be_done_is_told() {
    let world = world(Shape::new(true, 4, 4));
    stop(&world);
    for (command, answer) in [
        ("vm info nobody", "no guest \"nobody\": see vm list\n"),
        ("stats nobody", "no guest \"nobody\": see vm list\n"),
        ("focus nobody", "no guest \"nobody\": see vm list\n"),
        ("vm move ticking x", "core x does not run, or runs a vCPU: see stats\n"),
        ("vm move ticking -1", "core -1 does not run, or runs a vCPU: see stats\n"),
        ("vm stop ticking", "vm=ticking state=off\n"),
        ("vm start ticking", "vm=ticking state=loading\n"),
        ("log many", "log [N]            the newest N records of the hypervisor's log\n"),
        ("log 3", "records=0  shown=0  dropped=0\n"),
    ] {
        assert_eq!(ask(&world, command), answer, "{command}");
    }
    world.run_until(10_000, "it runs", |world| world.lifecycle(1) == Lifecycle::Running);
    assert_eq!(ask(&world, "vm start ticking"), "ticking is running: it can be started when it is off\n");
}
