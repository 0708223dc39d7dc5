//! Any bytes as a device tree: refused, or walked whole by the crate that reads it.
#![no_main]

use bulkhead_model::fdt::check;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = check::tree(bytes);
});
