//! The hypervisor, alone and with each guest as its default VM.

use bulkhead_qemu::board::GICS;
use bulkhead_qemu::{Board, Boot, Context, Session, Suite, artifacts};

/// Core models that the hypervisor promises to boot on.
const MODELS: [&str; 6] = ["cortex-a53", "cortex-a57", "cortex-a72", "cortex-a76", "neoverse-n1", "max"];

pub fn register(suite: &mut Suite) {
    let hypervisor = [artifacts::hypervisor()];
    suite.on_each("banner", &hypervisor, every_board(), banner);
    suite.on_each("refused_at_el1", &hypervisor, GICS.map(|gic| Board::virt(gic).without_el2()), refused_at_el1);
    for (guest, cores) in [("hello", 1), ("hello", 4), ("machine", 1), ("machine", 4)] {
        let files = [artifacts::hypervisor(), artifacts::guest(guest)];
        let boards = GICS
            .into_iter()
            .flat_map(|gic| ["cortex-a57", "max"].map(|model| Board::virt(gic).cpu(model).cores(cores)));
        suite.on_each(guest, &files, boards, move |context, board| checks(context, board, guest));
    }
}

/// Every model with two cores, every number of cores, and both ends of the memory sizes.
fn every_board() -> impl Iterator<Item = Board> {
    GICS.into_iter().flat_map(|gic| {
        let models = MODELS.map(|model| Board::virt(gic).cpu(model).cores(2));
        let cores = [1, 3, 4, 8].map(|count| Board::virt(gic).cores(count));
        let memory = [512, 1024, 4096, 8192].map(|mib| Board::virt(gic).cores(2).memory_mib(mib));
        models.into_iter().chain(cores).chain(memory).collect::<Vec<_>>()
    })
}

fn banner(context: &Context, board: &Board) {
    let mut session = Session::start(context, board, &Boot::hypervisor());
    session.expect(concat!("Bulkhead ", env!("CARGO_PKG_VERSION")));
}

fn refused_at_el1(context: &Context, board: &Board) {
    let mut session = Session::start(context, board, &Boot::hypervisor());
    session.expect("EL2").expect("\n");
    assert_eq!(
        session.text().lines().filter(|line| !line.is_empty()).count(),
        1,
        "more than one sentence:\n{}",
        session.text()
    );
}

fn checks(context: &Context, board: &Board, guest: &str) {
    let mut session = Session::start(context, board, &Boot::hypervisor().guest(guest, "checked"));
    session.verdict();
}
