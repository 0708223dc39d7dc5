//! The configurations that the documentation shows, on boards.

use crate::fdt::corpus::SOURCES;
use crate::fdt::dts;
use bulkhead_vmm::address::{Pa, Range};
use bulkhead_vmm::config::machine::MachineLayout;
use bulkhead_vmm::config::{Cores, Memory, Module, Policy, TreePlace, VmConfig};
use bulkhead_vmm::fdt::Tree;

/// The documentation's examples, by name.
pub const EXAMPLES: [(&str, &str); 4] = [
    ("two-guests", include_str!("../../../../hypervisor/docs/schema/examples/two-guests.dts")),
    ("every-property", include_str!("../../../../hypervisor/docs/schema/examples/every-property.dts")),
    ("dom0less", include_str!("../../../../hypervisor/docs/schema/examples/dom0less.dts")),
    ("loose-modules", include_str!("../../../../hypervisor/docs/schema/examples/loose-modules.dts")),
];

/// The source of the example `name`.
///
/// # Panics
/// There is none.
pub fn source(name: &str) -> &'static str {
    EXAMPLES.iter().find(|(other, _)| *other == name).expect("an example").1
}

/// The tree of the board `board` with what `source` has in its root's nodes.
///
/// # Panics
/// There is no such board, or the result is no tree.
pub fn on_board(board: &str, source: &str) -> Tree {
    Tree::new(&on_board_bytes(board, source)).expect("a tree")
}

/// The same as bytes.
///
/// # Panics
/// There is no such board.
pub fn on_board_bytes(board: &str, source: &str) -> Vec<u8> {
    let board = SOURCES.iter().find(|(name, _)| *name == board).expect("a board").1;
    let body = &source[source.find("chosen {").expect("chosen") + 8..];
    dts::compile(&board.replacen("chosen {", &format!("chosen {{ {} }}; rest {{", first_block(body)), 1))
}

/// What stands in `body` before the brace that closes it.
fn first_block(body: &str) -> &str {
    let mut depth = 1;
    let end = body.char_indices().find(|(_, sign)| {
        depth += i32::from(*sign == '{') - i32::from(*sign == '}');
        depth == 0
    });
    &body[..end.expect("a closing brace").0]
}

/// A VM whose kernel, RAM disk and tree have these sizes in bytes, and which is as by default.
///
/// # Panics
/// A size is 0.
pub fn vm(kernel: u64, ramdisk: Option<u64>, tree: Option<u64>) -> VmConfig {
    let module = |size| Module { node: "/m".into(), range: Range::<Pa>::new(Pa::new(0), size).expect("a range") };
    VmConfig {
        name: "vm".into(),
        node: "/vm".into(),
        cores: Cores::Count(1),
        memory: Memory { size: None, address: None },
        kernel: module(kernel),
        ramdisk: ramdisk.map(module),
        device_tree: tree.map(module),
        tree_place: TreePlace::Anywhere,
        raw: None,
        bootargs: String::new(),
        console: true,
        on_power_off: Policy::Halt,
        on_reset: Policy::Halt,
        on_fault: Policy::Halt,
        layout: MachineLayout::VIRT,
    }
}
