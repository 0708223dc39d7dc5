//! The machine as its firmware's device tree describes it.

mod console;
mod cpu;
mod gic;
mod interrupt;
mod memory;
mod psci;
mod timer;

use crate::address::{Pa, Range};
use crate::fault::ConfigError;
use crate::fdt::{Node, Tree};
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
        let view = tree.view();
        let root = view.root().ok_or_else(|| super::mistake::mistake_at("/", "", "absent", "a root node"))?;
        let nodes: Vec<Node<'_>> = view.nodes().collect();
        let mut warnings = Vec::new();
        let psci = psci::read(&nodes, &mut warnings);
        let (controller, gic) = gic::read(view, &nodes)?;
        let wiring = interrupt::Wiring { view, controller };
        Ok(Self {
            model: root.property("model").and_then(|model| model.string()).unwrap_or("unnamed board").into(),
            memory: memory::ranges(&root)?,
            reserved: memory::reserved(tree, &view),
            cpus: cpu::read(&view, psci.is_some(), &mut warnings)?,
            console: console::read(&wiring).unwrap_or_else(|warning| {
                warnings.push(warning);
                None
            }),
            timer: timer::read(&wiring, &nodes)?,
            gic,
            psci,
            warnings,
        })
    }

    /// The UART of the board that `tree` describes, if it has one that we can drive: also of a board that is
    /// otherwise of no use, to say so.
    pub fn console_of(tree: &Tree) -> Option<Uart> {
        let view = tree.view();
        let controller = view.nodes().find(|node| node.has("interrupt-controller"))?;
        console::read(&interrupt::Wiring { view, controller }).ok().flatten()
    }

    /// Whether `range` lies in RAM, all of it in one piece.
    pub fn is_ram(&self, range: &Range<Pa>) -> bool {
        self.memory.iter().any(|memory| memory.contains_range(range))
    }
}
