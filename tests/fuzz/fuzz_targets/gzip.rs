//! Any bytes as a kernel that is packed by gzip.
#![no_main]

use bulkhead_model::fuzz::Target;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    Target::Gzip.check(bytes);
});
