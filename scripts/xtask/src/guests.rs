//! The guests of the tests: ours in Rust, and FreeRTOS.

use crate::build::{Profile, output_folder, write_flat};
use crate::toolchain::Toolchain;
use crate::{Result, process, sources, workspace};
use std::path::{Path, PathBuf};
use std::process::Command;

const FOLDER: &str = "tests/guests";
/// The one binary of `tests/bench`.
const BENCH: &str = "bench";
const FREERTOS: &str = "tests/guests/freertos";
const FREERTOS_IMAGES: [&str; 2] = ["freertos-gicv2.img", "freertos-gicv3.img"];

/// Builds every binary of `tests/guests` and `tests/bench` into `target/guests/NAME.img`, then FreeRTOS.
pub fn build(toolchain: &Toolchain, locked: bool) -> Result<()> {
    let mut names = names(&workspace::root().join(FOLDER).join("src/bin"))?;
    names.push(BENCH.to_owned());
    let mut command = toolchain.bare_metal_cargo("build");
    command.args(["--package", "bulkhead-guests", "--package", "bulkhead-bench", "--bins", "--release"]);
    command.args(locked.then_some("--locked"));
    process::run(&mut command)?;
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

/// FreeRTOS is C: its own script builds it, where it is there and something changed.
fn freertos(toolchain: &Toolchain) -> Result<()> {
    let script = workspace::root().join(FREERTOS).join("build");
    let images = FREERTOS_IMAGES.map(|image| workspace::guests().join(image));
    if !script.is_file() || are_newer(&images, &sources::files(FREERTOS)?) {
        return Ok(());
    }
    // It asks cargo where the kernel's sources are.
    process::run(Command::new(script).arg(workspace::guests()).env("CARGO", toolchain.host_cargo().get_program()))
}

/// Whether every one of `made` is there and younger than all of `sources`, which stand in the repository.
fn are_newer(made: &[PathBuf], sources: &[PathBuf]) -> bool {
    let time = |path: &Path| std::fs::metadata(path).and_then(|metadata| metadata.modified()).ok();
    let oldest_made = made.iter().map(|path| time(path)).min().flatten();
    let newest_source = sources.iter().filter_map(|path| time(&workspace::root().join(path))).max();
    oldest_made.is_some() && oldest_made > newest_source
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

    #[test]
    fn what_is_missing_or_older_than_its_sources_is_made_again() {
        let folder = std::env::temp_dir().join(format!("bulkhead-guest-times-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let made = [folder.join("a"), folder.join("b")];
        let source = folder.join("source");
        let write = |path: &Path, seconds| {
            let file = std::fs::File::create(path).unwrap();
            file.set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds)).unwrap();
        };
        write(&source, 100);
        write(&made[0], 200);
        assert!(!are_newer(&made, std::slice::from_ref(&source)));
        write(&made[1], 99);
        assert!(!are_newer(&made, std::slice::from_ref(&source)));
        write(&made[1], 101);
        assert!(are_newer(&made, std::slice::from_ref(&source)));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
