//! The machine as its firmware's device tree describes it.

mod console;
mod cpu;
mod gic;
mod interrupt;
mod memory;
mod psci;
mod timer;

use super::mistake::{Mistakes, text};
use crate::address::{Pa, Range};
use crate::fault::ConfigError;
use crate::fdt::{Node, Tree, View};
use alloc::string::String;
use alloc::vec::Vec;

pub use console::{Uart, UartKind};
pub use cpu::{Cpu, Enable};
pub use gic::{Gic, GicVersion};
pub use interrupt::{Interrupt, Trigger};
pub use psci::{Psci, PsciMethod, PsciVersion};
pub use timer::Timer;

/// The machine that the hypervisor runs on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Board {
    /// What the board calls itself.
    pub model: String,
    /// RAM: ascending, without overlap, in whole pages.
    pub memory: Vec<Range<Pa>>,
    /// Parts of it that are not to be touched (/memreserve/ and /reserved-memory), in the tree's order. The tree
    /// itself and the hypervisor's image are not among them.
    pub reserved: Vec<Range<Pa>>,
    /// Cores in the order of `/cpus`: a core's index here is its number in the configuration.
    pub cpus: Vec<Cpu>,
    /// The UART that firmware and owner talk over, if there is one that we can drive.
    pub console: Option<Uart>,
    /// The interrupt controller.
    pub gic: Gic,
    /// The cores' timer interrupts.
    pub timer: Timer,
    /// How to reach the firmware's power control, if it has one.
    pub psci: Option<Psci>,
    /// Mistakes in the tree that do not keep the board from running, such as a console that we cannot drive.
    pub warnings: Vec<ConfigError>,
}

impl Board {
    /// Reads the machine from `tree`.
    ///
    /// # Errors
    /// Memory, cores, interrupt controller or timer are absent or wrong: nothing can run.
    pub fn read(tree: &Tree) -> Result<Self, ConfigError> {
        let mut mistakes = Vec::new();
        // Without a board, what nothing can run with was found last.
        Self::collect(tree, &mut mistakes).ok_or_else(|| {
            let absent = || ConfigError::new("/", "", format_args!("absent"), format_args!("a root node"));
            mistakes.pop().unwrap_or_else(absent)
        })
    }

    fn collect(tree: &Tree, mistakes: &mut Mistakes) -> Option<Self> {
        let view = tree.view();
        let root = view.root()?;
        let psci = psci::read(view, mistakes);
        let (wiring, gic) = gic::read(view, mistakes)?;
        Some(Self {
            model: text(&root, "model").unwrap_or("unnamed board").into(),
            memory: memory::ranges(&root, mistakes)?,
            reserved: memory::reserved(tree),
            cpus: cpu::read(view, psci.is_some(), mistakes)?,
            console: console::read(&wiring, mistakes),
            timer: timer::read(&wiring, mistakes)?,
            gic,
            psci,
            warnings: core::mem::take(mistakes),
        })
    }

    /// The UART of the board that `tree` describes, if it has one that we can drive: also of a board that is
    /// otherwise of no use, to say so.
    pub fn console_of(tree: &Tree) -> Option<Uart> {
        let view = tree.view();
        let controller = view.nodes().find(|node| node.has("interrupt-controller"))?;
        console::read(&interrupt::Wiring::new(view, controller), &mut Vec::new())
    }

    /// Whether the board has a core with the index `core` that can be started.
    pub fn can_start(&self, core: usize) -> bool {
        self.cpus.get(core).is_some_and(|cpu| cpu.enable != Enable::Disabled)
    }

    /// Whether `range` lies in RAM, all of it in one piece.
    pub fn is_ram(&self, range: &Range<Pa>) -> bool {
        self.memory.iter().any(|memory| memory.contains_range(range))
    }
}

/// The children of the node at `path`; none if it is not there.
fn children<'v>(view: View<'v>, path: &str) -> Vec<Node<'v>> {
    view.find(path).map(|node| node.children().collect()).unwrap_or_default()
}

/// Addresses of registers are below this: translation tables hold no more (Arm ARM DDI 0487 D8.2).
const ADDRESSES: u64 = 1 << 48;

/// The range `place` in the `reg` of `node` as the processor sees it: through the ranges of the buses above. `None` if it
/// is not there, does not begin at a multiple of `unit` bytes, a power of two, has more than `most` bytes, or less than
/// its units: two at an odd place, as GICC, GICV (IHI 0048 4.1.3, 5.5) and a redistributor (IHI 0069 12.10) have, else one.
fn registers(node: &Node<'_>, place: usize, unit: u64, most: u64) -> Option<Range<Pa>> {
    let entries = node.reg()?;
    let (address, size) = *entries.get(place)?;
    let address = node.parent()?.translate(address, size)?;
    let is_sized = (unit << (place & 1)..=most).contains(&size);
    let is_placed = address & (unit - 1) == 0 && address.saturating_add(size) <= ADDRESSES;
    if is_sized && is_placed { Range::<Pa>::new(Pa::new(address), size) } else { None }
}
