//! Any bytes as our header and as what a configuration is packed with: refused, or read back as it was.
#![no_main]

use bulkhead_model::config::check;
use bulkhead_tool::pack::pack;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    check::image_header(bytes);
    let (image, config) = bytes.split_at(bytes.len() / 2);
    let _ = pack(image, config, &[]);
});
