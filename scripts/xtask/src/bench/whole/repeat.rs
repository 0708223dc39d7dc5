//! Every measurement twice: where instructions are counted, both must be the same.

use crate::Result;
use std::fmt::Display;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// What was measured, and whether both runs said so.
pub struct Repeated<T> {
    /// Of the first run.
    pub first: T,
    /// Whether the second was the same.
    pub is_exact: bool,
}

/// Runs `measure` twice for each of `jobs`, as many at a time as the host has cores: boards that count instructions do
/// not notice. `measure` gets a name that no other run has.
pub fn twice<J: Display + Sync, T: PartialEq + Send>(
    jobs: &[J],
    measure: impl Fn(&J, &str) -> Result<T> + Sync,
) -> Result<Vec<Repeated<T>>> {
    let next = AtomicUsize::new(0);
    let measured = Mutex::new((0..jobs.len() * 2).map(|_| None).collect::<Vec<_>>());
    let work = || {
        while let number = next.fetch_add(1, Ordering::Relaxed)
            && let Some(job) = jobs.get(number / 2)
        {
            println!("{job} ...");
            let outcome = measure(job, &format!("{job}-{}", number % 2 + 1)).map_err(|error| format!("{job}: {error}"));
            if let Some(slot) = measured.lock().unwrap_or_else(std::sync::PoisonError::into_inner).get_mut(number) {
                *slot = Some(outcome);
            }
        }
    };
    let workers = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| (0..workers).for_each(|_| drop(scope.spawn(work))));
    let measured = measured.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    let mut outcomes = measured.into_iter().map(|outcome| outcome.ok_or("not measured")?.map_err(Into::into));
    let mut outcome = || outcomes.next().unwrap_or_else(|| Err("not measured".into()));
    jobs.iter()
        .map(|_| {
            let (first, second): (Result<T>, Result<T>) = (outcome(), outcome());
            let (first, second) = (first?, second?);
            let is_exact = first == second;
            Ok(Repeated { first, is_exact })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_that_differ_are_told_apart_from_runs_that_do_not() {
        let measure = |job: &u32, name: &str| Ok(job * 10 + u32::from(*job == 2 && name.ends_with("-2")));
        let measured = twice(&[1, 2, 3], measure).unwrap();
        let found: Vec<_> = measured.iter().map(|it| (it.first, it.is_exact)).collect();
        assert_eq!(found, [(10, true), (20, false), (30, true)]);
    }

    #[test]
    fn a_failure_names_its_job() {
        let measure = |job: &u32, _: &str| if *job == 2 { Err("no board".into()) } else { Ok(()) };
        let error = twice(&[1, 2], measure).map(|_| ()).unwrap_err();
        assert_eq!(error.to_string(), "2: no board");
    }
}
