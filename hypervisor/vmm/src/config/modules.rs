//! Reads the modules of a VM: its kernel, RAM disk and device tree.

use super::mistake::{Mistakes, missing, mistake, warn_of_unknown};
use super::vm::{Module, VmPlan};
use crate::address::{Pa, Range};
use crate::fdt::Node;
use bulkhead_abi::property;

/// Every property of a module's node.
#[cfg(feature = "formats")]
const MODULE_PROPERTIES: &[&str] = &property::MODULE_PROPERTIES_WITH_FORMATS;
#[cfg(not(feature = "formats"))]
const MODULE_PROPERTIES: &[&str] = &property::MODULE_PROPERTIES;

const COMPATIBLE: &str = "compatible";

/// Reads the modules of `vm` among `nodes`; gives the kernel's node.
pub(super) fn read<'t>(vm: &mut VmPlan, nodes: &[Node<'t>], base: Pa, warnings: &mut Mistakes) -> Option<Node<'t>> {
    let mut kernel = None;
    for node in nodes {
        #[cfg(feature = "devices")]
        if super::devices::is_device(node) {
            continue;
        }
        if !node.is_compatible(&[property::MODULE]) {
            mistake(warnings, node, COMPATIBLE, format_args!("\"multiboot,module\": this node has no effect"));
            continue;
        }
        if !node.is_enabled() {
            continue;
        }
        warn_of_unknown(warnings, node, MODULE_PROPERTIES);
        let VmPlan { vm, errors, .. } = &mut *vm;
        // The second of a kind takes the place of the first: its VM is refused.
        let is_second = if node.is_compatible(&[property::KERNEL]) {
            if let Some(module) = module(errors, node, base) {
                vm.kernel = module;
            }
            #[cfg(feature = "formats")]
            super::place::kernel(vm, errors, node);
            kernel.replace(*node).is_some()
        } else if node.is_compatible(&[property::RAMDISK]) {
            core::mem::replace(&mut vm.ramdisk, module(errors, node, base)).is_some()
        } else if node.is_compatible(&[property::DEVICE_TREE]) {
            core::mem::replace(&mut vm.device_tree, module(errors, node, base)).is_some()
        } else {
            let expected =
                "\"multiboot,kernel\", \"multiboot,ramdisk\" or \"multiboot,device-tree\" beside \"multiboot,module\"";
            mistake(errors, node, COMPATIBLE, format_args!("{expected}"));
            continue;
        };
        if is_second {
            mistake(errors, node, COMPATIBLE, format_args!("one module of a kind: this is the second"));
        }
    }
    if kernel.is_none() {
        let expected = "a child with compatible = \"multiboot,kernel\", \"multiboot,module\"";
        missing(&mut vm.errors, &vm.vm.node, "without a kernel", expected);
    }
    kernel
}

/// The module at `node`.
fn module(errors: &mut Mistakes, node: &Node<'_>, base: Pa) -> Option<Module> {
    let reg = node.reg_as(node.inherited_cell_counts());
    let range = match reg.as_deref() {
        Some([(address, size)]) => base.checked_add(*address).and_then(|start| Range::<Pa>::new(start, *size)),
        _ => None,
    };
    if range.is_none() {
        let expected = if node.has(property::FILE) && !node.has(property::REG) {
            "the module's address and size: pack the configuration by `bulkhead pack`"
        } else {
            "address and size of bytes within 64 bits, once, as #address-cells and #size-cells say"
        };
        mistake(errors, node, property::REG, format_args!("{expected}"));
    }
    Some(Module { node: node.path(), range: range? })
}
