//! Reads one VM's node. Every mistake in it is said, not only the first.

use super::board::{Board, Enable, GicVersion};
use super::configuration::warn_of_unknown;
use super::machine::{MachineLayout, RAM_ALIGNMENT};
use super::mistake::{mistake, mistake_at};
use super::modules;
use super::vm::{Cores, GuestGic, Memory, Policy, RefusedVm, VmConfig};
use crate::address::{Ipa, PAGE_SIZE, Pa};
use crate::fault::ConfigError;
use crate::fdt::Node;
use crate::vcpu::VcpuId;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use bulkhead_abi::property;

/// The name of the VM that loose modules make.
const DEFAULT_NAME: &str = "guest";
/// Names that mean something else to the console and the monitor.
const TAKEN_NAMES: [&str; 3] = ["hypervisor", "monitor", "all"];
/// A VM's name has at most this many bytes.
const LONGEST_NAME: usize = 31;
/// A command line has at most this many bytes: twice what Linux takes.
const LONGEST_BOOTARGS: usize = 4096;

/// What a VM's node is read against.
pub(super) struct Context<'b> {
    pub board: &'b Board,
    pub module_base: Option<Pa>,
}

/// Collects mistakes.
#[derive(Default)]
struct Mistakes(Vec<ConfigError>);

impl Mistakes {
    /// The value, or a note of why there is none.
    fn note<T>(&mut self, result: Result<T, ConfigError>) -> Option<T> {
        result.map_err(|error| self.0.push(error)).ok()
    }
}

/// Reads the VM at `node`.
pub(super) fn read(
    node: &Node<'_>,
    context: &Context<'_>,
    warnings: &mut Vec<ConfigError>,
) -> Result<VmConfig, RefusedVm> {
    let mut mistakes = Mistakes::default();
    warn_of_unknown(node, &property::VM_PROPERTIES, warnings);
    let vm = collect(node, context, &mut mistakes, warnings).filter(|_| mistakes.0.is_empty());
    vm.ok_or_else(|| RefusedVm { name: name(node).unwrap_or_else(|_| node.name().into()), errors: mistakes.0 })
}

/// Everything that the VM's node says. Each part is read whether or not another is wrong.
fn collect(
    node: &Node<'_>,
    context: &Context<'_>,
    mistakes: &mut Mistakes,
    warnings: &mut Vec<ConfigError>,
) -> Option<VmConfig> {
    let children: Vec<Node<'_>> = node.children().collect();
    let modules = modules::read(node, &children, context.module_base, warnings);
    let modules = modules.map_err(|errors| mistakes.0.extend(errors)).ok();
    let name = mistakes.note(name(node));
    let cores = mistakes.note(cores(node, context.board));
    let memory = mistakes.note(memory(node));
    let layout = mistakes.note(layout(node));
    mistakes.0.extend(memory_over_devices(node, &cores, &memory, &layout));
    let bootargs = mistakes.note(bootargs(node, modules.as_ref().and_then(|modules| modules.bootargs.as_deref())));
    let gic = mistakes.note(gic(node, context.board));
    let mut policy = |name, default| mistakes.note(policy(node, name, default));
    let on_power_off = policy(property::ON_POWER_OFF, Policy::Halt);
    let on_reset = policy(property::ON_RESET, Policy::Restart);
    let on_fault = policy(property::ON_FAULT, Policy::Halt);
    let modules = modules?;
    Some(VmConfig {
        name: name?,
        node: node.path(),
        cores: cores?,
        memory: memory?,
        kernel: modules.kernel,
        ramdisk: modules.ramdisk,
        device_tree: modules.device_tree,
        bootargs: bootargs?,
        console: !node.has(property::NO_CONSOLE),
        gic: gic?,
        on_power_off: on_power_off?,
        on_reset: on_reset?,
        on_fault: on_fault?,
        layout: layout?,
    })
}

