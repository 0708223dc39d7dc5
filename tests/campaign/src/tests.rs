use super::*;
use std::sync::mpsc::{self, TryRecvError};
use std::sync::{Barrier, Mutex};
use std::time::Duration;

const RECORD: &str = "first-seed=5\nrounds=3\nof=10\neach=1000\nunit=mutants\nsubject=7\n";

fn folder(name: &str) -> PathBuf {
    let folder = env::temp_dir().join(format!("bulkhead-campaign-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn record(rounds: u64) -> Record {
    Record { first: 5, rounds, of: 10, each: 1000, unit: "mutants".into(), subject: 7 }
}

/// Runs what is left of `record` in `file`; the seeds that were tried, of which `bad` panics, and the failure.
fn run(file: &Path, record: Record, bad: u64) -> (Vec<u64>, Option<u64>, Record) {
    let progress = Progress::start(record, file.to_owned(), true);
    let seeds = Mutex::new(Vec::new());
    let failure = rounds(
        1,
        &progress,
        &|seed| {
            seeds.lock().unwrap().push(seed);
            assert_ne!(seed, bad);
        },
        &|_, _| (),
    );
    (seeds.into_inner().unwrap(), failure.map(|(seed, _)| seed), progress.end())
}

#[test]
fn a_record_is_read_as_it_is_written_and_says_what_was_done() {
    let file = folder("record").join("name");
    record(3).write(&file);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), RECORD);
    assert_eq!(Record::read(&file), Some(record(3)));
    assert_eq!(record(3).to_string(), "3,000 mutants, seeds 5 to 7, 3 of 10 rounds");
    assert_eq!(Record { of: 1, ..record(1) }.to_string(), "1,000 mutants, seed 5");
    assert_eq!(Record { each: 123_456, ..record(10) }.to_string(), "1,234,560 mutants, seeds 5 to 14");
    std::fs::write(&file, &RECORD[..40]).unwrap();
    assert_eq!(Record::read(&file), None);
}

#[test]
fn a_run_goes_on_with_the_round_that_failed_and_then_to_the_end() {
    let file = folder("again").join("name");
    let (seeds, failure, done) = run(&file, record(0), 9);
    assert_eq!((seeds, failure, done.rounds), ((5..=9).collect(), Some(9), 4));
    let (seeds, failure, done) = run(&file, record(0), 0);
    assert_eq!((seeds, failure, done.is_complete()), ((9..15).collect(), None, true));
    assert!(run(&file, record(0), 0).0.is_empty(), "nothing is left");
}

#[test]
fn what_another_program_seed_or_count_did_does_not_count() {
    let file = folder("other").join("name");
    for other in [Record { subject: 8, ..record(0) }, Record { first: 6, ..record(0) }, Record { of: 9, ..record(0) }] {
        record(3).write(&file);
        let count = other.of;
        assert_eq!(run(&file, other, 0).0.len() as u64, count);
    }
}

#[test]
fn every_round_is_done_once_by_several_threads_and_the_first_failure_is_told() {
    let progress = Progress::start(Record { of: 1000, ..record(0) }, folder("threads").join("name"), false);
    let seeds = Mutex::new(Vec::new());
    assert!(rounds(4, &progress, &|seed| seeds.lock().unwrap().push(seed), &|_, _| ()).is_none());
    let mut seeds = seeds.into_inner().unwrap();
    seeds.sort_unstable();
    assert_eq!(seeds, (5..1005).collect::<Vec<_>>());
    assert_eq!(progress.end().rounds, 1000);
    let progress = Progress::start(Record { of: 1000, ..record(0) }, folder("threads").join("name"), false);
    let failure = rounds(4, &progress, &|seed| assert!(seed < 300, "seed {seed} is too high"), &|_, _| ());
    assert_eq!(
        failure.map(|(seed, words_)| (seed, words(&*words_).to_owned())),
        Some((300, "seed 300 is too high".into()))
    );
    assert_eq!(progress.end().rounds, 295);
}

#[test]
fn a_failure_is_told_while_other_rounds_still_run() {
    let progress = Progress::start(Record { of: 2, ..record(0) }, folder("told").join("name"), false);
    let (sender, receiver) = mpsc::channel();
    let receiver = Mutex::new(receiver);
    let both = Barrier::new(2);
    let round = |seed| {
        both.wait();
        assert_ne!(seed, 5, "five is too much");
        let told = receiver.lock().unwrap().recv_timeout(Duration::from_secs(20));
        assert!(told.is_ok_and(|told: String| told.starts_with("5: ") && told.contains("five is too much")));
    };
    let failure = rounds(2, &progress, &round, &|seed, why| sender.send(format!("{seed}: {why}")).unwrap());
    assert_eq!((failure.map(|(seed, _)| seed), progress.end().rounds), (Some(5), 0));
    assert_eq!(receiver.lock().unwrap().try_recv(), Err(TryRecvError::Empty), "only one failed");
}

#[test]
fn the_command_that_repeats_a_round_names_stage_test_and_seed() {
    let campaign = Campaign { name: "a_test", stage: "model", unit: "steps", each: 1, sample: 1, long: 2 };
    assert_eq!(campaign.repeat(7), "BULKHEAD_SEED=7 BULKHEAD_ROUNDS=1 scripts/test --stage model --filter a_test");
    let campaign = Campaign { name: "hostile::virt", stage: "qemu", ..campaign };
    let command = "BULKHEAD_SEED=7 BULKHEAD_ROUNDS=1 scripts/test --stage build --stage qemu --filter hostile::virt";
    assert_eq!(campaign.repeat(7), command);
}
