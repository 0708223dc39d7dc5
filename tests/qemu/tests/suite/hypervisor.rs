//! The hypervisor, alone and with each guest as its default VM.

use std::time::Duration;

use bulkhead_qemu::board::{GICS, Gic};
use bulkhead_qemu::{Board, Boot, Session, Suite};

use crate::judge;

/// Core models that the hypervisor promises to boot on.
const MODELS: [&str; 6] = ["cortex-a53", "cortex-a57", "cortex-a72", "cortex-a76", "neoverse-n1", "max"];
/// The name of the VM that a loose kernel makes.
const DEFAULT: &str = "guest";
/// What the hypervisor says first.
const BANNER: &str = concat!("Bulkhead ", env!("CARGO_PKG_VERSION"));

/// Samples that the guest `victim` keeps at most.
const SAMPLES: u64 = 16_384;
/// Limit in wall time where a campaign runs before the text that is waited for.
const PATIENCE: Duration = Duration::from_secs(600);
/// Limit in wall time where a board's whole 8 GiB are scrubbed first.
const SCRUBBING: Duration = Duration::from_secs(300);

pub fn register(suite: &mut Suite) {
    suite.on_each("banner", &Boot::hypervisor(), every_board(), banner);
    suite.on_each(
        "refused_at_el1",
        &Boot::hypervisor(),
        GICS.map(|gic| Board::virt(gic).without_el2()),
        refused_at_el1,
    );
    let guest = |name: &str, bootargs: &str| Boot::hypervisor().guest(name, bootargs);
    let boards_of_each_kind = every_board().filter(|board| board.core_count() != 2 || !board.is_big());
    suite.on_each("hello", &guest("hello", "greeting=ahoy"), boards_of_each_kind, hello);
    // Of which one whose core makes what is not authentic no address, where `max` traps.
    let conforming = boards(&[1, 2, 4, 8]).chain([Board::virt(Gic::V3).cpu("neoverse-v1").cores(2)]);
    suite.on_each("conformance", &guest("conformance", ""), conforming, conforms);
    suite.on_each("smp", &guest("smp", ""), boards(&[2, 4, 8]), checks);
    suite.on_each("seventeen_cores", &guest("hello", "greeting=ahoy"), [sixteen().cores(17)], seventeen_cores);
    suite.on_each("bytes", &guest("bytes", &format!("seed={}", suite.seed())), boards(&[1]), checks);
    suite.on_each("memory", &guest("memory", ""), boards(&[1]), checks);
    let memory = GICS.map(|gic| Board::virt(gic).memory_mib(8192));
    suite.on_each("memory", &guest("memory", "stride=4096"), memory, |session| checks(session.limit(SCRUBBING)));
    suite.on_each("reset", &guest("reset", ""), boards(&[1]), reset);
    suite.on_each("reset2", &guest("reset", "call=reset2"), boards(&[1]), reset);
    let seeded = format!("events=20000 seed={}", suite.seed());
    suite.on_each("hostile", &guest("hostile", &seeded), boards(&[1]), hostile);
    suite.on_each("lines", &guest("lines", "count=2000 tag=n"), boards(&[1]), lines);
    suite.on_each("echo", &guest("echo", ""), boards(&[1]), echo);
    let timed = || boards(&[1]).map(Board::instruction_count);
    let periods = suite.steps(5_000, 20_000);
    let kept = guest("victim", &format!("periods={periods} raw"));
    suite.on_each("victim", &kept, timed(), move |session| victim(session, periods));
    suite.on_each("sequence", &guest("sequence", "steps=500"), timed(), checks);
}

fn boards(cores: &'static [u32]) -> impl Iterator<Item = Board> {
    let models = GICS.into_iter().flat_map(|gic| ["cortex-a57", "max"].map(|model| Board::virt(gic).cpu(model)));
    models.flat_map(|board| cores.iter().map(move |&count| board.clone().cores(count)))
}

