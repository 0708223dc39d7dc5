//! Reads one VM's node. Every mistake in it is said, not only the first.

use super::board::Board;
use super::machine::RAM_ALIGNMENT;
use super::mistake::{Mistakes, mistake, number, warn_of_unknown};
use super::modules;
use super::vm::{Cores, GuestGic, Memory, Policy, VmPlan};
use crate::address::{Ipa, PAGE_SIZE, Pa};
use crate::fdt::Node;
use crate::vcpu::VcpuId;
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

/// Every property of a VM's node.
#[cfg(feature = "formats")]
const VM_PROPERTIES: &[&str] = &property::VM_PROPERTIES_WITH_FORMATS;
#[cfg(not(feature = "formats"))]
const VM_PROPERTIES: &[&str] = &property::VM_PROPERTIES;

/// What a VM's node is read against.
pub(super) struct Context<'b> {
    pub board: &'b Board,
    /// What the modules' addresses count from.
    pub module_base: Pa,
}

/// Reads the VM at `node`. Each part is read whether or not another is wrong.
pub(super) fn read(node: &Node<'_>, context: &Context<'_>, warnings: &mut Mistakes) -> VmPlan {
    let board = context.board;
    let mut vm = VmPlan::new(node.name(), node.path(), board.gic.version.of_guests());
    warn_of_unknown(warnings, node, VM_PROPERTIES);
    let children: Vec<Node<'_>> = node.children().collect();
    let kernel = modules::read(&mut vm, &children, context.module_base, warnings);
    #[cfg(feature = "formats")]
    super::place::tree(&mut vm, node);
    name(&mut vm, node);
    cores(&mut vm, node, board);
    gic(&mut vm, node);
    vm.vm.console = !node.has(property::NO_CONSOLE);
    #[cfg(feature = "devices")]
    super::devices::read(&mut vm, &children, warnings);
    memory(&mut vm, node);
    bootargs(&mut vm, [kernel, Some(*node)]);
    policy(&mut vm.errors, node, property::ON_POWER_OFF, &mut vm.vm.on_power_off);
    policy(&mut vm.errors, node, property::ON_RESET, &mut vm.vm.on_reset);
    policy(&mut vm.errors, node, property::ON_FAULT, &mut vm.vm.on_fault);
    vm
}

