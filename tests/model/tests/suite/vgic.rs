//! The virtual GIC against the oracle, in random sequences.

use bulkhead_campaign::Campaign;
use bulkhead_model::vgic::late;
use bulkhead_model::vgic::shape::Shape;
use bulkhead_model::vgic::steps::run;
use bulkhead_model::vgic::tally::Tally;

const STEPS_A_SEQUENCE: u64 = 250;
/// Every shape twice.
const SEQUENCES: u64 = 256;
const STEPS: u64 = SEQUENCES * STEPS_A_SEQUENCE;

const AGREES: Campaign<'_> = Campaign {
    name: "the_controller_agrees_with_the_architecture",
    stage: "model",
    unit: "steps of controllers",
    each: STEPS,
    sample: 16,
    long: 4000,
};

const LATE_KICKS: Campaign<'_> = Campaign {
    name: "late_kicks_lose_nothing_and_double_nothing",
    stage: "model",
    unit: "steps of controllers",
    each: STEPS,
    sample: 16,
    long: 4000,
};

/// The sequences of the round `seed`: shape and name of each.
fn sequences(seed: u64) -> impl Iterator<Item = (Shape, u64)> {
    (0..SEQUENCES).map(move |number| (Shape::of(number, STEPS_A_SEQUENCE), seed << 32 | number))
}

#[test]
fn the_controller_agrees_with_the_architecture() {
    AGREES.run(|seed| {
        let mut tally = Tally::default();
        for (shape, name) in sequences(seed) {
            let mut log = Vec::new();
            match run(shape, name, &mut log) {
                Ok(happened) => tally.add(&happened),
                Err(disagreement) => {
                    let tail = log[log.len().saturating_sub(60)..].join("\n");
                    panic!("{disagreement}\nin step {} of {name:#x}, {shape:?}; the last steps:\n{tail}", log.len());
                }
            }
        }
        assert!(tally.least() >= STEPS / 2000, "too little happened: {tally:?}");
    });
}

#[test]
fn late_kicks_lose_nothing_and_double_nothing() {
    LATE_KICKS.run(|seed| {
        let taken = sequences(seed).map(|(shape, name)| {
            late::run(shape, name).unwrap_or_else(|wrong| panic!("{wrong}, in {name:#x}, {shape:?}"))
        });
        let (taken, mailed) = taken.fold((0, 0), |sum, run| (sum.0 + run.0, sum.1 + run.1));
        assert!(taken >= STEPS / 20, "only {taken} interrupts were taken in {STEPS} steps");
        assert!(mailed >= STEPS / 500, "only {mailed} SGIs came by mail in {STEPS} steps");
    });
}