/// Every model with two cores, every number of cores, and memory from 256 MiB, which is where nothing else is said, to
/// 8 GiB.
fn every_board() -> impl Iterator<Item = Board> {
    let of_each_gic = GICS.into_iter().flat_map(|gic| {
        let models = MODELS.map(|model| Board::virt(gic).cpu(model).cores(2));
        let cores = [1, 3, 4, 5, 6, 7, 8].map(|count| Board::virt(gic).cores(count));
        let memory = [512, 1024, 4096, 8192].map(|mib| Board::virt(gic).cores(2).memory_mib(mib));
        models.into_iter().chain(cores).chain(memory).collect::<Vec<_>>()
    });
    of_each_gic.chain([sixteen()])
}

/// As many cores as the hypervisor takes, which only a GICv3 has.
fn sixteen() -> Board {
    Board::virt(Gic::V3).cores(16)
}

/// The last core is told to be left out, and the guest does not know of it.
fn seventeen_cores(session: &mut Session) {
    session.expect("core 16 does not run: at most 16 cores are used").expect("cores    16 of 17, ");
    let mut guest = session.port(DEFAULT);
    guest.expect("hello: 16 vCPUs").verdict();
    session.end();
}

/// The banner tells the board as it is, with every core up.
fn banner(session: &mut Session) {
    let (cores, memory, gic) = {
        let board = session.board();
        (board.core_count(), board.memory(), board.gic().expect("virt has the one it is made with").version())
    };
    session.expect(&format!("{BANNER} at EL2"));
    session.expect(&format!("cores    {cores} of {cores}, ")).expect(&format!("gic      GICv{gic}, "));
    session.expect(&format!("memory   {memory} MiB, "));
}

/// One sentence, which says what is missing, and nothing after it.
fn refused_at_el1(session: &mut Session) {
    session.expect("EL1").expect("\n");
    let text = session.text();
    assert!(text.contains("EL2"), "it does not say what it needs:\n{text}");
    assert_eq!(text.lines().filter(|line| !line.trim().is_empty()).count(), 1, "more than one sentence:\n{text}");
}

fn hello(session: &mut Session) {
    session.expect(BANNER);
    let cores = session.board().core_count();
    let mut guest = session.port(DEFAULT);
    guest.expect(&format!("hello: {cores} vCPUs")).expect("bootargs \"greeting=ahoy\"").verdict();
    session.end();
}

/// The guest's verdict, and the machine is off when its last VM is.
fn checks(session: &mut Session) {
    session.port(DEFAULT).verdict();
    session.end();
}

/// The same, with the section of every check.
fn conforms(session: &mut Session) {
    let mut guest = session.port(DEFAULT);
    guest.verdict();
    judge::all_cite(&guest.text()).unwrap_or_else(|wrong| panic!("{wrong}"));
    session.end();
}

/// Every boot finds clean memory.
fn reset(session: &mut Session) {
    let mut guest = session.port(DEFAULT);
    for _ in 0..3 {
        guest.expect("reset: 0 of ").expect("reset: asking for a reset");
    }
    guest.expect("reset: 0 of ");
}

fn hostile(session: &mut Session) {
    session.port(DEFAULT).expect("events=20000\n").verdict();
    session.end();
}

fn lines(session: &mut Session) {
    let mut guest = session.port(DEFAULT);
    guest.expect("lines: 2000 printed").verdict();
    judge::all_lines(&guest.text(), "n", 2000).unwrap_or_else(|wrong| panic!("{wrong}"));
    session.end();
}

fn echo(session: &mut Session) {
    let nonce = format!("{:016x}", session.seed());
    session.port(DEFAULT).expect("echo: ready");
    session.send(&format!("{nonce}\r"));
    session.port(DEFAULT).expect(&format!("echo: {nonce} ticks="));
    session.send("two\rlines\rquit\r");
    session.port(DEFAULT).expect("echo: two ticks=").expect("echo: lines ticks=").expect("echo: quit ticks=").verdict();
    session.end();
}

fn victim(session: &mut Session, periods: u64) {
    let mut guest = session.limit(PATIENCE).port(DEFAULT);
    guest.expect(&format!("periods={periods} missed=0\n")).verdict();
    assert_eq!(judge::missed(&guest.text()), (periods.min(SAMPLES), 0));
    session.end();
}
