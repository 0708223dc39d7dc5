//! Reads `/chosen/hypervisor` and finds the VMs.

use super::board::Board;
use super::mistake::{mistake, mistake_at};
use super::read_vm;
use super::vm::{RefusedVm, VmConfig};
use crate::address::Pa;
use crate::fault::ConfigError;
use crate::fdt::{Node, Tree, View};
use alloc::vec::Vec;
use bulkhead_abi::property;

/// The key that moves the console's focus unless the configuration names another: Ctrl-].
pub const DEFAULT_ESCAPE_KEY: u8 = 0x1d;
/// GICH_VTR and ICH_VTR_EL2 count at most this many list registers (GICv3 IHI 0069 12.4.11).
const MOST_LIST_REGISTERS: u8 = 16;

/// What the owner wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Configuration {
    /// The VMs in the tree's order. Of two with one name the second is refused.
    pub vms: Vec<Result<VmConfig, RefusedVm>>,
    /// Mistakes outside the VMs. What they concern is as by default.
    pub errors: Vec<ConfigError>,
    /// What has no effect, such as an unknown property.
    pub warnings: Vec<ConfigError>,
    /// The core, by its index in `/cpus`, that does the hypervisor's own work.
    pub housekeeping_core: Option<usize>,
    /// The character that moves the console's focus.
    pub escape_key: u8,
    /// What happens when no VM runs any more.
    pub when_all_off: WhenAllOff,
    /// Use no more list registers than this, 1 to 16.
    pub max_list_registers: Option<u8>,
}

/// What happens when no VM runs any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenAllOff {
    /// The machine is switched off.
    PowerOff,
    /// The monitor waits for the owner.
    Stay,
}

impl Configuration {
    /// Reads the configuration in `tree` for `board`. `module_base` is the physical address of the hypervisor's
    /// image if the tree is a packed one: the addresses of its modules count from there.
    pub fn read(tree: &Tree, board: &Board, module_base: Option<Pa>) -> Self {
        let view = tree.view();
        let mut configuration = Self::nothing();
        if let Some(node) = view.find(property::HYPERVISOR_PATH) {
            configuration.read_own(&node, board);
        }
        configuration.read_vms(&view, board, module_base);
        configuration
    }

    /// No VM, and everything as by default.
    fn nothing() -> Self {
        Self {
            vms: Vec::new(),
            errors: Vec::new(),
            warnings: Vec::new(),
            housekeeping_core: None,
            escape_key: DEFAULT_ESCAPE_KEY,
            when_all_off: WhenAllOff::PowerOff,
            max_list_registers: None,
        }
    }

    /// Reads the hypervisor's own properties from `node`.
    fn read_own(&mut self, node: &Node<'_>, board: &Board) {
        if !node.is_compatible(&[property::HYPERVISOR]) {
            self.errors.push(mistake(node, "compatible", "\"bulkhead,hypervisor\""));
        }
        warn_of_unknown(node, &property::HYPERVISOR_PROPERTIES, &mut self.warnings);
        let cores = board.cpus.len();
        if let Some(core) = self.number(node, property::HOUSEKEEPING_CORE, 0, cores.saturating_sub(1)) {
            self.housekeeping_core = Some(core);
        }
        if let Some(key) = self.number(node, property::ESCAPE_KEY, 0, u8::MAX.into()) {
            self.escape_key = u8::try_from(key).unwrap_or(DEFAULT_ESCAPE_KEY);
        }
        let most = self.number(node, property::MAX_LIST_REGISTERS, 1, MOST_LIST_REGISTERS.into());
        self.max_list_registers = most.and_then(|most| u8::try_from(most).ok());
        match node.property(property::WHEN_ALL_OFF).map(|value| value.string()) {
            None | Some(Some(property::POWER_OFF)) => {}
            Some(Some(property::STAY)) => self.when_all_off = WhenAllOff::Stay,
            Some(_) => self.errors.push(mistake(node, property::WHEN_ALL_OFF, "\"power-off\" or \"stay\"")),
        }
    }

    /// The number in `node`'s property `name` if it is there; one that is not within `least` and `most` is a
    /// mistake.
    fn number(&mut self, node: &Node<'_>, name: &str, least: usize, most: usize) -> Option<usize> {
        let number = node.property(name)?.u32().and_then(|number| usize::try_from(number).ok());
        let number = number.filter(|number| (least..=most).contains(number));
        if number.is_none() {
            self.errors.push(mistake(node, name, &alloc::format!("a number from {least} to {most}, in one cell")));
        }
        number
    }

    /// Reads the VMs' nodes, or else makes one VM of loose modules.
    fn read_vms(&mut self, view: &View<'_>, board: &Board, module_base: Option<Pa>) {
        let chosen = view.find("/chosen");
        let own = chosen.as_ref().and_then(|chosen| chosen.child(property::HYPERVISOR_NODE));
        let parents = [own, chosen];
        let children = || parents.iter().flatten().flat_map(Node::children);
        let context = read_vm::Context { board, module_base };
        for node in children().filter(|node| is_vm(node) && node.is_enabled()) {
            let vm = read_vm::read(&node, &context, &mut self.warnings);
            self.add(vm);
        }
        let loose: Vec<Node<'_>> = children().filter(|node| node.is_compatible(&[property::MODULE])).collect();
        if self.vms.is_empty() && !loose.is_empty() {
            let vm = read_vm::read_default(&loose, &context, &mut self.warnings);
            self.vms.push(vm);
        } else {
            let ignored =
                |node: &Node<'_>| mistake(node, "", "no module outside the VMs' nodes, where it has no effect");
            self.warnings.extend(loose.iter().map(ignored));
        }
        if self.vms.is_empty() {
            let expected = "VMs: children with compatible = \"bulkhead,vm\", or modules in /chosen";
            self.errors.push(mistake_at(property::HYPERVISOR_PATH, "", "without VMs", expected));
        }
    }

    /// Adds `vm`, unless its name is taken.
    fn add(&mut self, vm: Result<VmConfig, RefusedVm>) {
        let vm = vm.and_then(|vm| match self.vms.iter().flatten().find(|other| other.name == vm.name) {
            None => Ok(vm),
            Some(other) => {
                let expected = alloc::format!("a name that no other VM has: {} has it", other.node);
                let error = mistake_at(&vm.node, property::NAME, &alloc::format!("\"{}\"", vm.name), &expected);
                Err(RefusedVm { name: vm.name, errors: alloc::vec![error] })
            }
        });
        self.vms.push(vm);
    }
}

fn is_vm(node: &Node<'_>) -> bool {
    node.is_compatible(&[property::VM, property::XEN_DOMAIN])
}

/// Warns of every property of `node` that is not among `known`.
pub(super) fn warn_of_unknown(node: &Node<'_>, known: &[&str], warnings: &mut Vec<ConfigError>) {
    let unknown = node.properties().filter(|property| !known.contains(&property.name));
    warnings.extend(
        unknown.map(|property| mistake(node, property.name, "a property that is known: this one has no effect")),
    );
}
