//! Any bytes as the first of a guest's kernel, behind the size that its file claims and where it goes if it is raw.
#![no_main]

use bulkhead_model::fuzz::Target;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    Target::Kernel.check(bytes);
});
