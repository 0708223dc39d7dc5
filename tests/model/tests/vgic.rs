//! The virtual GIC against the oracle, in random sequences. `BULKHEAD_MODEL_STEPS` sets how many steps are taken
//! (default 1,000,000, or 200,000 without optimisation), `BULKHEAD_MODEL_SEED` which (default 1).

use bulkhead_model::vgic::late;
use bulkhead_model::vgic::shape::Shape;
use bulkhead_model::vgic::steps::run;
use bulkhead_model::vgic::tally::Tally;

const STEPS_A_SEQUENCE: u64 = 250;
const STEPS: u64 = if cfg!(debug_assertions) { 200_000 } else { 1_000_000 };

fn number(name: &str, default: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name} is {text}; expected a number")),
        Err(_) => default,
    }
}

#[test]
fn the_controller_agrees_with_the_architecture() {
    let steps = number("BULKHEAD_MODEL_STEPS", STEPS);
    let seed = number("BULKHEAD_MODEL_SEED", 1);
    println!("vgic model: seed {seed}, {steps} steps");
    let mut tally = Tally::default();
    for sequence in 0..steps.div_ceil(STEPS_A_SEQUENCE) {
        let shape = Shape::of(sequence, STEPS_A_SEQUENCE);
        let mut log = Vec::new();
        let name = seed.wrapping_mul(0x1_0000_0000).wrapping_add(sequence);
        match run(shape, name, &mut log) {
            Ok(happened) => tally.add(&happened),
            Err(disagreement) => {
                let tail = log.len().saturating_sub(60);
                panic!(
                    "{disagreement}\nin step {} of sequence {sequence} of seed {seed}, {shape:?}; the last steps:\n{}",
                    log.len(),
                    log[tail..].join("\n")
                );
            }
        }
    }
    println!("{tally:?}");
    assert!(tally.least() >= steps / 2000, "too little happened: {tally:?}");
}

#[test]
fn late_kicks_lose_nothing_and_double_nothing() {
    let steps = number("BULKHEAD_MODEL_STEPS", STEPS);
    let seed = number("BULKHEAD_MODEL_SEED", 1);
    println!("vgic model, late kicks: seed {seed}, {steps} steps");
    let mut taken = 0;
    for sequence in 0..steps.div_ceil(STEPS_A_SEQUENCE) {
        let shape = Shape::of(sequence, STEPS_A_SEQUENCE);
        let name = seed.wrapping_mul(0x1_0000_0000).wrapping_add(sequence);
        match late::run(shape, name) {
            Ok(count) => taken += count,
            Err(wrong) => panic!("{wrong}, in sequence {sequence} of seed {seed}, {shape:?}"),
        }
    }
    assert!(taken >= steps / 20, "only {taken} interrupts were taken in {steps} steps");
}
