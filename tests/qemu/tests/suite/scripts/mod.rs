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
/// Interrupts that are to be acknowledged in a script, on average and at least: by one vCPU, and by each of two.
const ACKNOWLEDGED: [u64; 2] = [15, 5];
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

/// The same with two vCPUs that take turns: what each does to the other's interrupts.
const CAMPAIGN_OF_TWO: Campaign<'_> = Campaign { name: "scripts_of_two", ..CAMPAIGN };

pub fn register(suite: &mut Suite) {
    for (campaign, vcpus) in [(&CAMPAIGN, 1), (&CAMPAIGN_OF_TWO, 2)] {
        for gic in GICS {
            let name = format!("{}::{}", campaign.name, hypervisors(gic, vcpus));
            let files = [native(vcpus, 0).files(), guests(vcpus, 0).files()].concat();
            suite.rounds(campaign, &name, &files, move |context| compare(context, gic, vcpus));
        }
    }
}

fn hypervisors(gic: Gic, vcpus: u8) -> Board {
    let board = Board::virt(gic).cores(vcpus.into());
    if vcpus == 1 { board } else { board.one_thread() }
}

/// QEMU's machine without EL2, with as many bits of priority as a virtual CPU interface has.
fn natives(gic: Gic, vcpus: u8) -> Board {
    let board = hypervisors(gic, vcpus).without_el2();
    if gic == Gic::V2 { board.global("arm_gic.num-priority-bits=5") } else { board }
}

fn bootargs(vcpus: u8, seed: u64) -> String {
    format!("seed={seed} scripts={SCRIPTS} accesses={ACCESSES} vcpus={vcpus}")
}

fn native(vcpus: u8, seed: u64) -> Boot {
    Boot::native("scripts", &bootargs(vcpus, seed))
}

fn guests(vcpus: u8, seed: u64) -> Boot {
    Boot::hypervisor().guest("scripts", &bootargs(vcpus, seed))
}

/// Both sessions are there until it is judged, so that a failure keeps both transcripts.
fn compare(context: &Context, gic: Gic, vcpus: u8) {
    let of = |part: &str| Context { name: format!("{}::{part}", context.name), seed: context.seed };
    let mut native = Session::start(&of("native"), &natives(gic, vcpus), &native(vcpus, context.seed));
    native.verdict().end();
    let native_says = Transcript::new(&native.text(), SCRIPTS, ACCESSES);
    let mut ours = Session::start(&of("hypervisor"), &hypervisors(gic, vcpus), &guests(vcpus, context.seed));
    ours.port(DEFAULT).verdict();
    ours.end();
    let ours_says = Transcript::new(&ours.port(DEFAULT).text(), SCRIPTS, ACCESSES);
    let version = if gic == Gic::V2 { Version::V2 } else { Version::V3 };
    let mut comparison = Comparison::new(version, vcpus, context.seed);
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
    let vcpus = usize::from(comparison.vcpus);
    let least = SCRIPTS * ACKNOWLEDGED[vcpus - 1];
    assert!(count.acknowledged[..vcpus].iter().all(|acknowledged| *acknowledged >= least), "{count:?}");
    let unseen = comparison.unseen();
    assert!(unseen.is_empty(), "listed, and not seen: {unseen:?}");
    let untold = comparison.names().find(|name| !DOCUMENT.contains(&format!("\n| {name} |")));
    assert_eq!(untold, None, "not in the document");
}
