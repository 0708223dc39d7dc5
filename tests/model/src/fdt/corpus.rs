//! Trees to test with: our own sources, what QEMU makes for its boards, and real boards' trees from a folder.

use super::dts;
use std::path::Path;
use std::process::Command;

/// Names the folder with real boards' `.dtb` files, such as those in Debian's package linux-image-arm64.
pub const FOLDER_VARIABLE: &str = "BULKHEAD_TREES";
/// Names the QEMU to use.
const QEMU_VARIABLE: &str = "BULKHEAD_QEMU";

/// A flattened tree and where it is from.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Where it is from.
    pub name: String,
    /// The tree.
    pub bytes: Vec<u8>,
}

/// The sources of our own, by name.
pub const SOURCES: [(&str, &str); 4] = [
    ("virt-gicv3", include_str!("trees/virt-gicv3.dts")),
    ("virt-gicv2", include_str!("trees/virt-gicv2.dts")),
    ("soc-ranges", include_str!("trees/soc-ranges.dts")),
    ("extended", include_str!("trees/extended.dts")),
];

/// QEMU's boards whose trees it makes itself.
const QEMU_BOARDS: [&[&str]; 16] = [
    &["-M", "virt,gic-version=2,virtualization=on", "-cpu", "cortex-a53"],
    &["-M", "virt,gic-version=2,virtualization=on", "-cpu", "cortex-a57", "-smp", "8"],
    &["-M", "virt,gic-version=3,virtualization=on", "-cpu", "cortex-a72", "-smp", "4", "-m", "2G"],
    &["-M", "virt,gic-version=3,virtualization=on", "-cpu", "cortex-a76", "-smp", "8", "-m", "8G"],
    &["-M", "virt,gic-version=3,virtualization=on,secure=on", "-cpu", "neoverse-n1", "-smp", "2"],
    &["-M", "virt,gic-version=3,virtualization=on,its=off,highmem=off", "-cpu", "max", "-m", "1G"],
    &["-M", "virt,gic-version=4,virtualization=on", "-cpu", "max", "-smp", "6"],
    &["-M", "virt,gic-version=3,iommu=smmuv3", "-cpu", "cortex-a57", "-smp", "2"],
    &["-M", "virt,gic-version=3,mte=on", "-cpu", "max", "-smp", "3"],
    &["-M", "virt,gic-version=3", "-cpu", "max", "-smp", "32,sockets=2,clusters=2,cores=4,threads=2"],
    &[
        "-M",
        "virt,gic-version=3",
        "-smp",
        "4",
        "-m",
        "4G",
        "-numa",
        "node,cpus=0-1,memdev=a",
        "-numa",
        "node,cpus=2-3,memdev=b",
        "-object",
        "memory-backend-ram,id=a,size=2G",
        "-object",
        "memory-backend-ram,id=b,size=2G",
        "-cpu",
        "cortex-a53",
    ],
    &["-M", "virt,gic-version=2,highmem=off", "-cpu", "cortex-a15", "-smp", "4"],
    &["-M", "virt,gic-version=2,virtualization=on,secure=on", "-cpu", "cortex-a35", "-smp", "3", "-m", "512M"],
    &["-M", "virt,gic-version=3,usb=on", "-cpu", "cortex-a55", "-smp", "2,maxcpus=4"],
    &["-M", "xlnx-versal-virt"],
    &["-M", "xlnx-versal-virt", "-m", "4G", "-serial", "null"],
];

/// Our own trees.
pub fn own() -> Vec<Sample> {
    SOURCES.iter().map(|(name, source)| Sample { name: (*name).into(), bytes: dts::compile(source) }).collect()
}

/// The trees of QEMU's boards; those that the installed QEMU does not make are left out.
pub fn qemu() -> Vec<Sample> {
    let qemu = std::env::var(QEMU_VARIABLE).unwrap_or("qemu-system-aarch64".into());
    let folder = std::env::temp_dir().join(format!("bulkhead-trees-{}", std::process::id()));
    if std::fs::create_dir_all(&folder).is_err() {
        return Vec::new();
    }
    let samples = QEMU_BOARDS.iter().filter_map(|board| dump(&qemu, &folder, board)).collect();
    // Nothing depends on the folder being gone.
    let _ = std::fs::remove_dir_all(&folder);
    samples
}

fn dump(qemu: &str, folder: &Path, board: &[&str]) -> Option<Sample> {
    let file = folder.join("board.dtb");
    let machine = format!("{},dumpdtb={}", board.get(1)?, file.display());
    let mut command = Command::new(qemu);
    command.args(["-M", &machine]).args(&board[2..]).args(["-nic", "none", "-display", "none", "-audio", "none"]);
    if !command.output().ok()?.status.success() {
        return None;
    }
    let bytes = std::fs::read(&file).ok()?;
    std::fs::remove_file(&file).ok()?;
    Some(Sample { name: board.join(" "), bytes: used(bytes) })
}

/// `bytes` without what follows the last block, which is most of QEMU's trees.
fn used(mut bytes: Vec<u8>) -> Vec<u8> {
    let extent = bulkhead_vmm::fdt::extent(&bytes).ok();
    bytes.truncate(extent.map_or(bytes.len(), |extent| extent.used()));
    bytes
}

/// At most `most` real boards' trees from the folder that [`FOLDER_VARIABLE`] names, evenly spread over all that are
/// in it and below it.
pub fn folder(most: usize) -> Vec<Sample> {
    let mut paths = Vec::new();
    if let Some(folder) = std::env::var_os(FOLDER_VARIABLE) {
        find(Path::new(&folder), &mut paths);
    }
    paths.sort();
    let step = paths.len().div_ceil(most.max(1)).max(1);
    let sample =
        |path: &std::path::PathBuf| Some(Sample { name: path.display().to_string(), bytes: std::fs::read(path).ok()? });
    paths.iter().step_by(step).filter_map(sample).collect()
}

fn find(folder: &Path, paths: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            find(&path, paths);
        } else if path.extension().is_some_and(|extension| extension == "dtb") {
            paths.push(path);
        }
    }
}
