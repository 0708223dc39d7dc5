//! Configurations with a mistake: the hypervisor names the node and the property, refuses that VM, and runs the others.

use bulkhead_abi::property;
use bulkhead_qemu::board::GICS;
use bulkhead_qemu::configuration::{Misplaced, Value, gzip};
use bulkhead_qemu::{Board, Boot, Configuration, Gic, Session, Suite, Vm};

pub fn register(suite: &mut Suite) {
    for (name, expected, bad) in mistakes() {
        let good = Vm::new("good", "hello").property(property::MEMORY_ADDRESS, Value::U64(TAKEN)).cores(&[1]);
        let boot = Boot::packed(Configuration::new().vm(good).vm(bad));
        suite.on_each(&format!("refusal_{name}"), &boot, boards(), move |session| refused(session, &expected));
    }
    for (gic, version) in [(Gic::V2, 3), (Gic::V3, 4)] {
        let bad = bad().property(property::GIC_VERSION, Value::U32(version));
        let boot = Boot::packed(Configuration::new().vm(Vm::new("good", "hello").cores(&[1])).vm(bad));
        let boards = [Board::virt(gic).cores(4)];
        let own = if gic == Gic::V2 { 2 } else { 3 };
        let said =
            of_vm("gic-version", &format!("<{version:#x}>"), &format!("<{own}>, the version of the board's GIC"));
        suite.on_each("refusal_gic_version", &boot, boards, move |session| refused(session, &said));
    }
    modules(suite);
}

/// Physical address of the good VM's RAM, in bytes: clear of what QEMU and the hypervisor use.
const TAKEN: u64 = 0x4c00_0000;
/// An address within the hypervisor's BSS, in bytes: its file ends below, its memory above.
const IN_BSS: u64 = 0x402c_0000;
/// Where QEMU puts the board's tree: 128 MiB above the start of RAM.
const TREE: u64 = 0x4800_0000;

fn boards() -> impl Iterator<Item = Board> {
    GICS.into_iter().map(|gic| Board::virt(gic).cores(4))
}

fn bad() -> Vm {
    Vm::new("bad", "hello").bootargs("bad")
}

/// What is to be said of a mistake in the bad VM's node.
fn of_vm(property: &str, value: &str, expected: &str) -> String {
    format!("/chosen/hypervisor/bad: {property} is {value}; expected {expected}")
}

/// What is to be said of its kernel's place.
fn of_kernel(value: &str, expected: &str) -> String {
    format!("/chosen/hypervisor/bad/kernel: reg is {value}; expected {expected}")
}

/// Each mistake: a name, what must be said about it, and the VM that makes it.
fn mistakes() -> Vec<(&'static str, String, Vm)> {
    [in_cores(), in_memory(), in_modules(), in_others()].into_iter().flatten().collect()
}

fn in_cores() -> Vec<(&'static str, String, Vm)> {
    let counted = "1 to 4 in one cell: each vCPU has a core of its own, and the board has 4\n";
    let listed = "1 to 32 different cores below 4 that can be started, one cell each\n";
    let free = "cores that no other VM has\n";
    vec![
        ("more_vcpus_than_cores", of_vm("cpus", "<0x9>", counted), bad().cpus(9)),
        ("core_that_is_not_there", of_vm("bulkhead,cores", "<0x7>", listed), bad().cores(&[7])),
        ("core_of_another", of_vm("bulkhead,cores", "core 1 among others", free), bad().cores(&[1])),
    ]
}

fn in_memory() -> Vec<(&'static str, String, Vm)> {
    let size = "KiB in two cells, a multiple of 4 and not 0\n";
    let at = |address: u64| {
        let said = of_vm("bulkhead,memory-address", &format!("{address:#x}"), "RAM of 16384 KiB that is free: ");
        (said, bad().property(property::MEMORY_ADDRESS, Value::U64(address)))
    };
    let (nowhere, another, own) = (at(0x1000_0000), at(TAKEN), at(0x4020_0000));
    vec![
        ("memory_absent", of_vm("memory", "absent", size), bad().without(property::MEMORY)),
        ("memory_of_nothing", of_vm("memory", "<0x0 0x0>", size), bad().memory_mib(0)),
        ("memory_beyond_the_board", of_vm("memory", "67108864 KiB", "at most "), bad().memory_mib(65536)),
        ("memory_where_there_is_none", nowhere.0, nowhere.1),
        ("memory_of_another", another.0, another.1),
        ("memory_of_the_hypervisor", own.0, own.1),
    ]
}