/// The VM that modules outside every VM's node make: all cores, all RAM that is left, everything as by default.
pub(super) fn read_default(loose: &[Node<'_>], context: &Context<'_>, warnings: &mut Mistakes) -> VmPlan {
    let mut vm = VmPlan::new(DEFAULT_NAME, "/chosen".into(), context.board.gic.version.of_guests());
    let kernel = modules::read(&mut vm, loose, context.module_base, warnings);
    bootargs(&mut vm, [kernel, None]);
    vm
}

fn name(vm: &mut VmPlan, node: &Node<'_>) {
    let given = node.property(property::NAME);
    let name = given.map_or(Some(node.base_name()), |name| name.string()).unwrap_or_default();
    let signs = name.bytes().all(|sign| sign.is_ascii_alphanumeric() || b"._-".contains(&sign));
    if signs && (1..=LONGEST_NAME).contains(&name.len()) && !TAKEN_NAMES.contains(&name) {
        vm.vm.name = name.into();
    } else {
        let expected = "1 to 31 letters, digits, dots, dashes and underscores, and not hypervisor, monitor or all";
        mistake(&mut vm.errors, node, property::NAME, format_args!("{expected}"));
    }
}

/// The cores: a count by `cpus`, a list by `bulkhead,cores`, or both if they agree.
fn cores(vm: &mut VmPlan, node: &Node<'_>, board: &Board) {
    let errors = &mut vm.errors;
    let count = node.property(property::CPUS).map(|count| count.u32().unwrap_or(0) as usize);
    let (all, vcpus) = (board.cpus.len(), usize::from(VcpuId::MAXIMUM));
    let most = all.min(vcpus);
    if count.is_some_and(|count| count == 0 || count > most) {
        let expected =
            format_args!("1 to {most} in one cell: each vCPU has a core of its own, and the board has {all}");
        return mistake(errors, node, property::CPUS, expected);
    }
    vm.vm.cores = match (node.property(property::CORES).map(|list| list.cells().unwrap_or_default()), count) {
        (None, None) => {
            return mistake(errors, node, property::CPUS, format_args!("a number of cores here, or bulkhead,cores"));
        }
        (None, Some(count)) => Cores::Count(count),
        (Some(list), _) => {
            let mut cores = Vec::new();
            for core in &list {
                let core = *core as usize;
                if !board.can_start(core) || cores.contains(&core) || cores.len() == vcpus {
                    cores.clear();
                    break;
                }
                cores.push(core);
            }
            if cores.is_empty() {
                let expected =
                    format_args!("1 to {vcpus} different cores below {all} that can be started, one cell each");
                return mistake(errors, node, property::CORES, expected);
            }
            if let Some(count) = count
                && count != cores.len()
            {
                return mistake(errors, node, property::CORES, format_args!("{count} cores, as cpus says"));
            }
            Cores::Exact(cores)
        }
    };
}

/// RAM: how much, where in the machine, and where the guest sees it, which is beside its devices.
fn memory(vm: &mut VmPlan, node: &Node<'_>) {
    let errors = &mut vm.errors;
    let kibibytes = node.property(property::MEMORY).and_then(|size| size.number()).unwrap_or(0);
    let size = kibibytes.checked_mul(1024).filter(|size| *size != 0 && size % PAGE_SIZE == 0);
    let expected = "a multiple of 4096 in two cells";
    let address = number(errors, node, property::MEMORY_ADDRESS, PAGE_SIZE, expected).map(Pa::new);
    vm.vm.memory = Memory { size, address };
    let expected = "a multiple of 2 MiB in two cells";
    if let Some(base) = number(errors, node, property::GUEST_BASE, RAM_ALIGNMENT, expected) {
        vm.vm.layout.ram_base = Ipa::new(base);
    }
    let Some(size) = size else {
        return mistake(errors, node, property::MEMORY, format_args!("KiB in two cells, a multiple of 4 and not 0"));
    };
    let Some(ram) = vm.vm.layout.ram(size) else {
        return mistake(errors, node, property::MEMORY, format_args!("RAM that ends below 512 GiB for the guest"));
    };
    if let Some(device) = vm.vm.layout.overlapped(&ram, vm.gic) {
        let expected = format_args!("RAM beside the devices: at {ram} it covers {device}");
        mistake(errors, node, property::GUEST_BASE, expected);
    }
}

/// The command line: in one of `places`, the kernel's node, as Xen has it, and the VM's.
fn bootargs(vm: &mut VmPlan, places: [Option<Node<'_>>; 2]) {
    let mut given = false;
    for node in places.iter().flatten() {
        let Some(text) = node.property(property::BOOTARGS) else { continue };
        match text.string() {
            Some(text) if text.len() <= LONGEST_BOOTARGS && !given => vm.vm.bootargs = text.into(),
            _ => {
                let expected =
                    format_args!("one string of at most {LONGEST_BOOTARGS} bytes, here or in the kernel's node");
                mistake(&mut vm.errors, node, property::BOOTARGS, expected);
            }
        }
        given = true;
    }
}

fn gic(vm: &mut VmPlan, node: &Node<'_>) {
    let own: u64 = match vm.gic {
        GuestGic::V2 => 2,
        GuestGic::V3 => 3,
    };
    if node.property(property::GIC_VERSION).is_some_and(|version| version.u32().map(u64::from) != Some(own)) {
        let expected = format_args!("<{own}>, the version of the board's GIC");
        mistake(&mut vm.errors, node, property::GIC_VERSION, expected);
    }
}

fn policy(errors: &mut Mistakes, node: &Node<'_>, name: &'static str, policy: &mut Policy) {
    let Some(given) = node.property(name) else { return };
    match Policy::ALL.iter().find(|policy| given.string() == Some(policy.word())) {
        Some(given) => *policy = *given,
        None => mistake(errors, node, name, format_args!("\"halt\", \"restart\" or \"report\"")),
    }
}
