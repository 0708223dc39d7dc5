//! The schemas of the configuration against its reader: what one refuses the other does not let pass.

use bulkhead_abi::property;
use bulkhead_model::config::{example, schema};
use bulkhead_model::fdt::dts;
use bulkhead_vmm::config::board::Board;
use bulkhead_vmm::config::{Configuration, VmPlan};
use bulkhead_vmm::fdt::Tree;

/// Whether the hypervisor has anything against the configuration `source`: a mistake or a warning.
fn reader_objects(source: &str) -> bool {
    let tree = example::on_board("virt-gicv3", source);
    let configuration = Configuration::read(&tree, &Board::read(&tree).expect("a board"), None);
    let refused = !configuration.vms.iter().all(VmPlan::is_good);
    refused || !configuration.errors.is_empty() || !configuration.warnings.is_empty()
}

fn schema_objections(source: &str) -> Vec<String> {
    schema::objections(&Tree::new(&dts::compile(source)).expect("a tree"))
}

#[test]
fn the_documentations_examples_fit_the_schemas() {
    for (name, source) in example::EXAMPLES {
        assert_eq!(schema_objections(source), [""; 0], "{name}");
    }
}

#[test]
fn the_schemas_know_exactly_the_properties_that_the_hypervisor_knows() {
    let same = |compatible: &str, known: &[&str]| {
        let mut schema = schema::properties(&schema::schema(compatible));
        let mut known: Vec<String> = known.iter().map(|name| (*name).into()).collect();
        schema.sort();
        known.sort();
        assert_eq!(schema, known, "{compatible}");
    };
    same(property::HYPERVISOR, &property::HYPERVISOR_PROPERTIES);
    same(property::VM, &property::VM_PROPERTIES_WITH_FORMATS);
    same(property::MODULE, &property::MODULE_PROPERTIES_WITH_FORMATS);
}

#[test]
fn every_property_has_a_paragraph_in_the_binding() {
    let binding = include_str!("../../../../hypervisor/docs/configuration.md");
    let (vm, module) = (&property::VM_PROPERTIES_WITH_FORMATS, &property::MODULE_PROPERTIES_WITH_FORMATS);
    for name in [&property::HYPERVISOR_PROPERTIES[..], vm, module].concat() {
        assert!(binding.contains(&format!("`{name}`")), "{name}");
    }
}

#[test]
fn what_the_schemas_refuse_the_hypervisor_objects_to() {
    let source = example::source("every-property");
    for (old, new) in [
        ("escape-key = <0x1d>", "escape-key = <0x100>"),
        ("when-all-off = \"stay\"", "when-all-off = \"sleep\""),
        ("max-list-registers = <2>", "max-list-registers = <17>"),
        ("housekeeping-core = <0>", "housekeeping-core = \"0\""),
        ("\"first-guest\"", "\"first guest\""),
        ("cpus = <2>", "cpus = <0>"),
        ("cpus = <2>", "cpus = <33>"),
        ("cpus = <2>", "cpus = <2 2>"),
        ("cores = <2 1>", "cores = <2 2>"),
        ("cores = <2 1>", "cores"),
        ("memory = <0 0x10000>", "memory = <0 0x10001>"),
        ("memory = <0 0x10000>", "memory = <0 0>"),
        ("memory = <0 0x10000>;", ""),
        ("cpus = <1>;", ""),
        ("memory-address = <0 0x60000000>", "memory-address = <0 0x60000001>"),
        ("guest-base = <0 0x80000000>", "guest-base = <0 0x80001000>"),
        ("bootargs = \"quiet\"", "bootargs = \"two\", \"strings\""),
        ("gic-version = <3>", "gic-version = <4>"),
        ("on-power-off = \"restart\"", "on-power-off = \"reboot\""),
        ("on-reset = \"halt\"", "on-reset = \"\""),
        ("on-fault = \"report\"", "on-fault = <1>"),
        ("vpl011;", "vpl012;"),
        ("\"multiboot,kernel\", \"multiboot,module\"", "\"multiboot,module\""),
        ("reg = <0x48000000 0x200000>;", ""),
        ("bulkhead,no-console;", "bulkhead,no-consoles;"),
        ("tree-address = <0 0x80000000>", "tree-address = <0 0x80000004>"),
        ("load-address = <0 0x40001000>", "load-address = \"here\""),
        ("entry = <0 0x40001040>", "entry = <0 0x40001041>"),
        ("bulkhead,load-address = <0 0x40001000>;", ""),
    ] {
        assert!(source.contains(old), "{old}");
        let damaged = source.replacen(old, new, 1);
        assert!(!schema_objections(&damaged).is_empty(), "the schema lets pass: {new}");
        assert!(reader_objects(&damaged), "the hypervisor lets pass: {new}");
    }
    assert!(!reader_objects(source));
}
