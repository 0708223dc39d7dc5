//! The guests on the bare board, at EL1: they prove the guests and the harness, and are the reference for what the
//! same guests do under the hypervisor.

use bulkhead_qemu::board::GICS;
use bulkhead_qemu::{Board, Boot, Session, Suite};

use crate::judge;

/// Core models whose native behaviour is checked: an old one and QEMU's newest.
const MODELS: [&str; 2] = ["cortex-a57", "max"];

pub fn register(suite: &mut Suite) {
    let native = |guest: &str, bootargs: &str| Boot::native(guest, bootargs);
    suite.on_each("native::hello", &native("hello", "greeting=ahoy"), boards(&[1, 4]), hello);
    suite.on_each("native::conformance", &native("conformance", ""), boards(&[1, 2, 8]), conforms);
    suite.on_each("native::smp", &native("smp", "rounds=20"), boards(&[2, 4, 8]), checks);
    suite.on_each("native::bytes", &native("bytes", &format!("seed={}", suite.seed())), boards(&[1]), checks);
    suite.on_each("native::memory", &native("memory", ""), boards(&[1]), checks);
    suite.on_each("native::reset", &native("reset", ""), boards(&[1]).map(Board::reboots), reset);
    suite.on_each("native::fault", &native("fault", "how=reserved"), boards(&[1]), fault);
    let seeded = format!("events=20000 seed={}", suite.seed());
    suite.on_each("native::hostile", &native("hostile", &seeded), boards(&[1]), hostile);
    suite.on_each("native::lines", &native("lines", "count=500 tag=n"), boards(&[1]), lines);
    suite.on_each("native::echo", &native("echo", ""), boards(&[1]), echo);
    timed(suite);
}

/// Judgements of time are made by counting instructions.
fn timed(suite: &mut Suite) {
    let boards = || boards(&[1]).map(Board::instruction_count);
    suite.on_each("native::victim", &Boot::native("victim", "periods=3000 raw"), boards(), |session| {
        periods(session, 3000, 0)
    });
    // Three periods of delay make the two tasks that fall into them late, and the third comes just in time.
    let delayed = Boot::native("victim", "periods=3000 raw delay-at=700");
    suite.on_each("native::victim_delayed", &delayed, boards(), |session| periods(session, 3000, 2));
    suite.on_each("native::sequence", &Boot::native("sequence", "steps=500"), boards(), sequence);
}

fn boards(cores: &'static [u32]) -> impl Iterator<Item = Board> {
    let models = GICS.into_iter().flat_map(|gic| MODELS.map(|model| Board::virt(gic).without_el2().cpu(model)));
    models.flat_map(|board| cores.iter().map(move |&count| board.clone().cores(count)))
}

fn hello(session: &mut Session) {
    session.expect("hello: model \"linux,dummy-virt\"");
    session.expect(&format!("hello: {} vCPUs", session.board().core_count()));
    session.expect("bootargs \"native greeting=ahoy\"");
    session.verdict().end();
}

fn conforms(session: &mut Session) {
    session.verdict().end();
    judge::all_cite(&session.text()).unwrap_or_else(|wrong| panic!("{wrong}"));
}

fn checks(session: &mut Session) {
    session.verdict().end();
}

/// Natively memory survives: the second boot finds every mark of the first.
fn reset(session: &mut Session) {
    session.expect("reset: 0 of 128 marks found").expect("reset: asking for a reset");
    session.expect("reset: 128 of 128 marks found").verdict().end();
}

fn fault(session: &mut Session) {
    session
        .expect("fault: how=reserved")
        .expect("guest: unexpected synchronous exception (vector 4) on vCPU 0: esr=0x2000000 ");
    session.end();
}

fn hostile(session: &mut Session) {
    session.expect("events=20000\r\n").verdict().end();
}

fn lines(session: &mut Session) {
    session.expect("lines: 500 printed").verdict().end();
    judge::all_lines(&session.text(), "n", 500).unwrap_or_else(|wrong| panic!("{wrong}"));
}

fn echo(session: &mut Session) {
    let nonce = format!("{:016x}", session.seed());
    session.expect("echo: ready").send(&format!("{nonce}\n")).expect(&format!("echo: {nonce} ticks="));
    session
        .send("two\nlines\nquit\n")
        .expect("echo: two ticks=")
        .expect("echo: lines ticks=")
        .expect("echo: quit ticks=");
    session.verdict().end();
}

fn periods(session: &mut Session, count: u64, missed: u64) {
    session.expect(&format!("periods={count} missed={missed}\r\n")).verdict().end();
    assert_eq!(judge::missed(&session.text()), (count, missed));
}

fn sequence(session: &mut Session) {
    session.expect("sequence=500 count=").verdict().end();
}
