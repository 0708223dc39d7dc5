//! What is said of a guest that does wrong: who, where, what in words, and at which address; and how often, which is not
//! as often as the guest does it.

use bulkhead_abi::property;
use bulkhead_qemu::board::GICS;
use bulkhead_qemu::configuration::Value;
use bulkhead_qemu::{Board, Boot, Configuration, Session, Suite, Vm};

/// Wrong things that the architecture answers with an external abort, and the words for them.
const ABORTED: [(&str, &str); 3] = [
    ("read", "read from an address that is not its own"),
    ("write", "write to an address that is not its own"),
    ("fetch", "instruction fetch from an address that is not its own"),
];
/// Wrong things with an answer that a guest may well ask for: they are worth no message.
const ANSWERED: [&str; 3] = ["register", "hvc", "smc"];
/// How often the guest does it.
const TIMES: u64 = 200;
/// Faults that are told of one by one.
const TOLD: usize = 8;
/// Where the guests find nothing, in bytes.
const NOTHING: &str = "0xb000000";

pub fn register(suite: &mut Suite) {
    for (what, words) in ABORTED {
        suite.on_each(&format!("told_{what}"), &repeating(what), boards(), move |session| aborted(session, words));
    }
    for what in ANSWERED {
        suite.on_each(&format!("untold_{what}"), &repeating(what), boards(), answered);
    }
    for policy in [property::HALT, property::REPORT] {
        let boot = one(Vm::new("wild", "fault").bootargs("how=jump"), policy);
        suite.on_each(&format!("told_stop_{policy}"), &boot, boards(), move |session| stopped(session, policy));
    }
}

fn boards() -> impl Iterator<Item = Board> {
    GICS.into_iter().map(|gic| Board::virt(gic).cores(2))
}

/// `vm` alone, on a machine that stays on so that its counters can be read.
fn one(vm: Vm, on_fault: &str) -> Boot {
    let vm = vm.property(property::ON_FAULT, Value::Text(on_fault.into()));
    let stay = Value::Text(property::STAY.into());
    Boot::packed(Configuration::new().property(property::WHEN_ALL_OFF, stay).vm(vm))
}

fn repeating(what: &str) -> Boot {
    one(Vm::new("wild", "repeat").bootargs(&format!("what={what} times={TIMES}")), property::HALT)
}

/// Lines of the log that warn of something or worse.
fn warnings(session: &mut Session) -> Vec<String> {
    let text = session.port("hypervisor").text();
    text.lines().filter(|line| line.contains(" warn: ") || line.contains(" error: ")).map(str::to_owned).collect()
}

/// Waits for the guest's end, and asks how many stage-2 faults it had.
fn ended(session: &mut Session, end: &str) -> u64 {
    session.port("hypervisor").expect(end);
    session.focus('m');
    session.send("stats wild\r");
    session.port("monitor").number_after("stage2-faults=")
}

/// The first few faults are told whole, then one sentence says that the others are counted, and they are.
fn aborted(session: &mut Session, words: &str) {
    let pc = session.port("wild").number_after("last at PC ");
    session.port("wild").verdict();
    assert_eq!(ended(session, "wild: off"), TIMES);
    let warnings = warnings(session);
    let (told, rest) = warnings.split_at(TOLD.min(warnings.len()));
    for line in told {
        let expected = format!("wild vcpu0: {words}, {NOTHING}, PC {pc:#x}: it takes an abort");
        assert!(line.ends_with(&expected), "expected {expected:?} in {line:?}");
    }
    let [last] = rest else { panic!("expected one sentence after {TOLD} faults, got {rest:?}") };
    assert!(last.ends_with("wild: further faults are only counted (stats wild)"), "{last}");
}

fn answered(session: &mut Session) {
    session.port("wild").expect(&format!(" {TIMES} times, ")).verdict();
    assert_eq!(ended(session, "wild: off"), 0);
    assert_eq!(warnings(session), Vec::<String>::new());
}

/// A guest without vectors to take its abort at is stopped: one message, whatever the policy then does with it.
fn stopped(session: &mut Session, policy: &str) {
    session.port("wild").expect("fault: how=jump");
    session.port("hypervisor").expect("error: wild vcpu0 at PC 0xb000200: ");
    let reason = session.port("hypervisor").rest_of_line();
    let expected = "no instruction can be fetched from its exception vectors (instruction fetch from an address that is \
                    not its own, ESR 0x8200000";
    assert!(reason.starts_with(expected), "expected {expected:?} got {reason:?}");
    let end = format!(", FAR 0xb000200); on-fault: {policy}");
    assert!(reason.ends_with(&end), "expected {end:?} in {reason:?}");
    let stopped = warnings(session).into_iter().filter(|line| line.contains(" error: ")).count();
    assert_eq!(stopped, 1, "{}", session.text());
}
