//! What a guest that sleeps, wakes, uses FP and ends its interrupts costs: an exit for each expiry of its timer and each
//! SGI, and no other.

use std::thread;
use std::time::Duration;

use bulkhead_qemu::board::GICS;
use bulkhead_qemu::{Board, Boot, Configuration, Session, Suite, Vm};
use bulkhead_tool::demo::cells::{Subject, number, table};

/// The VM's name.
const NAME: &str = "quiet";
/// Expiries per second of each vCPU.
const RATE: u64 = 100;
/// Virtual seconds that are looked at.
const SECONDS: u64 = 10;
/// Wall time between readings: asked without a pause the board is never idle, and its time hardly passes.
const PAUSE: Duration = Duration::from_millis(20);
/// Percent of a second that the guest spends at most on other things than sleep and what it is told to spend, and that
/// parts of its periods at both ends of the second make.
const ASIDE: f64 = 2.0;
/// Readings after which the guest's timer is taken to stand still.
const MOST_READINGS: usize = 500;

pub fn register(suite: &mut Suite) {
    for (name, bootargs) in [("quiet", ""), ("quiet_alone", "alone")] {
        for vcpus in [1, 2] {
            suite.on_each(name, &boot(vcpus, bootargs), boards(vcpus), move |session| quiet(session, vcpus));
        }
    }
    for (name, busy) in [("quiet_watched", 0), ("quiet_watched_busy", 50)] {
        suite.on_each(name, &boot(1, &format!("busy={busy}")), boards(1), move |session| watched(session, busy));
    }
    suite.on_each("quiet_noisy", &boot(1, "noisy"), boards(1), |session| {
        let spent = spent(session, 1);
        assert_eq!(spent.unexplained(), spent.expiries.into(), "a call for each expiry is not seen: {spent:?}");
    });
}

/// One core is left to the hypervisor, whose monitor is asked meanwhile.
fn boards(vcpus: u32) -> impl Iterator<Item = Board> {
    GICS.into_iter().map(move |gic| Board::virt(gic).cores(vcpus + 1).instruction_count())
}

fn boot(vcpus: u32, bootargs: &str) -> Boot {
    let bootargs = format!("hz={RATE} {bootargs}");
    Boot::packed(Configuration::new().vm(Vm::new(NAME, "quiet").cpus(vcpus).bootargs(&bootargs)))
}

/// What `stats` counts.
#[derive(Clone, Copy, Debug)]
struct Exits {
    all: u64,
    expiries: u64,
    /// SGIs that were sent.
    sent: u64,
    /// Exits of a core that another interrupted, so that it takes an SGI.
    received: u64,
}

impl Exits {
    fn since(self, before: Self) -> Self {
        Self {
            all: self.all - before.all,
            expiries: self.expiries - before.expiries,
            sent: self.sent - before.sent,
            received: self.received - before.received,
        }
    }

    fn unexplained(&self) -> i128 {
        i128::from(self.all) - i128::from(self.expiries) - i128::from(self.sent) - i128::from(self.received)
    }
}

/// Asks the monitor, and reads its answer up to that of the next command.
fn read(session: &mut Session) -> Exits {
    session.send(&format!("stats {NAME}\rlog 0\r"));
    session.port("monitor").expect("records=");
    let text = session.port("monitor").text();
    let answer = text.rsplit(&format!("stats {NAME}\n")).next().expect("the command is echoed");
    let (table, vm) = (table(answer), Subject::Vm(NAME.into()));
    let cell = |key| number(&table, &vm, key).unwrap_or_else(|| panic!("no {key} in {answer}"));
    let [all, expiries, sent, received] = ["exits", "timer-expiries", "sgis-sent", "sgis-received"].map(cell);
    Exits { all, expiries, sent, received }
}

/// The exits of ten virtual seconds, told by the expiries that they have.
fn spent(session: &mut Session, vcpus: u32) -> Exits {
    session.port(NAME).expect(&format!("quiet: {vcpus} vCPUs"));
    session.focus('m');
    let settled = await_expiries(session, RATE);
    let last = await_expiries(session, settled.expiries + SECONDS * RATE * u64::from(vcpus));
    last.since(settled)
}

fn await_expiries(session: &mut Session, least: u64) -> Exits {
    for _ in 0..MOST_READINGS {
        let reading = read(session);
        if reading.expiries >= least {
            return reading;
        }
        thread::sleep(PAUSE);
    }
    panic!("{least} expiries did not come: {:?}", read(session));
}

/// No exit but for expiries and SGIs; what was counted from outside is what the guest saw.
fn quiet(session: &mut Session, vcpus: u32) {
    let spent = spent(session, vcpus);
    assert_eq!(spent.unexplained(), 0, "{spent:?}");
    assert!(spent.received <= spent.sent, "{spent:?}");
    let last = read(session);
    session.focus('1').send("q");
    let mut guest = session.port(NAME);
    let ticks = guest.number_after("quiet: ticks=");
    assert!(ticks >= last.expiries, "{ticks} ticks, {last:?}");
    session.port(NAME).verdict();
    session.end();
}

/// Watched, the guest's own sleep is told, for an exit each; no longer watched, it is quiet again.
fn watched(session: &mut Session, busy: u64) {
    session.port(NAME).expect("quiet: 1 vCPUs");
    session.focus('m').send("watch on\r");
    session.port("monitor").expect("watch=on");
    let before = (read(session), asleep(session));
    let after = (await_expiries(session, before.0.expiries + RATE), asleep(session));
    let spent = after.0.since(before.0);
    let waits = spent.unexplained();
    assert!((waits - i128::from(spent.expiries)).abs() <= 1, "an exit for each sleep: {spent:?}");
    let [ticks, total] = [after.1[0] - before.1[0], after.1[1] - before.1[1]];
    let percent = ticks as f64 * 100.0 / total as f64;
    assert!((percent - (100 - busy) as f64).abs() < ASIDE, "{percent} % asleep, {busy} % busy");
    session.send("watch off\r");
    session.port("monitor").expect("watch=off");
    let settled = read(session);
    let last = await_expiries(session, settled.expiries + RATE).since(settled);
    assert!((0..=1).contains(&last.unexplained()), "one WFI may have been trapped already: {last:?}");
}

/// Ticks that the guest's core slept, of all ticks of the counter.
fn asleep(session: &mut Session) -> [u64; 2] {
    session.send("stats\rlog 0\r");
    session.port("monitor").expect("records=");
    let text = session.port("monitor").text();
    let table = table(text.rsplit("stats\n").next().expect("the command is echoed"));
    let core = |subject: &&Subject| matches!(subject, Subject::Core(_)) && table[subject]["vm"].starts_with(NAME);
    let core = table.keys().find(core).expect("a core runs the guest");
    ["asleep-ticks", "total-ticks"].map(|key| number(&table, core, key).expect("a number"))
}