/// The VM that modules outside every VM's node make: all cores, all RAM that is left, everything as by default.
pub(super) fn read_default(
    loose: &[Node<'_>],
    context: &Context<'_>,
    warnings: &mut Vec<ConfigError>,
) -> Result<VmConfig, RefusedVm> {
    let refused = |errors| RefusedVm { name: DEFAULT_NAME.into(), errors };
    let chosen = loose.first().and_then(Node::parent);
    let chosen = chosen.ok_or_else(|| refused(alloc::vec![mistake_at("/chosen", "", "absent", "modules")]))?;
    let modules = modules::read(&chosen, loose, context.module_base, warnings).map_err(refused)?;
    Ok(VmConfig {
        name: DEFAULT_NAME.into(),
        node: chosen.path(),
        cores: Cores::All,
        memory: Memory { size: None, address: None },
        kernel: modules.kernel,
        ramdisk: modules.ramdisk,
        device_tree: modules.device_tree,
        bootargs: modules.bootargs.unwrap_or_default(),
        console: true,
        gic: None,
        on_power_off: Policy::Halt,
        on_reset: Policy::Restart,
        on_fault: Policy::Halt,
        layout: MachineLayout::default(),
    })
}

fn name(node: &Node<'_>) -> Result<String, ConfigError> {
    let given = node.property(property::NAME);
    let name = given.map_or(Some(node.base_name()), |name| name.string()).unwrap_or_default();
    let signs = name.bytes().all(|sign| sign.is_ascii_alphanumeric() || b"._-".contains(&sign));
    if (1..=LONGEST_NAME).contains(&name.len()) && signs && !TAKEN_NAMES.contains(&name) {
        return Ok(name.into());
    }
    let expected = "1 to 31 letters, digits, dots, dashes and underscores, and not hypervisor, monitor or all";
    match given {
        Some(_) => Err(mistake(node, property::NAME, expected)),
        None => Err(mistake_at(&node.path(), "name", &format!("\"{name}\""), expected)),
    }
}

/// The cores: a count by `cpus`, a list by `bulkhead,cores`, or both if they agree.
fn cores(node: &Node<'_>, board: &Board) -> Result<Cores, ConfigError> {
    let count = match node.property(property::CPUS) {
        Some(count) => {
            Some(core_count(count.u32(), board).map_err(|expected| mistake(node, property::CPUS, &expected))?)
        }
        None => None,
    };
    let Some(list) = node.property(property::CORES) else {
        let count = count.ok_or_else(|| mistake(node, property::CPUS, "a number of cores here, or bulkhead,cores"))?;
        return Ok(Cores::Count(count));
    };
    let list = list.cells().unwrap_or_default().into_iter().map(|core| core as usize).collect();
    let list = exact_cores(list, board).map_err(|expected| mistake(node, property::CORES, &expected))?;
    match count {
        Some(count) if count != list.len() => {
            Err(mistake(node, property::CORES, &format!("{count} cores, as cpus says")))
        }
        _ => Ok(Cores::Exact(list)),
    }
}

/// Checks a number of cores; says what was expected if it is bad.
fn core_count(count: Option<u32>, board: &Board) -> Result<usize, String> {
    let most = board.cpus.len().min(VcpuId::MAXIMUM.into());
    let count = count.and_then(|count| usize::try_from(count).ok());
    let good = count.filter(|count| (1..=most).contains(count));
    good.ok_or_else(|| {
        format!("1 to {most} in one cell: each vCPU has a core of its own, and the board has {}", board.cpus.len())
    })
}

/// Checks a list of cores; says what was expected if it is bad.
fn exact_cores(list: Vec<usize>, board: &Board) -> Result<Vec<usize>, String> {
    let distinct = list.iter().enumerate().all(|(index, core)| !list.iter().take(index).any(|other| other == core));
    if list.is_empty() || list.len() > VcpuId::MAXIMUM.into() || !distinct {
        return Err(format!("1 to {} different cores, one cell each", VcpuId::MAXIMUM));
    }
    for core in &list {
        match board.cpus.get(*core) {
            None => return Err(format!("cores below {}: the board has no core {core}", board.cpus.len())),
            Some(cpu) if cpu.enable == Enable::Disabled => {
                return Err(format!("cores that can be started: {core} cannot"));
            }
            Some(_) => {}
        }
    }
    Ok(list)
}

fn memory(node: &Node<'_>) -> Result<Memory, ConfigError> {
    let kibibytes = node.property(property::MEMORY).and_then(|size| size.number());
    let size = kibibytes.and_then(|size| size.checked_mul(1024)).filter(|size| *size != 0 && size % PAGE_SIZE == 0);
    let size = size.ok_or_else(|| mistake(node, property::MEMORY, "KiB in two cells, a multiple of 4 and not 0"))?;
    let address = match node.property(property::MEMORY_ADDRESS) {
        None => None,
        Some(address) => {
            let address = address.number().filter(|address| address % PAGE_SIZE == 0).map(Pa::new);
            Some(address.ok_or_else(|| mistake(node, property::MEMORY_ADDRESS, "a multiple of 4096 in two cells"))?)
        }
    };
    Ok(Memory { size: Some(size), address })
}

fn layout(node: &Node<'_>) -> Result<MachineLayout, ConfigError> {
    let Some(base) = node.property(property::GUEST_BASE) else { return Ok(MachineLayout::default()) };
    let base = base.number().filter(|base| base % RAM_ALIGNMENT == 0);
    let base = base.ok_or_else(|| mistake(node, property::GUEST_BASE, "a multiple of 2 MiB in two cells"))?;
    Ok(MachineLayout { ram_base: Ipa::new(base), ..MachineLayout::default() })
}

/// The mistake that the guest's RAM covers its devices or ends too high.
fn memory_over_devices(
    node: &Node<'_>,
    cores: &Option<Cores>,
    memory: &Option<Memory>,
    layout: &Option<MachineLayout>,
) -> Option<ConfigError> {
    let (layout, size) = (layout.as_ref()?, memory.as_ref()?.size?);
    let vcpus = match cores.as_ref()? {
        Cores::Count(count) => *count,
        Cores::Exact(list) => list.len(),
        Cores::All => VcpuId::MAXIMUM.into(),
    };
    let Some(ram) = layout.ram(size) else {
        return Some(mistake(node, property::MEMORY, "RAM that ends below 1 TiB for the guest"));
    };
    let device = layout.overlapped(&ram, vcpus)?;
    Some(mistake(node, property::GUEST_BASE, &format!("RAM beside the devices: at {ram} it covers {device}")))
}

/// The command line: in the VM's node or, as Xen has it, in its kernel's.
fn bootargs(node: &Node<'_>, kernel: Option<&str>) -> Result<String, ConfigError> {
    let own = node.property(property::BOOTARGS);
    let bad = || {
        mistake(
            node,
            property::BOOTARGS,
            &format!("one string of at most {LONGEST_BOOTARGS} bytes, here or in the kernel's node"),
        )
    };
    let bootargs = match (own, kernel) {
        (Some(_), Some(_)) => return Err(bad()),
        (Some(own), None) => own.string().ok_or_else(bad)?,
        (None, kernel) => kernel.unwrap_or_default(),
    };
    if bootargs.len() <= LONGEST_BOOTARGS { Ok(bootargs.into()) } else { Err(bad()) }
}

fn gic(node: &Node<'_>, board: &Board) -> Result<Option<GuestGic>, ConfigError> {
    let Some(version) = node.property(property::GIC_VERSION) else { return Ok(None) };
    match (version.u32(), &board.gic.version) {
        (Some(2), GicVersion::V2 { .. }) => Ok(Some(GuestGic::V2)),
        (Some(3), GicVersion::V3 { .. }) => Ok(Some(GuestGic::V3)),
        (_, GicVersion::V2 { .. }) => Err(mistake(node, property::GIC_VERSION, "<2>, the version of the board's GIC")),
        (_, GicVersion::V3 { .. }) => Err(mistake(node, property::GIC_VERSION, "<3>, the version of the board's GIC")),
    }
}

fn policy(node: &Node<'_>, name: &str, default: Policy) -> Result<Policy, ConfigError> {
    let Some(policy) = node.property(name) else { return Ok(default) };
    match policy.string() {
        Some(property::HALT) => Ok(Policy::Halt),
        Some(property::RESTART) => Ok(Policy::Restart),
        Some(property::REPORT) => Ok(Policy::Report),
        _ => Err(mistake(node, name, "\"halt\", \"restart\" or \"report\"")),
    }
}
