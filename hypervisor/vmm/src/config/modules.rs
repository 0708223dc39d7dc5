//! Reads the modules of a VM: its kernel, RAM disk and device tree.

use super::configuration::warn_of_unknown;
use super::mistake::{mistake, mistake_at};
use super::vm::Module;
use crate::address::{Pa, Range};
use crate::fault::ConfigError;
use crate::fdt::Node;
use alloc::string::String;
use alloc::vec::Vec;
use bulkhead_abi::property;

/// The modules of one VM.
pub(super) struct Modules {
    pub kernel: Module,
    pub ramdisk: Option<Module>,
    pub device_tree: Option<Module>,
    /// The command line, if the kernel's node has it.
    pub bootargs: Option<String>,
}

/// Reads the modules among `nodes`, which belong to the VM at `vm`.
///
/// # Errors
/// Every mistake in them.
pub(super) fn read(
    vm: &Node<'_>,
    nodes: &[Node<'_>],
    base: Option<Pa>,
    warnings: &mut Vec<ConfigError>,
) -> Result<Modules, Vec<ConfigError>> {
    let mut errors = Vec::new();
    let is_module = |node: &&Node<'_>| node.is_compatible(&[property::MODULE]) && node.is_enabled();
    let stray = nodes.iter().filter(|node| !node.is_compatible(&[property::MODULE]));
    warnings.extend(stray.map(|node| mistake(node, "compatible", "\"multiboot,module\": this node has no effect")));
    let modules: Vec<&Node<'_>> = nodes.iter().filter(is_module).collect();
    for node in &modules {
        warn_of_unknown(node, &property::MODULE_PROPERTIES, warnings);
        if !node.is_compatible(&[property::KERNEL, property::RAMDISK, property::DEVICE_TREE]) {
            let expected =
                "\"multiboot,kernel\", \"multiboot,ramdisk\" or \"multiboot,device-tree\" beside \"multiboot,module\"";
            errors.push(mistake(node, "compatible", expected));
        }
    }
    let mut find = |kind| {
        only(&modules, kind, base).unwrap_or_else(|error| {
            errors.push(error);
            None
        })
    };
    let found = [property::KERNEL, property::RAMDISK, property::DEVICE_TREE].map(&mut find);
    let kernel_node = modules.iter().find(|node| node.is_compatible(&[property::KERNEL]));
    if kernel_node.is_none() {
        errors.push(mistake_at(
            &vm.path(),
            "",
            "without a kernel",
            "a child with compatible = \"multiboot,kernel\", \"multiboot,module\"",
        ));
    }
    let bootargs = kernel_node.and_then(|node| node.property(property::BOOTARGS));
    let bootargs = bootargs.map(|text| text.string().map(String::from));
    if let (Some(None), Some(node)) = (&bootargs, kernel_node) {
        errors.push(mistake(node, property::BOOTARGS, "one string"));
    }
    match found {
        [Some(kernel), ramdisk, device_tree] if errors.is_empty() => {
            Ok(Modules { kernel, ramdisk, device_tree, bootargs: bootargs.flatten() })
        }
        _ => Err(errors),
    }
}

/// The one module of the kind `kind`, if there is any.
fn only(modules: &[&Node<'_>], kind: &str, base: Option<Pa>) -> Result<Option<Module>, ConfigError> {
    let mut found = modules.iter().filter(|node| node.is_compatible(&[kind]));
    match (found.next(), found.next()) {
        (None, _) => Ok(None),
        (Some(node), None) => module(node, base).map(Some),
        (Some(_), Some(second)) => Err(mistake(second, "compatible", "one module of a kind: this is the second")),
    }
}

/// The module at `node`.
fn module(node: &Node<'_>, base: Option<Pa>) -> Result<Module, ConfigError> {
    if !node.has(property::REG) && node.has(property::FILE) {
        return Err(mistake(
            node,
            property::REG,
            "the module's address and size: pack the configuration by `bulkhead pack`",
        ));
    }
    let reg = node.reg_as(node.inherited_cell_counts());
    let Some([(address, size)]) = reg.as_deref() else {
        return Err(mistake(
            node,
            property::REG,
            "one pair of address and size, as #address-cells and #size-cells say",
        ));
    };
    let start = base.unwrap_or(Pa::new(0)).checked_add(*address);
    let range = start.and_then(|start| Range::<Pa>::new(start, *size));
    let range = range
        .ok_or_else(|| mistake(node, property::REG, "a module that is not empty and ends within the address space"))?;
    Ok(Module { node: node.path(), range })
}
