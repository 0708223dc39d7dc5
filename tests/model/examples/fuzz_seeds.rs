//! Writes what fuzzing starts from: `cargo run -p bulkhead-model --example fuzz_seeds -- tests/fuzz/corpus`.

use bulkhead_model::fuzz::Target;
use std::fs;
use std::path::Path;

fn main() -> std::io::Result<()> {
    let Some(folder) = std::env::args().nth(1) else {
        eprintln!("usage: fuzz_seeds FOLDER");
        std::process::exit(2);
    };
    for target in Target::ALL {
        let folder = Path::new(&folder).join(target.name());
        fs::create_dir_all(&folder)?;
        for (name, bytes) in target.seeds() {
            fs::write(folder.join(name), bytes)?;
        }
    }
    Ok(())
}
