//! Any bytes as a tree with a board and a configuration: refused, or planned so that every promise holds.
#![no_main]

use bulkhead_model::config::check;
use bulkhead_vmm::fdt::Tree;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(tree) = Tree::new(bytes) {
        let _ = check::configuration(&tree);
    }
});
