//! Any bytes as a guest's kernel, behind the size that its file claims.
#![no_main]

use bulkhead_model::fuzz::Target;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    Target::ImageHeader.check(bytes);
});
