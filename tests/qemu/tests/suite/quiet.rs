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
/// Readings after which the guest's timer is taken to stand still.
const MOST_READINGS: usize = 500;

pub fn register(suite: &mut Suite) {
    for (name, bootargs) in [("quiet", ""), ("quiet_alone", "alone")] {
        for vcpus in [1, 2] {
            suite.on_each(name, &boot(vcpus, bootargs), boards(vcpus), move |session| quiet(session, vcpus));
        }
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
