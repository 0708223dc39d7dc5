//! Several VMs on one board: what one does, the others must not notice.

use std::time::Duration;

use bulkhead_abi::property;
use bulkhead_campaign::Campaign;
use bulkhead_qemu::board::{GICS, Gic};
use bulkhead_qemu::configuration::Value;
use bulkhead_qemu::{Board, Boot, Configuration, Session, Suite, Vm};

use crate::judge;

/// Ways of the guest `fault` that leave it nothing to go on with.
const FAULTS: [&str; 8] = ["read", "write", "jump", "zeroes", "vectors", "stack", "spin", "sleep"];

/// Ways of the guest `storm`, and its cores.
const STORMS: [(&str, &[u32]); 4] = [("unacknowledged", &[2]), ("masked", &[2]), ("stuck", &[2]), ("sgis", &[2, 3])];
/// Messages of the hypervisor from its start on, at most: nothing is said for each of a guest's interrupts.
const MESSAGES: usize = 40;

/// Pages that a guest finds nothing in, at least: the 262,144 of the first GiB but for its devices' 16 MiB, and one in each
/// of the 32,256 blocks of the next 63 GiB but for its RAM's.
const PAGES: u64 = 290_000;
/// Reports of the victim, each of 100 periods, that are awaited after the trouble.
const REPORTS: usize = 5;
/// Limit in wall time where a whole campaign runs before the text that is waited for.
const PATIENCE: Duration = Duration::from_secs(600);

/// Two guests print, a third answers.
const CONSOLES: Campaign<'_> =
    Campaign { name: "consoles", stage: "qemu", unit: "lines of output", each: 0, sample: 1, long: 1 };
/// A guest does anything beside the victim.
const HOSTILE: Campaign<'_> = Campaign {
    name: "hostile_beside_victim",
    stage: "qemu",
    unit: "events of a hostile guest",
    each: 200_000,
    sample: 1,
    long: 25,
};

pub fn register(suite: &mut Suite) {
    let two = Configuration::new().vm(Vm::new("a", "hello").bootargs("n=1")).vm(Vm::new("b", "hello").bootargs("n=2"));
    suite.on_each("two_guests", &Boot::packed(two), boards(2), two_guests);
    let machines = Configuration::new().vm(Vm::new("a", "conformance").cpus(2)).vm(Vm::new("b", "smp").cpus(2));
    suite.on_each("two_machines", &Boot::packed(machines), boards(4), |session| {
        session.port("a").verdict();
        session.port("b").verdict();
        session.end();
    });
    let lines = suite.steps(20_000, 100_000);
    let campaign = Campaign { each: 2 * lines, ..CONSOLES };
    let flood = move |_| Boot::packed(consoles(lines));
    suite.rounds_on_each(&campaign, flood, boards(4), move |session| three_consoles(session, lines));
    suite.rounds_on_each(&HOSTILE, hostile, timed(3), |session| {
        session.limit(PATIENCE).port("hostile").expect(&format!("events={}\n", HOSTILE.each)).verdict();
        undisturbed(session);
    });
    let every_page = beside_victim(Vm::new("hostile", "hostile").bootargs("every-page events=1"));
    suite.on_each("every_page_beside_victim", &every_page, timed(3), every_page_beside_victim);
    for how in FAULTS {
        let fault = beside_victim(Vm::new("fault", "fault").bootargs(&format!("how={how}")));
        suite.on_each(&format!("fault_{how}_beside_victim"), &fault, timed(3), fault_beside_victim);
    }
    for (how, cores) in STORMS {
        let storm = Vm::new("storm", "storm").bootargs(&format!("how={how}"));
        let storm = beside_victim_on(storm, cores);
        suite.on_each(&format!("storm_{how}_beside_victim"), &storm, timed(4), storm_beside_victim);
    }
    let sequence = Configuration::new().vm(Vm::new("sequence", "sequence").cores(&[1]).bootargs("steps=30000"));
    // With keys of pointer authentication, and without.
    let newest = Board::virt(Gic::V3).cores(3).cpu("max").instruction_count();
    suite.on_each("move", &Boot::packed(sequence), timed(3).chain([newest]), moved);
}

fn boards(cores: u32) -> impl Iterator<Item = Board> {
    GICS.into_iter().map(move |gic| Board::virt(gic).cores(cores))
}

/// Judgements of time are made by counting instructions, with at most three cores busy.
fn timed(cores: u32) -> impl Iterator<Item = Board> {
    boards(cores).map(Board::instruction_count)
}

