//! Any bytes as what guests, devices and cores do to a GICv2.
#![no_main]

use bulkhead_model::fuzz::Target;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    Target::Gicv2.check(bytes);
});
