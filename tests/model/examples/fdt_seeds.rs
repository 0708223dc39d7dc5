//! Writes the trees that fuzzing starts from: `cargo run -p bulkhead-model --example fdt_seeds -- tests/fuzz/corpus`.

use bulkhead_model::config::check::{kernel_head, packed_image};
use bulkhead_model::config::example::{EXAMPLES, on_board_bytes};
use bulkhead_model::fdt::corpus;
use std::fs;
use std::path::Path;

fn main() -> std::io::Result<()> {
    let Some(folder) = std::env::args().nth(1) else {
        eprintln!("usage: fdt_seeds FOLDER");
        std::process::exit(2);
    };
    let write = |target: &str, name: &str, bytes: &[u8]| {
        let folder = Path::new(&folder).join(target);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(name), bytes)
    };
    for sample in corpus::own() {
        write("tree", &sample.name, &sample.bytes)?;
        write("configuration", &sample.name, &sample.bytes)?;
    }
    for (board, _) in corpus::SOURCES {
        for (name, source) in EXAMPLES {
            let tree = on_board_bytes(board, source);
            write("configuration", &format!("{board}-{name}"), &tree)?;
            write("pack", &format!("{board}-{name}"), &packed_image(&tree))?;
        }
    }
    write("image_header", "kernel", &kernel_head(0, 1 << 20))
}
