//! Finds every mistake in a configuration before it is flashed, and says who would get what.

use crate::error::ToolError;
use crate::kernel;
use crate::modules::{self, Files, Given, ModuleFile};
use crate::pack::Layout;
use crate::source::Source;
use bulkhead_abi::property;
use bulkhead_vmm::address::{Pa, Range};
use bulkhead_vmm::config::Configuration;
use bulkhead_vmm::config::board::Board;
use bulkhead_vmm::config::plan::{self, Occupied, Plan, VmPlan};
use bulkhead_vmm::fault::ConfigError;
use bulkhead_vmm::fdt::Tree;
use bulkhead_vmm::kernel_image::{LoadPlan, unreadable};
use std::fmt::Display;

/// Size of the hypervisor, in bytes, if no image is given: larger than it is ever to be.
pub const ASSUMED_IMAGE_SIZE: u64 = 2 << 20;
/// Where firmware is assumed to load the hypervisor: so many bytes above the start of RAM, as QEMU does.
const ASSUMED_LOAD_OFFSET: u64 = 2 << 20;
/// The hypervisor may be loaded at multiples of this (Linux Documentation/arch/arm64/booting.rst).
const LOAD_ALIGNMENT: u64 = 2 << 20;

/// What the board will be given.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    /// Bytes that the hypervisor's image takes in memory, without a pack.
    pub image_size: Option<u64>,
    /// Where the firmware loads it.
    pub image_base: Option<u64>,
    /// Files for modules, in the place of those that the configuration names.
    pub given: Vec<Given>,
}

/// What was found.
pub struct Report {
    /// Every mistake, a line each: file, node, property, value and expectation.
    pub mistakes: Vec<String>,
    /// What has no effect, likewise.
    pub warnings: Vec<String>,
    /// The result, unless the board's tree is too bad for one.
    pub outcome: Option<Outcome>,
}

/// Who would get what.
pub struct Outcome {
    /// The machine.
    pub board: Board,
    /// Cores and memory.
    pub plan: Plan,
    /// What is in memory when the hypervisor starts, besides modules.
    pub occupied: Vec<Occupied>,
}

/// Checks the configuration in `config` for the board of the tree in `board`.
///
/// # Errors
/// `setup` names a module that is not there, or the hypervisor itself does not fit. Mistakes in the trees are in the
/// report.
pub fn check(config: &Source, board: &Source, setup: &Setup) -> Result<Report, ToolError> {
    if config.packed.is_some() && !setup.given.is_empty() {
        return Err(ToolError(format!("--module: {} is packed and holds its modules", config.path.display())));
    }
    let Files { files, missing } = modules::files(config, &setup.given)?;
    let mut mistakes: Vec<String> = missing.iter().map(|(_, error)| error.to_string()).collect();
    let machine = match Board::read(&board.tree) {
        Ok(machine) => machine,
        Err(error) => {
            mistakes.push(located(board, &error));
            return Ok(Report { mistakes, warnings: Vec::new(), outcome: None });
        }
    };
    let image = image_range(config, &machine, setup)?;
    // A file that is missing has been said already: something stands in for it, so that the rest is checked too.
    let stand_in = |path: &String| ModuleFile { path: path.clone(), bytes: vec![0; 1] };
    let all: Vec<ModuleFile> = files.iter().cloned().chain(missing.iter().map(|(path, _)| stand_in(path))).collect();
    let placed = Placed::new(config, &all, &image).unwrap_or_else(|error| {
        mistakes.push(located(config, &error));
        Placed { tree: config.tree.clone(), base: None }
    });
    let configuration = Configuration::read(&placed.tree, &machine, placed.base);
    let mut warnings: Vec<String> = configuration.warnings.iter().map(|warning| located(config, warning)).collect();
    warnings.extend(machine.warnings.iter().map(|warning| located(board, warning)));
    let mut found = configuration.errors.clone();
    let occupied = vec![Occupied { by: "the hypervisor", range: image, released: false }];
    let plan = plan::plan(&machine, configuration, &occupied);
    found.extend(plan_mistakes(&plan));
    let named = modules::named(config, &setup.given);
    found.extend(plan.starting().filter_map(|vm| load_mistake(vm, kernel_of(vm, &files)?, &named)));
    mistakes.extend(found.iter().map(|error| located(config, error)));
    Ok(Report { mistakes, warnings, outcome: Some(Outcome { board: machine, plan, occupied }) })
}

