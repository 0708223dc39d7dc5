//! The guests on the bare board, at EL1: they prove the guests and the harness, and are the reference for what the
//! same guests do under the hypervisor.

use bulkhead_qemu::board::GICS;
use bulkhead_qemu::{Board, Boot, Context, Session, Suite, artifacts};

/// Core models whose native behaviour is checked: an old one and QEMU's newest.
const MODELS: [&str; 2] = ["cortex-a57", "max"];

pub fn register(suite: &mut Suite) {
    suite.on_each("native::hello", &[artifacts::guest("hello")], boards(&[1, 4]), hello);
    suite.on_each("native::machine", &[artifacts::guest("machine")], boards(&[1, 4]), machine);
}

fn boards(cores: &'static [u32]) -> impl Iterator<Item = Board> {
    let models = GICS.into_iter().flat_map(|gic| MODELS.map(|model| Board::virt(gic).without_el2().cpu(model)));
    models.flat_map(|board| cores.iter().map(move |&count| board.clone().cores(count)))
}

fn start(context: &Context, board: &Board, guest: &str, bootargs: &str) -> Session {
    Session::start(context, board, &Boot::native(guest, bootargs))
}

fn hello(context: &Context, board: &Board) {
    let mut session = start(context, board, "hello", "greeting=ahoy");
    session.expect("hello: model \"linux,dummy-virt\"");
    session.expect(&format!("hello: {} vCPUs", board.core_count()));
    session.expect("bootargs \"native greeting=ahoy\"");
    session.verdict().end();
}

fn machine(context: &Context, board: &Board) {
    start(context, board, "machine", "").verdict().end();
}
