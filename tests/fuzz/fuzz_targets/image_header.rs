//! Any bytes as a guest's kernel, behind the size that its file claims.
#![no_main]

use bulkhead_model::config::check;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u64, &[u8])| {
    let (size, bytes) = input;
    check::kernel(bytes, size);
});
