//! One repetition of an operation, out of several.

use super::board::{self, BASE};
use super::calls::Calls;
use super::trace::Steps;
use super::windows::{Marks, Window, Windows};
use super::{Programs, Traced};
use crate::Result;
use crate::bench::baseline;
use crate::bench::matrix::Configuration;
use crate::bench::run::{operation, port};
use std::path::Path;

/// Repetitions that count.
const SAMPLES: usize = 9;
/// Repetitions before those: fewer, for the compiler may have made them a loop of its own.
const WARM: usize = SAMPLES - 1;
/// Operations that the guest counts from a timer's deadline.
const FROM_DEADLINE: [&str; 3] = ["virtual-timer", "physical-timer", "wfi-virtual-timer"];

/// Traces the repetition whose cost is the median.
pub fn trace(qemu: &Path, on: &Configuration, programs: &Programs, name: &str) -> Result<Traced> {
    let (mut steps, mut calls) = (Steps::new(2), Calls::new(&programs.hypervisor)?);
    let mut windows = Windows::new(Marks::new(&programs.guest)?);
    let bootargs = format!("samples={SAMPLES} warm={WARM} only={name}");
    let printed = board::follow(board::command(qemu, on.gic, on.cores, &bootargs), |line| match steps.take(line) {
        Some(step) if step.level == 2 => windows.hypervisor(calls.follow(&step, BASE)),
        Some(step) => windows.guest(step.address),
        None => {}
    })?;
    let console = port(&printed, "guest");
    let told = console.lines().filter_map(operation).find(|(told, _)| told == name);
    let told = told.ok_or_else(|| format!("the guest told no cost of {name}\n{console}"))?.1.median;
    let from_deadline = FROM_DEADLINE.contains(&name);
    let window = median(windows.most(), from_deadline)
        .ok_or_else(|| format!("the trace has fewer than {SAMPLES} repetitions of {name}"))?;
    let words = words(&window, told, from_deadline) + &usual(on, name)?;
    let difference = told as i64 - window.cost(from_deadline) as i64;
    Ok(Traced { places: window.places, calls, words, difference })
}

/// The last of the windows that cost what the median of those that count does.
fn median(windows: Vec<Window>, from_deadline: bool) -> Option<Window> {
    let windows = windows.get(windows.len().checked_sub(SAMPLES)?..)?;
    let mut costs: Vec<_> = windows.iter().map(|window| window.cost(from_deadline)).collect();
    costs.sort_unstable();
    let median = costs.get(costs.len() / 2)?;
    windows.iter().rfind(|window| window.cost(from_deadline) == *median).cloned()
}

/// How the trace fits what the guest counted.
fn words(window: &Window, told: u64, from_deadline: bool) -> String {
    let (hypervisor, traced) = (window.places.len() as u64, window.cost(from_deadline));
    format!(
        "The guest counts {told} for the median repetition; traced are {traced}: {hypervisor} at EL2 and {} of the guest's \
         own. The difference is {}.\n",
        traced - hypervisor,
        told as i64 - traced as i64
    )
}

/// The committed cost, which is of many more repetitions.
fn usual(on: &Configuration, name: &str) -> Result<String> {
    let cost = baseline::load()?.get(&on.to_string(), name);
    Ok(cost.map(|cost| format!("The baseline's median is {}.\n", cost.median)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::super::calls::Place;
    use super::*;

    fn window(instructions: usize) -> Window {
        Window { places: vec![Place { core: 0, chain: 0, offset: 0 }; instructions], before: 7, after: 1 }
    }

    #[test]
    fn the_median_is_taken_of_the_last_ones() {
        let cold = std::iter::repeat_n(window(99), WARM);
        let warm = [5, 3, 4, 4, 4, 9, 9, 9, 4].map(window);
        assert_eq!(median(cold.chain(warm.clone()).collect(), false), Some(window(4)));
        assert_eq!(median(warm.to_vec(), false), Some(window(4)));
        assert_eq!(median(warm[1..].to_vec(), false), None, "one is missing");
    }

    #[test]
    fn the_difference_is_said() {
        assert!(words(&window(4), 12, false).contains("traced are 12: 4 at EL2 and 8 of the guest's own"));
        assert!(words(&window(4), 13, false).ends_with("The difference is 1.\n"));
        assert!(words(&window(4), 5, true).ends_with("The difference is 0.\n"));
    }
}