/// `error` with the file that it is in.
fn located(file: &Source, error: &dyn Display) -> String {
    format!("{}: {error}", file.path.display())
}

/// Why VMs are refused, and what else is wrong with `plan`.
fn plan_mistakes(plan: &Plan) -> Vec<ConfigError> {
    plan.errors.iter().chain(plan.vms.iter().flat_map(|vm| &vm.errors)).cloned().collect()
}

/// A configuration whose modules have their places.
struct Placed {
    tree: Tree,
    /// What the modules' addresses count from; `None`: they are physical.
    base: Option<Pa>,
}

impl Placed {
    /// `config` with `files` where `pack` would put them behind the hypervisor at `image`; as it is if it is packed or
    /// names no files.
    fn new(config: &Source, files: &[ModuleFile], image: &Range<Pa>) -> Result<Self, ToolError> {
        if config.packed.is_some() {
            return Ok(Self { tree: config.tree.clone(), base: Some(image.start()) });
        }
        if files.is_empty() {
            return Ok(Self { tree: config.tree.clone(), base: None });
        }
        let layout = Layout::new(&config.tree, image.size(), files)?;
        let tree = Tree::new(&layout.tree).map_err(|error| ToolError(error.to_string()))?;
        Ok(Self { tree, base: Some(image.start()) })
    }
}

/// Where the hypervisor's image lies.
fn image_range(config: &Source, board: &Board, setup: &Setup) -> Result<Range<Pa>, ToolError> {
    let own_size = config.packed.as_ref().map(|(header, _)| header.bare_size);
    let size = own_size.or(setup.image_size).unwrap_or(ASSUMED_IMAGE_SIZE);
    let ram = board.memory.first().map_or(0, |ram| ram.start().get());
    let base = setup.image_base.unwrap_or(ram.next_multiple_of(ASSUMED_LOAD_OFFSET) + ASSUMED_LOAD_OFFSET);
    if !base.is_multiple_of(LOAD_ALIGNMENT) {
        return Err(ToolError(format!("--image-base is {base:#x}; expected a multiple of 2 MiB")));
    }
    let range = Range::<Pa>::new(Pa::new(base), size).filter(|range| board.is_ram(range));
    range.ok_or_else(|| ToolError(format!("the hypervisor does not fit into RAM at {base:#x}; give --image-base")))
}

/// The kernel's file of `vm`, if it is at hand.
fn kernel_of<'f>(vm: &VmPlan, files: &'f [ModuleFile]) -> Option<&'f [u8]> {
    files.iter().find(|file| file.path == vm.vm.kernel.node).map(|file| file.bytes.as_slice())
}

/// Why `vm` cannot be loaded. That its kernel's file is none is said where one of `named` names the file.
fn load_mistake(vm: &VmPlan, bytes: &[u8], named: &[(String, String)]) -> Option<ConfigError> {
    let file = kernel::open(bytes);
    let unknown = match &file {
        Ok(file) => file.format(vm.vm.raw.is_some()).err(),
        Err(unknown) => Some(*unknown),
    };
    let named = named.iter().find(|(node, _)| *node == vm.vm.kernel.node);
    match (unknown, named) {
        (Some(unknown), Some((node, name))) => {
            let value = format_args!("{name}, which starts with {unknown}");
            Some(ConfigError::new(node, property::FILE, value, format_args!("an arm64 Image or an ELF file")))
        }
        (Some(unknown), None) => Some(unreadable(&vm.vm, &unknown)),
        (None, _) => LoadPlan::new(&vm.vm, vm.vm.layout.ram(vm.memory_size)?, &file.ok()?).err(),
    }
}
