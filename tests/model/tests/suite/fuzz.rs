//! The checks of the fuzz targets, without a fuzzing engine: on what fuzzing starts from, on what it found (the folder
//! `tests/fuzz/corpus`, if there is one), and on damage to these.

use bulkhead_campaign::Campaign;
use bulkhead_model::fuzz::{Target, damaged};
use bulkhead_model::random::Random;
use std::path::Path;

const INPUTS: Campaign<'_> = Campaign { name: "", stage: "model", unit: "inputs", each: 1000, sample: 20, long: 2000 };

/// Checks whole and damaged inputs; of the damaged ones of a round some must be read, or the damage shows nothing.
fn holds(target: Target, name: &str) {
    let mut inputs: Vec<Vec<u8>> = target.seeds().into_iter().map(|(_, bytes)| bytes).collect();
    assert!(inputs.iter().all(|bytes| target.check(bytes)), "what fuzzing starts from is not read");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target.name());
    let found = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let found: Vec<Vec<u8>> = found.filter_map(|file| std::fs::read(file.path()).ok()).collect();
    found.iter().for_each(|bytes| {
        target.check(bytes);
    });
    inputs.extend(found);
    Campaign { name, ..INPUTS }.run(|seed| {
        let mut random = Random::new(seed);
        let read = (0..INPUTS.each).filter(|_| target.check(&damaged(&inputs, &mut random))).count();
        assert!(read > 10, "only {read} of {} damaged inputs of {} were read", INPUTS.each, target.name());
    });
}

#[test]
fn the_target_tree_holds() {
    holds(Target::Tree, "the_target_tree_holds");
}

#[test]
fn the_target_configuration_holds() {
    holds(Target::Configuration, "the_target_configuration_holds");
}

#[test]
fn the_target_pack_holds() {
    holds(Target::Pack, "the_target_pack_holds");
}

#[test]
fn the_target_kernel_holds() {
    holds(Target::Kernel, "the_target_kernel_holds");
}

#[test]
fn the_target_gzip_holds() {
    holds(Target::Gzip, "the_target_gzip_holds");
}

#[test]
fn the_target_gicv2_holds() {
    holds(Target::Gicv2, "the_target_gicv2_holds");
}

#[test]
fn the_target_gicv3_holds() {
    holds(Target::Gicv3, "the_target_gicv3_holds");
}

#[test]
fn the_target_calls_holds() {
    holds(Target::Calls, "the_target_calls_holds");
}

#[test]
fn the_target_instruction_holds() {
    holds(Target::Instruction, "the_target_instruction_holds");
}

/// A target that is not built is found by `cargo xtask tidy`; one that is not there, here.
#[test]
fn every_target_has_its_file() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/fuzz_targets");
    let files = std::fs::read_dir(folder).expect("the fuzz targets").flatten();
    let mut names: Vec<String> = files.map(|file| file.file_name().to_string_lossy().into_owned()).collect();
    let mut expected = Target::ALL.map(|target| format!("{}.rs", target.name()));
    names.sort();
    expected.sort();
    assert_eq!(names, expected);
}