/// `vm` on core 2 beside the victim on core 1; core 0 is the hypervisor's housekeeping core.
fn beside_victim(vm: Vm) -> Boot {
    beside_victim_on(vm, &[2])
}

/// The same with `vm` on these cores.
fn beside_victim_on(vm: Vm, cores: &[u32]) -> Boot {
    let victim = Vm::new("victim", "victim").cores(&[1]).bootargs("say=100");
    let stay = Value::Text(property::STAY.into());
    Boot::packed(Configuration::new().property(property::WHEN_ALL_OFF, stay).vm(victim).vm(vm.cores(cores)))
}

fn hostile(seed: u64) -> Boot {
    beside_victim(Vm::new("hostile", "hostile").bootargs(&format!("events={} seed={seed}", HOSTILE.each)))
}

fn consoles(count: u64) -> Configuration {
    let line = |name: &str| Vm::new(name, "lines").bootargs(&format!("count={count} tag={name}"));
    Configuration::new().vm(Vm::new("echo", "echo")).vm(line("first")).vm(line("second"))
}

fn two_guests(session: &mut Session) {
    for (name, bootargs) in [("a", "n=1"), ("b", "n=2")] {
        session.port(name).expect("hello: 1 vCPUs").expect(&format!("bootargs \"{bootargs}\"")).verdict();
    }
    session.end();
}

/// Two guests flood the console; every line arrives whole under its name, and the echo answers all the while.
fn three_consoles(session: &mut Session, count: u64) {
    session.limit(PATIENCE).port("echo").expect("echo: ready");
    session.focus('1');
    for number in 0..20 {
        session.send(&format!("{number}.{:x}\r", session.seed()));
        let answer = format!("echo: {number}.{:x} ticks=", session.seed());
        session.port("echo").expect(&answer);
    }
    for name in ["first", "second"] {
        let mut port = session.port(name);
        port.expect(&format!("lines: {count} printed")).verdict();
        judge::all_lines(&port.text(), name, count).unwrap_or_else(|wrong| panic!("{name}: {wrong}"));
    }
    session.send("quit\r");
    session.port("echo").expect("echo: quit ticks=").verdict();
    session.end();
}

/// A guest touches each page where it has nothing, of 4 KiB in the first GiB.
fn every_page_beside_victim(session: &mut Session) {
    let mut hostile = session.limit(PATIENCE).port("hostile");
    let pages = hostile.number_after("hostile: pages without anything ");
    assert!(pages > PAGES, "{pages} pages of more than {PAGES}");
    hostile.verdict();
    undisturbed(session);
}

fn fault_beside_victim(session: &mut Session) {
    session.limit(PATIENCE).port("fault").expect("fault: how=");
    undisturbed(session);
}

fn storm_beside_victim(session: &mut Session) {
    session.limit(PATIENCE).port("storm").expect("storm: how=").expect("storm: 20000");
    undisturbed(session);
    let messages = session.port("hypervisor").text().lines().count();
    assert!(messages < MESSAGES, "{messages} lines\n{}", session.text());
}

/// The victim says how it is several times more, and never that it missed a period.
fn undisturbed(session: &mut Session) {
    let mut victim = session.port("victim");
    let before = victim.text().matches("periods=").count();
    for _ in 0..before + REPORTS {
        victim.expect("periods=");
        let told = victim.rest_of_line();
        assert!(told.ends_with("missed=0"), "periods={told}");
    }
}

/// A guest that is carried from core to core finds everything as it left it.
fn moved(session: &mut Session) {
    // What is typed before the UART is set up is lost.
    session.port("sequence").expect("sequence=50 ");
    session.focus('m');
    for (reached, core) in [(200, 2), (600, 0), (1000, 1), (1400, 2)] {
        session.port("sequence").expect(&format!("sequence={reached} "));
        session.send(&format!("vm move sequence {core}\r"));
        session.port("hypervisor").expect(&format!("sequence: goes on on core {core}"));
        session.send("vm info sequence\r");
        session.port("monitor").expect(&format!(" vcpu=0  state=running  core={core} "));
    }
    let mut guest = session.port("sequence");
    guest.expect("sequence=30000 ").verdict();
    let steps: Vec<u64> = guest
        .text()
        .lines()
        .filter_map(|line| bulkhead_qemu::port::leading_number(line.strip_prefix("sequence=")?))
        .collect();
    assert_eq!(steps, (1..=600).map(|step| step * 50).collect::<Vec<_>>(), "the sequence has a gap");
    session.end();
}
