//! Configurations with a mistake: the hypervisor names the node and the property, refuses that VM, and runs the others.

use bulkhead_abi::property;
use bulkhead_qemu::board::GICS;
use bulkhead_qemu::configuration::Value;
use bulkhead_qemu::{Board, Boot, Configuration, Gic, Session, Suite, Vm};

pub fn register(suite: &mut Suite) {
    for (name, expected, bad) in mistakes() {
        let good = Vm::new("good", "hello").property(property::MEMORY_ADDRESS, Value::U64(TAKEN)).cores(&[1]);
        let boot = Boot::packed(Configuration::new().vm(good).vm(bad));
        suite.on_each(&format!("refusal_{name}"), &boot, boards(), move |session| refused(session, expected));
    }
    for (gic, version) in [(Gic::V2, 3), (Gic::V3, 4)] {
        let bad = bad().property(property::GIC_VERSION, Value::U32(version));
        let boot = Boot::packed(Configuration::new().vm(Vm::new("good", "hello").cores(&[1])).vm(bad));
        let boards = [Board::virt(gic).cores(4)];
        suite.on_each("refusal_gic_version", &boot, boards, |session| refused(session, "bad: gic-version is "));
    }
    modules(suite);
}

/// Physical address of the good VM's RAM, in bytes: clear of what QEMU and the hypervisor use.
const TAKEN: u64 = 0x4c00_0000;
/// An address within the hypervisor's BSS, in bytes: its file ends below, its memory above.
const IN_BSS: u64 = 0x402c_0000;

fn boards() -> impl Iterator<Item = Board> {
    GICS.into_iter().map(|gic| Board::virt(gic).cores(4))
}

fn bad() -> Vm {
    Vm::new("bad", "hello").bootargs("bad")
}

/// Each mistake: a name, what must be said about it, and the VM that makes it.
fn mistakes() -> Vec<(&'static str, &'static str, Vm)> {
    let u64 = |name: &str, value| bad().property(name, Value::U64(value));
    let text = |name: &str, value: &str| bad().property(name, Value::Text(value.into()));
    vec![
        ("more_vcpus_than_cores", "bad: cpus is ", bad().cpus(9)),
        ("core_that_is_not_there", "bad: bulkhead,cores is ", bad().cores(&[7])),
        ("core_of_another", "bad: bulkhead,cores is ", bad().cores(&[1])),
        ("memory_absent", "bad: memory is absent", bad().without(property::MEMORY)),
        ("memory_of_nothing", "bad: memory is ", bad().memory_mib(0)),
        ("memory_beyond_the_board", "bad: memory is ", bad().memory_mib(65536)),
        ("memory_where_there_is_none", "bad: bulkhead,memory-address is ", u64(property::MEMORY_ADDRESS, 0x1000_0000)),
        ("memory_of_another", "bad: bulkhead,memory-address is ", u64(property::MEMORY_ADDRESS, TAKEN)),
        ("memory_of_the_hypervisor", "bad: bulkhead,memory-address is ", u64(property::MEMORY_ADDRESS, 0x4020_0000)),
        ("name_of_another", "bad: bulkhead,name is ", text(property::NAME, "good")),
        ("policy_unknown", "bad: bulkhead,on-fault is ", text(property::ON_FAULT, "hope")),
        ("kernel_absent", "/chosen/hypervisor/bad", bad().without_kernel()),
        ("kernel_of_unknown_format", "/chosen/hypervisor/bad/kernel", bad().kernel(vec![0x5a; 8192])),
        ("kernel_oversized", "/chosen/hypervisor/bad", bad().kernel(oversized())),
    ]
}

/// An arm64 Image of 4 KiB that asks for 64 MiB.
fn oversized() -> Vec<u8> {
    let mut image = vec![0; 4096];
    image[16..24].copy_from_slice(&(64_u64 << 20).to_le_bytes());
    image[24] = 0xa;
    image[56..60].copy_from_slice(b"ARM\x64");
    image
}

/// The mistake is said, the bad guest says nothing, the good one runs, and when it is off the machine is.
fn refused(session: &mut Session, expected: &str) {
    session.expect(expected);
    session.port("good").verdict();
    session.end();
    assert!(!session.text().contains("bootargs \"bad\""), "the refused VM ran:\n{}", session.text());
}

/// A module that the hypervisor itself lies on is gone: its VM is refused, by the module's node.
fn modules(suite: &mut Suite) {
    let boot = Boot::hypervisor().guest_at(IN_BSS, "hello", "");
    suite.on_each("refusal_module_over_the_hypervisor", &boot, boards(), |session| {
        session.expect(&format!("/chosen/module@{IN_BSS:#x}: reg is "));
    });
}
