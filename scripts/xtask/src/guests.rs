//! The guests of the tests: ours in Rust, and FreeRTOS.

use crate::build::{Profile, output_folder, write_flat};
use crate::toolchain::Toolchain;
use crate::{Result, process, workspace};
use std::path::Path;
use std::process::Command;

const FOLDER: &str = "tests/guests";

/// Builds every binary of `tests/guests` into `target/guests/NAME.img`, then FreeRTOS.
pub fn build(toolchain: &Toolchain, locked: bool) -> Result<()> {
    let names = names(&workspace::root().join(FOLDER).join("src/bin"))?;
    if !names.is_empty() {
        let mut command = toolchain.bare_metal_cargo("build");
        command.args(["--package", "bulkhead-guests", "--bins", "--release"]);
        command.args(locked.then_some("--locked"));
        process::run(&mut command)?;
    }
    for name in &names {
        let image = workspace::guests().join(name).with_extension("img");
        write_flat(&output_folder(Profile::Release).join(name), &image, |_| Ok(()))?;
    }
    println!("{}: {} guests", workspace::shown(&workspace::guests()), names.len());
    freertos(toolchain)
}

/// The binaries of a package: `NAME.rs`, or a folder with a `main.rs`.
fn names(folder: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    if folder.is_dir() {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "rs") || path.join("main.rs").is_file() {
                names.extend(path.file_stem().map(|stem| stem.to_string_lossy().into_owned()));
            }
        }
    }
    names.sort();
    Ok(names)
}

/// FreeRTOS is C: its own script builds it, where it is there.
fn freertos(toolchain: &Toolchain) -> Result<()> {
    let script = workspace::root().join(FOLDER).join("freertos/build");
    if !script.is_file() {
        return Ok(());
    }
    // It asks cargo where the kernel's sources are.
    process::run(Command::new(script).arg(workspace::guests()).env("CARGO", toolchain.host_cargo().get_program()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guest_is_a_file_or_a_folder_with_a_main() {
        let folder = std::env::temp_dir().join(format!("bulkhead-guest-names-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("hostile")).unwrap();
        std::fs::create_dir_all(folder.join("shared")).unwrap();
        for file in ["hello.rs", "hostile/main.rs", "shared/mod.rs", "notes.md"] {
            std::fs::write(folder.join(file), "").unwrap();
        }
        let found = names(&folder).unwrap();
        std::fs::remove_dir_all(&folder).unwrap();
        assert_eq!(found, ["hello", "hostile"]);
        assert!(names(&folder).unwrap().is_empty());
    }
}
