//! Other hypervisors on the same boards with the same guest: Debian's Xen, and KVM in Debian's kernel.
//!
//! `scripts/setup --peers` fetches them. Whatever one lacks, the others are measured without it.

mod console;
pub mod known;
mod kvm;
mod tree;
mod xen;

use super::matrix::{self, System};
use super::repeat::repeat;
use super::results::{Cost, Results};
use super::run;
use crate::toolchain::Toolchain;
use crate::{Result, process, workspace};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The guest's cost of coming so far that it says how late it is; see [`entries`].
pub const IN_MAIN: &str = "in-main";

/// Runs of each board: where they are not repeated, as with two cores, more would not be either.
const RUNS: usize = 2;

/// A board with EL2 for another hypervisor and its guest: nothing on it depends on chance or on the hour.
fn host(qemu: &Path, cores: u8) -> Command {
    let mut command = run::board(qemu, cores, "1G");
    command.args(["-rtc", "base=2026-01-01T00:00:00,clock=vm"]);
    command
}

/// QEMU's machine, without the random seeds in its tree.
fn machine(gic: u8, virtualization: bool) -> String {
    run::machine(gic, virtualization) + ",dtb-randomness=off"
}

/// A hypervisor that can be measured.
pub struct Peer {
    system: System,
    /// Debian's package and its version.
    package: String,
    /// What the board boots.
    image: PathBuf,
    /// KVM's initramfs needs one.
    monitor: Option<PathBuf>,
}

/// Measures them all into `results` and says there which were left out and why. `folder` takes what
/// their boards are made of.
pub fn measure(toolchain: &Toolchain, results: &mut Results, folder: &Path, bootargs: &str) -> Result<()> {
    process::run(Command::new(workspace::root().join("scripts/setup")).arg("--peers"))?;
    std::fs::create_dir_all(folder)?;
    let cache = workspace::cache()?;
    for system in matrix::PEERS {
        match ready(toolchain, system, &cache) {
            Ok(peer) => peer.measure(&toolchain.qemu(), results, folder, bootargs)?,
            Err(reason) => leave_out(results, system, &reason.to_string()),
        }
    }
    Ok(())
}

fn leave_out(results: &mut Results, system: System, reason: &str) {
    println!("{} is left out: {reason}", system.name());
    results.left_out.insert(system.name().to_owned(), reason.to_owned());
}

/// What `cache` holds of `system`; an error is the reason why it cannot be measured.
fn ready(toolchain: &Toolchain, system: System, cache: &Path) -> Result<Peer> {
    let folder = if system == System::Xen { cache.join("peers/xen") } else { cache.join("linux-cloud") };
    let (image, version) = (folder.join("Image"), folder.join("version"));
    if !image.is_file() {
        return Err("scripts/setup found no package of it".into());
    }
    let text = std::fs::read_to_string(&version).map_err(|error| format!("{}: {error}", version.display()))?;
    let package = package(&text).ok_or_else(|| format!("{}: names no package", version.display()))?;
    let monitor = if system == System::Kvm { Some(kvm::build_monitor(toolchain)?) } else { None };
    Ok(Peer { system, package, image, monitor })
}

/// `KIND SHA256 PACKAGE VERSION`, as set-up writes it; a caller's own file has no version.
fn package(text: &str) -> Option<String> {
    let mut words = text.split_whitespace().skip(2);
    Some(format!("{} {}", words.next()?, words.next()?))
}

impl Peer {
    fn measure(&self, qemu: &Path, results: &mut Results, folder: &Path, bootargs: &str) -> Result<()> {
        results.packages.insert(self.system.name().to_owned(), self.package.clone());
        for configuration in matrix::boards(self.system) {
            println!("{configuration} ...");
            let place = folder.join(configuration.to_string());
            let command = match &self.monitor {
                None => xen::board(qemu, &self.image, &configuration, bootargs, &place)?,
                Some(monitor) => kvm::board(qemu, &self.image, monitor, &configuration, bootargs, &place)?,
            };
            let runs = repeat(RUNS, || {
                let told = console::run(&command)?;
                results.unanswered.extend(told.complaint.map(|complaint| (configuration.to_string(), complaint)));
                Ok(told.costs)
            })?;
            results.add(&configuration, runs);
        }
        Ok(())
    }
}

/// What each takes to its guest's first instruction: how much later than natively the guest comes to its main
/// function. Waiting, copying and zeroing are in it, because nothing tells them apart.
pub fn entries(results: &mut Results) {
    let native = |board: &str| Some(format!("native-{}", board.split_once('-')?.1));
    let boards: Vec<String> = results.boards.keys().cloned().collect();
    for board in boards.iter().filter(|board| !board.starts_with("native-")) {
        let begun = |name: &str| results.get(name, IN_MAIN).map(|cost| cost.median);
        let Some(late) = begun(board).zip(native(board).and_then(|native| begun(&native))) else { continue };
        let entry = late.0.saturating_sub(late.1);
        results.boards.entry(board.clone()).or_default().insert("entry-to-guest".to_owned(), Cost::of(entry));
    }
    for costs in results.boards.values_mut() {
        costs.remove(IN_MAIN);
    }
    for name in results.not_exact.iter_mut().chain(&mut results.strayed) {
        *name = name.replace(IN_MAIN, "entry-to-guest");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_file_names_package_and_version() {
        assert_eq!(
            package("xen 0a1b xen-hypervisor-4-arm64 4.17+1\n").as_deref(),
            Some("xen-hypervisor-4-arm64 4.17+1")
        );
        assert_eq!(package("kernel 0a1b /home/a/Image\n"), None);
        assert_eq!(package(""), None);
    }

    #[test]
    fn who_is_not_there_is_left_out_with_a_reason() {
        let empty = std::env::temp_dir().join(format!("bulkhead-no-peers-{}", std::process::id()));
        let toolchain = Toolchain::load().unwrap();
        let mut results = Results::default();
        for system in matrix::PEERS {
            let reason = ready(&toolchain, system, &empty).err().unwrap().to_string();
            leave_out(&mut results, system, &reason);
        }
        let expected = |name: &str| (name.to_owned(), "scripts/setup found no package of it".to_owned());
        assert_eq!(results.left_out, ["KVM", "Xen"].map(expected).into());
    }

    #[test]
    fn an_entry_is_what_a_guest_is_later_than_natively() {
        let mut results = Results::default();
        for (system, board, median) in [(System::Native, 2, 100), (System::Xen, 2, 350), (System::Kvm, 1, 350)] {
            let costs = [(IN_MAIN.to_owned(), Cost::of(median))].into();
            results.boards.insert(matrix::boards(system)[board].to_string(), costs);
        }
        entries(&mut results);
        assert_eq!(results.get("xen-gicv3-1", "entry-to-guest").map(|cost| cost.median), Some(250));
        assert!(results.get("native-gicv3-1", IN_MAIN).is_none());
        assert!(results.get("kvm-gicv2-2", "entry-to-guest").is_none());
    }
}
