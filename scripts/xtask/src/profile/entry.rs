//! The way from the hypervisor's first instruction to the first guest's.

use super::board::{self, BASE};
use super::calls::Calls;
use super::trace::Steps;
use super::{Programs, Traced};
use crate::Result;
use crate::bench::matrix::Configuration;
use crate::bench::run::{self, port};
use std::path::Path;

/// Traces all cores until a guest's first instruction.
pub fn trace(qemu: &Path, on: &Configuration, programs: &Programs) -> Result<Traced> {
    let (mut steps, mut calls) = (Steps::new(2), Calls::new(&programs.hypervisor)?);
    let (mut places, mut counts, mut is_over) = (Vec::new(), Vec::new(), false);
    let printed = board::follow(board::command(qemu, on.gic, on.cores, "samples=1 warm=0 only=counter"), |line| {
        let Some(step) = steps.take(line).filter(|_| !is_over) else { return };
        is_over = step.level != 2;
        if !is_over {
            let place = calls.follow(&step, BASE);
            counts.extend(calls.reads_counter(place.offset).then_some(places.len() as u64));
            places.push(place);
        }
    })?;
    if !is_over {
        return Err("no guest has begun".into());
    }
    let log = port(&printed, "hypervisor");
    let (told, kept) = run::entry_ticks(&log).ok_or_else(|| format!("the hypervisor told no ticks\n{log}"))?;
    let first = counts.first().copied().unwrap_or(0);
    let between = nearest(&counts, first, told);
    let words = words(places.len() as u64, first, between, told, kept);
    Ok(Traced { places, calls, words, difference: told as i64 - between as i64 })
}

/// The instructions between the `first` read of the counter and one later, those that are `told` if there are such.
/// `counts`: the instructions before each read.
fn nearest(counts: &[u64], first: u64, told: u64) -> u64 {
    counts.iter().map(|count| count - first).min_by_key(|distance| distance.abs_diff(told)).unwrap_or(0)
}

/// How the trace fits what the hypervisor counted: `told` ticks, of them `kept` for zeroing and copying.
fn words(traced: u64, first: u64, between: u64, told: u64, kept: u64) -> String {
    format!(
        "The hypervisor counts {told}, of them {kept} for zeroing and copying: {} without. Of what is traced, {between} \
         instructions lie between the reads of the counter that it means. The difference is {}; {first} come before, and \
         {} after.\n",
        told.saturating_sub(kept),
        told as i64 - between as i64,
        traced.saturating_sub(first + between)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hypervisors_own_count_is_found_between_two_reads() {
        let between = nearest(&[100, 150, 900, 950], 100, 801);
        let words = words(1000, 100, between, 801, 700);
        assert!(words.contains("counts 801, of them 700 for zeroing and copying: 101 without"), "{words}");
        assert!(words.contains("800 instructions lie between"), "{words}");
        assert!(words.ends_with("The difference is 1; 100 come before, and 100 after.\n"), "{words}");
    }
}
