//! Steps that a fuzzing engine chooses.

use super::shape::Shape;
use super::steps::run_with;
use crate::random::Random;

/// Steps that a byte of choices is taken to last for, at most: most take two bytes or more.
const BYTES_A_STEP: usize = 4;
/// A sequence as long as this shows what longer ones would.
const MOST_STEPS: usize = 2000;

/// Takes the steps that `bytes` choose, on GICv3 or GICv2, with the oracle beside. Whether they choose any.
///
/// # Panics
/// The controller and the architecture disagree.
pub fn check(v3: bool, bytes: &[u8]) -> bool {
    let Some(([shape, cores @ ..], choices)) = bytes.split_first_chunk::<4>() else { return false };
    let steps = (choices.len() / BYTES_A_STEP).min(MOST_STEPS);
    // Sequences of even numbers are GICv2's.
    let shape = Shape::of(u64::from(*shape) * 2 + u64::from(v3), steps as u64);
    let of_cores = Random::new(cores.iter().fold(0, |seed, byte| seed << 8 | u64::from(*byte)));
    let mut log = Vec::new();
    if let Err(disagreement) = run_with(shape, of_cores, Random::chosen(choices), &mut log) {
        let tail = log[log.len().saturating_sub(60)..].join("\n");
        panic!("{disagreement}\nin step {}, {shape:?}; the last steps:\n{tail}", log.len());
    }
    steps != 0
}

/// What fuzzing starts from: sequences of every eighth shape, by their names.
pub fn seeds() -> impl Iterator<Item = (String, Vec<u8>)> {
    (0..16_u8).map(|number| {
        let mut random = Random::new(number.into());
        let choices = std::iter::repeat_with(|| random.byte()).take(512);
        (format!("shape-{}", number * 8), [number * 8, 0, 0, number].into_iter().chain(choices).collect())
    })
}
