//! What the owner wants done when a guest switches itself off, and when all have.

use bulkhead_abi::property;
use bulkhead_qemu::board::GICS;
use bulkhead_qemu::configuration::Value;
use bulkhead_qemu::{Board, Boot, Configuration, Session, Suite, Vm};
use std::collections::BTreeSet;

/// Starts of the guest that is restarted which are awaited.
const STARTS: usize = 3;

pub fn register(suite: &mut Suite) {
    suite.on_each("on_power_off_restart", &beside(property::RESTART), boards(), restarted);
    suite.on_each("on_power_off_report", &beside(property::REPORT), boards(), reported);
    suite.on_each("when_all_off_power_off", &both(property::POWER_OFF), boards(), |session| {
        both_end(session, &["a: it switched itself off", "b: it switched itself off"]);
        session.end();
    });
    suite.on_each("when_all_off_stay", &both(property::STAY), boards(), stays);
}

fn boards() -> impl Iterator<Item = Board> {
    GICS.into_iter().map(|gic| Board::virt(gic).cores(4))
}

fn text(value: &str) -> Value {
    Value::Text(value.into())
}

/// A guest that switches itself off, to which its owner's `policy` applies, beside one that waits to be typed to.
fn beside(policy: &str) -> Boot {
    let guest = Vm::new("short", "hello").property(property::ON_POWER_OFF, text(policy));
    Boot::packed(Configuration::new().vm(guest).vm(Vm::new("other", "echo")))
}

/// Two guests that switch themselves off.
fn both(when_all_off: &str) -> Boot {
    let configuration = Configuration::new().property(property::WHEN_ALL_OFF, text(when_all_off));
    Boot::packed(configuration.vm(Vm::new("a", "hello")).vm(Vm::new("b", "hello")))
}

/// The other guest runs, and answers now.
fn other_answers(session: &mut Session) {
    session.port("other").expect("echo: ready");
    let nonce = format!("{:x}", session.seed());
    session.focus('2').send(&format!("{nonce}\r"));
    session.port("other").expect(&format!("echo: {nonce} ticks="));
}

/// It is said, and the guest runs again from the beginning, each time, with other seeds for its random numbers.
fn restarted(session: &mut Session) {
    let mut seeds = BTreeSet::new();
    for _ in 0..STARTS {
        session.port("hypervisor").expect("short: running, ");
        session.port("short").expect("hello: 1 vCPUs").expect("hello: seeds ");
        seeds.insert(session.port("short").rest_of_line());
        session.port("short").verdict();
        session.port("hypervisor").expect("info: short: it switched itself off");
    }
    assert_eq!(seeds.len(), STARTS, "{seeds:?}");
    // QEMU gives the board a seed, so each guest has 8 bytes and 32, written with two signs between.
    assert!(seeds.iter().all(|seeds| seeds.len() == "[]".len() * 2 + " ".len() + 4 * (8 + 32) - 2 * 2), "{seeds:?}");
    other_answers(session);
    session.send("quit\r");
    session.port("other").verdict();
    // One that is always begun again is never off, and so the machine is not.
    session.port("hypervisor").expect("short: running, ");
    session.stands();
}

/// It is said, and the guest is kept as it is for the owner to look at, who may start it again.
fn reported(session: &mut Session) {
    session.port("short").verdict();
    session.port("hypervisor").expect("info: short: it switched itself off");
    other_answers(session);
    session.send("quit\r");
    session.port("other").verdict();
    session.port("hypervisor").expect("other: off");
    session.focus('m').send("vm info short\r");
    session.port("monitor").expect("state=stopped ");
    // One that is kept is not off, and so the machine is not.
    session.stands();
    assert_eq!(session.port("short").text().matches("hello: 1 vCPUs").count(), 1, "{}", session.text());
    session.send("vm start short\r");
    session.port("short").expect("hello: 1 vCPUs").verdict();
}

/// Both guests pass, and all of `told` is said of them, in any order.
fn both_end(session: &mut Session, told: &[&str]) {
    for name in ["a", "b"] {
        session.port(name).verdict();
    }
    session.port("hypervisor").expect_all(told);
}

/// The machine stays on, and the monitor answers: until the owner switches it off.
fn stays(session: &mut Session) {
    both_end(session, &["a: off, ", "b: off, "]);
    for name in ["a", "b"] {
        session.focus('m').send(&format!("vm info {name}\r"));
        session.port("monitor").expect(&format!("vm={name} ")).expect("state=off ");
    }
    session.stands();
    session.send("poweroff\r");
    session.end();
}
