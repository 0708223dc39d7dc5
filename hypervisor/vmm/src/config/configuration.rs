//! Reads `/chosen/hypervisor` and finds the VMs.

use super::board::Board;
use super::mistake::{Mistakes, missing, mistake, warn_of_unknown};
use super::read_vm;
use super::vm::VmPlan;
use crate::address::Pa;
use crate::fault::ConfigError;
use crate::fdt::{Node, Tree};
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
    pub vms: Vec<VmPlan>,
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
        let own = view.find(property::HYPERVISOR_PATH);
        let mut configuration = Self {
            vms: Vec::new(),
            errors: Vec::new(),
            warnings: Vec::new(),
            housekeeping_core: None,
            escape_key: DEFAULT_ESCAPE_KEY,
            when_all_off: WhenAllOff::PowerOff,
            max_list_registers: None,
        };
        if let Some(node) = &own {
            configuration.read_own(node, board);
        }
        let context = read_vm::Context { board, module_base: module_base.unwrap_or(Pa::new(0)) };
        configuration.read_vms([own, view.find("/chosen")], &context);
        configuration
    }

    /// Reads the hypervisor's own properties from `node`.
    fn read_own(&mut self, node: &Node<'_>, board: &Board) {
        let errors = &mut self.errors;
        if !node.is_compatible(&[property::HYPERVISOR]) {
            mistake(errors, node, "compatible", format_args!("\"bulkhead,hypervisor\""));
        }
        warn_of_unknown(&mut self.warnings, node, &property::HYPERVISOR_PROPERTIES);
        // A board has fewer cores than this, or no more are used.
        let last_core = u8::try_from(board.cpus.len().saturating_sub(1)).unwrap_or(u8::MAX);
        self.housekeeping_core = within(errors, node, property::HOUSEKEEPING_CORE, 0, last_core).map(usize::from);
        self.escape_key = within(errors, node, property::ESCAPE_KEY, 0, u8::MAX).unwrap_or(DEFAULT_ESCAPE_KEY);
        self.max_list_registers = within(errors, node, property::MAX_LIST_REGISTERS, 1, MOST_LIST_REGISTERS);
        match node.property(property::WHEN_ALL_OFF).map(|value| value.string()) {
            None | Some(Some(property::POWER_OFF)) => {}
            Some(Some(property::STAY)) => self.when_all_off = WhenAllOff::Stay,
            Some(_) => mistake(errors, node, property::WHEN_ALL_OFF, format_args!("\"power-off\" or \"stay\"")),
        }
    }

    /// Reads the VMs' nodes below `parents`, or else makes one VM of loose modules.
    fn read_vms(&mut self, parents: [Option<Node<'_>>; 2], context: &read_vm::Context<'_>) {
        let mut loose: Vec<Node<'_>> = Vec::new();
        for parent in parents.iter().flatten() {
            for node in parent.children() {
                if node.is_compatible(&[property::MODULE]) {
                    loose.push(node);
                } else if node.is_compatible(&[property::VM, property::XEN_DOMAIN]) && node.is_enabled() {
                    let vm = read_vm::read(&node, context, &mut self.warnings);
                    self.add(vm);
                }
            }
        }
        if !self.vms.is_empty() {
            for node in &loose {
                let expected = format_args!("no module outside the VMs' nodes, where it has no effect");
                mistake(&mut self.warnings, node, "", expected);
            }
        } else if !loose.is_empty() {
            self.vms.push(read_vm::read_default(&loose, context, &mut self.warnings));
        } else if parents.first().is_none_or(Option::is_none) {
            let expected = "a configuration: pack one with its guests by `bulkhead pack`, or load a kernel as a module";
            missing(&mut self.errors, "/", "without /chosen/hypervisor, and without modules in /chosen", expected);
        } else {
            let expected = "VMs: children with compatible = \"bulkhead,vm\", or modules in /chosen";
            missing(&mut self.errors, property::HYPERVISOR_PATH, "without VMs", expected);
        }
    }

    /// Adds `vm`, which is refused if its name is taken.
    fn add(&mut self, mut vm: VmPlan) {
        let (name, good) = (&vm.vm.name, vm.is_good());
        if let Some(other) = self.vms.iter().find(|other| good && other.is_good() && other.vm.name == *name) {
            let expected = format_args!("a name that no other VM has: {} has it", other.vm.node);
            vm.errors.push(ConfigError::new(&vm.vm.node, property::NAME, format_args!("\"{name}\""), expected));
        }
        self.vms.push(vm);
    }
}

/// The number in `node`'s property `name` if it is there; one that is not within `least` and `most` is a mistake.
fn within(errors: &mut Mistakes, node: &Node<'_>, name: &'static str, least: u8, most: u8) -> Option<u8> {
    let number = node.property(name)?.u32().and_then(|number| u8::try_from(number).ok());
    let number = number.filter(|number| (least..=most).contains(number));
    if number.is_none() {
        let [least, most] = [least, most].map(usize::from);
        mistake(errors, node, name, format_args!("a number from {least} to {most}, in one cell"));
    }
    number
}
