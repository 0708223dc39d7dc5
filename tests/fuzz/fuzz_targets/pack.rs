//! Any bytes as a packed image: its header and tree are refused, or what they lead to keeps every promise.
#![no_main]

use bulkhead_model::config::check;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| check::packed(bytes));
