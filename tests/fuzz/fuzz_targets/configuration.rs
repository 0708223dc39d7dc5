//! Any bytes as a tree with a board and a configuration.
#![no_main]

use bulkhead_model::fuzz::Target;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    Target::Configuration.check(bytes);
});
