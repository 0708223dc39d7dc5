//! What machine this is: the device tree, read once (Devicetree Specification 0.4).

use arrayvec::ArrayVec;
use fdt::Fdt;
use fdt::node::FdtNode;

use crate::arguments::Arguments;
use crate::psci::Conduit;
use crate::sync::SetOnce;
use crate::{console, smp};

/// A PL011 without the registers that set it up (SBSA DEN0029 6.0 B): it is set up already.
const SBSA_UART: &str = "arm,sbsa-uart";
/// Banks of RAM that a tree may name.
const BANKS: usize = 8;

/// The interrupt controller, by base addresses.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs, reason = "the fields are named")]
pub enum Controller {
    V2 { distributor: usize, cpu_interface: usize },
    V3 { distributor: usize, redistributors: usize },
}

/// A range of addresses in bytes.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs, reason = "the fields are named")]
pub struct Span {
    pub start: usize,
    pub length: usize,
}

impl Span {
    /// The address after the last byte.
    pub fn end(&self) -> usize {
        self.start + self.length
    }
}

/// The machine as its tree describes it.
pub struct Machine {
    /// The root's `model`.
    pub model: &'static str,
    /// The tree's own bytes, as many as its header claims.
    pub tree: Span,
    /// RAM.
    pub memory: ArrayVec<Span, BANKS>,
    /// Affinity of every vCPU, as `/cpus` lists them. The one that booted is first.
    pub cpus: ArrayVec<u64, { smp::MAXIMUM }>,
    /// How PSCI is called.
    pub conduit: Conduit,
    /// The interrupt controller.
    pub controller: Controller,
    /// PL011 base address.
    pub uart: usize,
    /// INTID of the PL011.
    pub uart_intid: u32,
    /// INTID of the virtual timer.
    pub virtual_timer: u32,
    /// INTID of the (non-secure EL1) physical timer.
    pub physical_timer: u32,
    /// The command line.
    pub arguments: Arguments,
    /// `/chosen/kaslr-seed` and `/chosen/rng-seed`, empty where there is none.
    pub seeds: [&'static [u8]; 2],
}

static MACHINE: SetOnce<Machine> = SetOnce::new();

/// The machine, once the runtime has read the tree.
pub fn known() -> Option<&'static Machine> {
    MACHINE.get()
}

/// The machine.
///
/// # Panics
/// Before the runtime has read the tree.
pub fn machine() -> &'static Machine {
    known().expect("the tree is read before main")
}

/// Reads the tree at `address` and starts the console that it names.
///
/// # Panics
/// If there is no valid tree, or it lacks what every guest needs.
pub(crate) fn discover(address: usize) -> &'static Machine {
    // SAFETY: by the boot protocol x0 is the address of a device tree, which nothing writes; the crate checks its magic.
    let tree = unsafe { Fdt::from_ptr(address as *const u8) }.expect("x0 points at a device tree");
    let serial = compatible(&tree, &["arm,pl011", SBSA_UART]);
    let uart = register(serial, 0).start;
    if compatible_with(serial, SBSA_UART) {
        console::initialise_sbsa(uart)
    } else {
        console::initialise(uart)
    }
    let timer = compatible(&tree, &["arm,armv8-timer", "arm,armv7-timer"]);
    MACHINE.set(Machine {
        model: text(&tree, "/", "model").unwrap_or("(no model)"),
        tree: Span { start: address, length: tree.total_size() },
        memory: tree
            .memory()
            .regions()
            .map(|bank| Span { start: bank.starting_address as usize, length: bank.size.unwrap_or(0) })
            .collect(),
        cpus: cpus(&tree),
        conduit: if text(&tree, "/psci", "method") == Some("smc") { Conduit::Smc } else { Conduit::Hvc },
        controller: controller(&tree),
        uart,
        uart_intid: intid(serial, 0),
        virtual_timer: intid(timer, 2),
        physical_timer: intid(timer, 1),
        arguments: Arguments(text(&tree, "/chosen", "bootargs").unwrap_or("")),
        seeds: ["kaslr-seed", "rng-seed"].map(|name| bytes(&tree, "/chosen", name)),
    })
}

fn compatible<'b>(tree: &'b Fdt<'static>, names: &[&str]) -> FdtNode<'b, 'static> {
    tree.find_compatible(names).unwrap_or_else(|| panic!("the tree has no node compatible with {names:?}"))
}

fn compatible_with(node: FdtNode<'_, 'static>, name: &str) -> bool {
    node.compatible().is_some_and(|names| names.all().any(|found| found == name))
}

fn text(tree: &Fdt<'static>, node: &str, property: &str) -> Option<&'static str> {
    tree.find_node(node)?.property(property)?.as_str()
}

fn bytes(tree: &Fdt<'static>, node: &str, property: &str) -> &'static [u8] {
    tree.find_node(node).and_then(|node| node.property(property)).map_or(&[], |property| property.value)
}

/// The node's `reg` entry number `index`.
fn register(node: FdtNode<'_, 'static>, index: usize) -> Span {
    let entry = node.reg().and_then(|mut entries| entries.nth(index));
    let entry = entry.unwrap_or_else(|| panic!("{} has no reg number {index}", node.name));
    Span { start: entry.starting_address as usize, length: entry.size.unwrap_or(0) }
}

/// INTID of the node's interrupt number `index`: triples of kind (0 SPI, 1 PPI), number and flags.
fn intid(node: FdtNode<'_, 'static>, index: usize) -> u32 {
    let value = node.property("interrupts").unwrap_or_else(|| panic!("{} has no interrupts", node.name)).value;
    let cell = |number: usize| {
        let bytes =
            value.get(number * 4..number * 4 + 4).unwrap_or_else(|| panic!("{} has too few interrupts", node.name));
        u32::from_be_bytes(bytes.try_into().expect("four bytes"))
    };
    cell(index * 3 + 1) + if cell(index * 3) == 0 { 32 } else { 16 }
}

fn controller(tree: &Fdt<'static>) -> Controller {
    if let Some(node) = tree.find_compatible(&["arm,gic-v3"]) {
        return Controller::V3 { distributor: register(node, 0).start, redistributors: register(node, 1).start };
    }
    let node = compatible(tree, &["arm,cortex-a15-gic", "arm,gic-400", "arm,cortex-a9-gic"]);
    Controller::V2 { distributor: register(node, 0).start, cpu_interface: register(node, 1).start }
}

fn cpus(tree: &Fdt<'static>) -> ArrayVec<u64, { smp::MAXIMUM }> {
    tree.cpus().map(|cpu| cpu.ids().first() as u64).take(smp::MAXIMUM).collect()
}
