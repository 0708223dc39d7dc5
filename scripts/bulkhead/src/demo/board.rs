//! The board: a QEMU machine, and the one file that it boots.

use super::files::Files;
use crate::error::ToolError;
use crate::modules;
use crate::pack::{EarlyConsole, pack_with};
use crate::source::{Source, read};
use crate::turns::turns;
use bulkhead_abi::image::EarlyUart;
use bulkhead_abi::property::HYPERVISOR_PATH;
use bulkhead_vmm::fdt::{Node, Tree, Writer};

/// The board's interrupt controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Gic {
    /// GICv2.
    #[value(name = "2")]
    V2,
    /// GICv3.
    #[value(name = "3")]
    V3,
}

impl Gic {
    /// Its version, as QEMU and file names have it.
    pub fn version(self) -> u32 {
        match self {
            Self::V2 => 2,
            Self::V3 => 3,
        }
    }
}

/// How fast the board's time passes while every core sleeps. While one works a nanosecond passes per instruction
/// either way (`-icount shift=0,sleep=off`), so that neither the host nor its load can make a guest late.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Time {
    /// As fast as QEMU can.
    Fast,
    /// About as fast as the host's, so that a person can follow.
    Paced,
}

impl Time {
    /// Microseconds between two expiries of the timer that bounds the cores' turns. QEMU takes some 20 of the host's
    /// for each, which is what paces time.
    fn turns(self) -> u32 {
        match self {
            Self::Fast => 200,
            Self::Paced => 50,
        }
    }
}

/// QEMU's serial port of the board's PL011.
const UART: u64 = 0x900_0000;

/// Cores of the board: three for the guests, one for the hypervisor's own work, and one that sleeps until something
/// moves there.
const CORES: &str = "5";

/// QEMU's arguments for the board with `packed` as its kernel.
pub fn arguments(gic: Gic, time: Time, packed: &str) -> Vec<String> {
    let machine = format!("virt,virtualization=on,gic-version={}", gic.version());
    let board = ["-nodefaults", "-display", "none", "-serial", "stdio", "-M", &machine, "-cpu", "cortex-a57"];
    let size = ["-smp", CORES, "-m", "1024", "-no-reboot", "-icount", "shift=0,sleep=off"];
    let before = board.into_iter().chain(size).map(String::from);
    before.chain(turns(time.turns())).chain(["-kernel".into(), packed.into()]).collect()
}

/// A property of a VM's node that is to have another value than in the configuration.
#[derive(Clone, Debug)]
pub struct Change {
    /// The VM.
    pub vm: &'static str,
    /// The property's name.
    pub property: &'static str,
    /// Its value.
    pub value: Vec<u8>,
}

/// One file of hypervisor, configuration and guests.
///
/// # Errors
/// A file cannot be read or is not what it should be, or a change means no node.
pub fn pack(files: &Files, changes: &[Change]) -> Result<Vec<u8>, ToolError> {
    let image = read(&files.image)?;
    let mut source = Source::read(&files.configuration)?;
    source.tree = changed(&source.tree, changes)?;
    let found = modules::files(&source, &files.guests)?;
    if let Some((_, error)) = found.missing.into_iter().next() {
        return Err(error);
    }
    let early = EarlyConsole { kind: EarlyUart::Pl011, base: UART };
    pack_with(&image, source.tree.as_bytes(), &found.files, Some(early))
}

fn changed(tree: &Tree, changes: &[Change]) -> Result<Tree, ToolError> {
    let view = tree.view();
    for change in changes {
        let path = format!("{HYPERVISOR_PATH}/{}", change.vm);
        view.find(&path).ok_or_else(|| ToolError(format!("the configuration has no node {path}")))?;
    }
    let mut writer = Writer::new();
    if let Some(root) = view.root() {
        copy(&root, changes, &mut writer);
    }
    Tree::new(&writer.finish()).map_err(|error| ToolError(format!("the changed configuration: {error}")))
}

fn copy(node: &Node<'_>, changes: &[Change], writer: &mut Writer) {
    writer.begin_node(node.name());
    let path = node.path();
    let here = |change: &&Change| path == format!("{HYPERVISOR_PATH}/{}", change.vm);
    let new: Vec<&Change> = changes.iter().filter(here).collect();
    for (name, property) in node.properties().filter(|(old, _)| new.iter().all(|new| new.property != *old)) {
        writer.property(name, property.value);
    }
    new.iter().for_each(|change| writer.property(change.property, &change.value));
    node.children().for_each(|child| copy(&child, changes, writer));
    writer.end_node();
}
