//! Any bytes as an instruction whose access no syndrome describes.
#![no_main]

use bulkhead_model::fuzz::Target;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    Target::Instruction.check(bytes);
});
