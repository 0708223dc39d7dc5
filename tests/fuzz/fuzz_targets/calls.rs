//! Any bytes as a call by HVC or SMC.
#![no_main]

use bulkhead_model::fuzz::Target;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    Target::Calls.check(bytes);
});