fn in_modules() -> Vec<(&'static str, String, Vm)> {
    let in_ram = "a module that lies in RAM: 0x40000000..=0x4fffffff\n";
    let beside = "a module that does not overlap /chosen/hypervisor/good/kernel at 0x*..=0x";
    let size = "address and size of bytes within 64 bits, once, as #address-cells and #size-cells say\n";
    // The modules' addresses count from where QEMU loads the image.
    let misplaced = |place| Vm::new("bad", "echo").misplaced(place);
    let at = |offset, size| misplaced(Misplaced::At(offset, size));
    let of_elf = |expected| of_kernel("an ELF file", expected);
    let far = bad().kernel(elf(183, 0x8000_0000));
    let cut = bad().kernel(gzip(&[1; 100])[..20].into());
    let of_place = |name, value, expected| {
        format!("/chosen/hypervisor/bad/kernel: bulkhead,{name} is {value}; expected {expected}")
    };
    let without =
        "is without a kernel; expected a child with compatible = \"multiboot,kernel\", \"multiboot,module\"\n";
    vec![
        ("kernel_absent", format!("/chosen/hypervisor/bad {without}"), bad().without_kernel()),
        (
            "kernel_of_unknown_format",
            of_kernel(
                &format!("a kernel that starts with [{}] (an unknown format)", ["5a"; 8].join(" ")),
                "an arm64 Image or an ELF file\n",
            ),
            bad().kernel(vec![0x5a; 8192]),
        ),
        ("kernel_oversized", of_vm("memory", "16384 KiB", "at least "), bad().kernel(oversized())),
        (
            "kernel_of_elf_outside_ram",
            of_elf("an ELF file whose segments' physical addresses lie in the guest's RAM\n"),
            far,
        ),
        (
            "kernel_of_elf_for_arm",
            of_elf("an ELF file that is a program for AArch64\n"),
            bad().kernel(elf(40, 0x4020_0000)),
        ),
        (
            "kernel_cut_short",
            of_kernel(
                "a kernel that starts with [1f 8b 08 *] (a gzip file that ends early)",
                "an arm64 Image or an ELF file\n",
            ),
            cut,
        ),
        ("kernel_of_a_bomb", of_vm("memory", "16384 KiB", "at least "), bad().kernel(bomb())),
        (
            "raw_outside_ram",
            of_place("load-address", "0x0", "an address from which on it fits into the guest's RAM\n"),
            raw(0, 0),
        ),
        (
            "raw_entered_outside",
            of_place("entry", "0x40000000", "the address of an instruction in what is loaded\n"),
            raw(0x4020_0000, 0x4000_0000),
        ),
        ("module_of_nothing", of_kernel("<0x0 0x600000 0x0 0x0>", size), at(0x60_0000, 0)),
        ("module_missing", of_kernel("0xc0200000..=0xc0200fff", in_ram), at(0x8000_0000, 0x1000)),
        ("module_larger_than_ram", of_kernel("0x40800000..=0x607fffff", in_ram), at(0x60_0000, 0x2000_0000)),
        ("module_over_another", of_kernel("0x*000..=0x*fff", beside), misplaced(Misplaced::Over("good"))),
    ]
}

fn in_others() -> Vec<(&'static str, String, Vm)> {
    let text = |name: &str, value: &str| bad().property(name, Value::Text(value.into()));
    let name = "a name that no other VM has: /chosen/hypervisor/good has it\n";
    let policy = "\"halt\", \"restart\" or \"report\"\n";
    vec![
        ("name_of_another", of_vm("bulkhead,name", "\"good\"", name), text(property::NAME, "good")),
        ("policy_unknown", of_vm("bulkhead,on-fault", "\"hope\"", policy), text(property::ON_FAULT, "hope")),
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

/// An ELF file for `machine` with one segment of 4 bytes, at the physical address `address`, where it is entered.
fn elf(machine: u8, address: u64) -> Vec<u8> {
    let mut bytes = vec![0; 0x80];
    bytes[..20].copy_from_slice(&[0x7f, b'E', b'L', b'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, machine, 0]);
    for (at, word) in
        [(24, address), (32, 0x40), (0x40, 1), (0x48, 0x78), (0x50, address), (0x58, address), (0x60, 4), (0x68, 4)]
    {
        bytes[at..at + 8].copy_from_slice(&u64::to_le_bytes(word));
    }
    bytes[54..58].copy_from_slice(&[56, 0, 1, 0]);
    bytes
}

/// 64 MiB of zeroes behind the header of an arm64 Image, packed into less than a hundred KiB.
fn bomb() -> Vec<u8> {
    let mut image = oversized();
    image.resize(64 << 20, 0);
    gzip(&image)
}

/// A kernel of raw bytes, which are loaded at `load` and entered at `entry`.
fn raw(load: u64, entry: u64) -> Vm {
    let place = |vm: Vm, name, place| vm.kernel_property(name, Value::U64(place));
    place(place(bad(), property::LOAD_ADDRESS, load), property::ENTRY, entry)
}

/// The mistake is said as far as `expected` goes, the bad guest says nothing, the good one runs, and when it is off the
/// machine is.
fn refused(session: &mut Session, expected: &str) {
    session.expect(" does not start: ");
    let said = format!("{}\n", session.rest_of_line());
    assert!(begins(&said, expected), "expected {expected:?} got {said:?}");
    session.port("good").verdict();
    session.end();
    assert_eq!(session.port("bad").text(), "", "the refused VM ran");
    assert!(!session.text().contains("bootargs \"bad\""), "the refused VM ran:\n{}", session.text());
}

/// Whether `text` begins as `pattern` does, in which a star stands for anything.
fn begins(text: &str, pattern: &str) -> bool {
    match pattern.split_once('*') {
        None => text.starts_with(pattern),
        Some((start, rest)) => {
            let behind = text.strip_prefix(start);
            behind.is_some_and(|behind| behind.char_indices().any(|(at, _)| begins(&behind[at..], rest)))
        }
    }
}

/// A module that the hypervisor itself lies on, or the board's tree, is gone: its VM is refused, by the module's node.
fn modules(suite: &mut Suite) {
    let boot = Boot::hypervisor().guest_at(IN_BSS, "hello", "");
    suite.on_each("refusal_module_over_the_hypervisor", &boot, boards(), |session| {
        session.expect(&format!("/chosen/module@{IN_BSS:#x}: reg is "));
    });
    let boot = Boot::hypervisor().guest_at(TREE, "hello", "");
    suite.on_each("refusal_module_over_the_tree", &boot, boards(), |session| {
        session.expect(&format!("/chosen/module@{TREE:#x}: reg is "));
        session.expect(&format!("; expected a module that does not overlap the board's device tree at {TREE:#x}..="));
    });
}
