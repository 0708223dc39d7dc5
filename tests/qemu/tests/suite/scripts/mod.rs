//! Random scripts of accesses to the interrupt controller, which a guest carries out under the hypervisor and on QEMU's own
//! machine at EL1. Every difference between the two is one of those that are listed, each with its reason.

mod compare;
mod known;
mod transcript;

use bulkhead_campaign::Campaign;
use bulkhead_qemu::board::{GICS, Gic};
use bulkhead_qemu::{Board, Boot, Context, Session, Suite};
use bulkhead_script::Version;
use compare::Comparison;
use transcript::Transcript;

const SCRIPTS: u64 = 200;
const ACCESSES: u64 = 500;
/// Of all accesses at least so many are to be to registers that there are, in percent.
const EXISTING: u64 = 80;
/// Interrupts that are to be acknowledged in a script, on average and at least.
const ACKNOWLEDGED: u64 = 15;
/// The name of the VM that a loose kernel makes.
const DEFAULT: &str = "guest";

/// Where every difference is told.
const DOCUMENT: &str = include_str!("../../../../../hypervisor/docs/interrupt-controller.md");

const CAMPAIGN: Campaign<'_> = Campaign {
    name: "scripts",
    stage: "qemu",
    unit: "accesses to an interrupt controller on two machines",
    each: SCRIPTS * ACCESSES,
    sample: 1,
    long: 40,
};

pub fn register(suite: &mut Suite) {
    for gic in GICS {
        let name = format!("{}::{}", CAMPAIGN.name, hypervisors(gic));
        let files = [native(0).files(), guests(0).files()].concat();
        suite.rounds(&CAMPAIGN, &name, &files, move |context| compare(context, gic));
    }
}

fn hypervisors(gic: Gic) -> Board {
    Board::virt(gic)
}

/// QEMU's machine without EL2, with as many bits of priority as a virtual CPU interface has.
fn natives(gic: Gic) -> Board {
    let board = Board::virt(gic).without_el2();
    if gic == Gic::V2 { board.global("arm_gic.num-priority-bits=5") } else { board }
}

fn bootargs(seed: u64) -> String {
    format!("seed={seed} scripts={SCRIPTS} accesses={ACCESSES}")
}

fn native(seed: u64) -> Boot {
    Boot::native("scripts", &bootargs(seed))
}

fn guests(seed: u64) -> Boot {
    Boot::hypervisor().guest("scripts", &bootargs(seed))
}

/// Both sessions are there until it is judged, so that a failure keeps both transcripts.
fn compare(context: &Context, gic: Gic) {
    let of = |part: &str| Context { name: format!("{}::{part}", context.name), seed: context.seed };
    let mut native = Session::start(&of("native"), &natives(gic), &native(context.seed));
    native.verdict().end();
    let native_says = Transcript::new(&native.text(), SCRIPTS, ACCESSES);
    let mut ours = Session::start(&of("hypervisor"), &hypervisors(gic), &guests(context.seed));
    ours.port(DEFAULT).verdict();
    ours.end();
    let ours_says = Transcript::new(&ours.port(DEFAULT).text(), SCRIPTS, ACCESSES);
    let version = if gic == Gic::V2 { Version::V2 } else { Version::V3 };
    let mut comparison = Comparison::new(version, context.seed);
    for script in 0..SCRIPTS {
        comparison.script(script, native_says.of(script), ours_says.of(script));
    }
    judge(&comparison);
}

/// Everything was compared, the scripts did something, and what is listed is what there is.
fn judge(comparison: &Comparison) {
    print!("{comparison}");
    let count = comparison.count;
    assert!(comparison.unknown.is_empty(), "differences that are not listed\n{}", comparison.unknown.join("\n"));
    assert_eq!(count.compared, SCRIPTS * ACCESSES);
    assert!(count.existing * 100 >= count.compared * EXISTING, "{count:?}");
    assert!(count.acknowledged >= SCRIPTS * ACKNOWLEDGED, "{count:?}");
    let unseen = comparison.unseen();
    assert!(unseen.is_empty(), "listed, and not seen: {unseen:?}");
    let untold = comparison.names().find(|name| !DOCUMENT.contains(&format!("\n| {name} |")));
    assert_eq!(untold, None, "not in the document");
}
