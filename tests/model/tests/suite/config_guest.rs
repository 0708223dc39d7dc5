//! The machine that a guest gets: its tree, and where things go in its RAM.

use bulkhead_model::config::check::{kernel_head, open_kernel};
use bulkhead_model::config::example::vm;
use bulkhead_model::fdt::{check, dts};
use bulkhead_vmm::address::{Ipa, Range};
use bulkhead_vmm::config::board::{Board, Enable, GicVersion, PsciMethod, PsciVersion, Trigger};
use bulkhead_vmm::config::guest_tree::{MODEL, Machine, build};
use bulkhead_vmm::config::machine::MachineLayout;
use bulkhead_vmm::config::{GuestGic, RawPlace, TreePlace, VmConfig};
use bulkhead_vmm::fdt::Tree;
use bulkhead_vmm::kernel_image::{LoadPlan, Segment, unreadable};
use bulkhead_vmm::seed::Seed;
use bulkhead_vmm::vcpu::VcpuId;
use std::io::Write;
use std::process::{Command, Stdio};

const MIB: u64 = 1 << 20;

fn ipa(start: u64, size: u64) -> Range<Ipa> {
    Range::<Ipa>::new(Ipa::new(start), size).expect("a range")
}

fn machine(layout: &MachineLayout, vcpus: usize, gic: GuestGic) -> Machine<'_> {
    let ram = layout.ram(256 * MIB).expect("RAM");
    Machine {
        layout,
        vcpus,
        ram,
        gic,
        console: true,
        bootargs: "console=ttyAMA0",
        ramdisk: Some(ipa(0x4f00_0000, 0x1234)),
        seeds: &[0; 5],
    }
}

/// The trees of machines of every size.
fn trees() -> Vec<(usize, GuestGic, Vec<u8>)> {
    let layout = MachineLayout::VIRT;
    let sizes = |gic, most| (1..=most).map(move |vcpus| (vcpus, gic));
    let all = sizes(GuestGic::V2, 8).chain(sizes(GuestGic::V3, VcpuId::MAXIMUM.into()));
    all.map(|(vcpus, gic)| (vcpus, gic, build(&machine(&layout, vcpus, gic)))).collect()
}

#[test]
fn a_guests_tree_describes_the_machine_as_a_boards_does() {
    for (vcpus, gic, bytes) in trees() {
        let tree = check::tree(&bytes).expect("a tree");
        // A GICv2 guest sees no GICH and GICV, so that its tree is that of a board which cannot run guests.
        if gic == GuestGic::V2 {
            let refusal = Board::read(&tree).expect_err("no virtualization").to_string();
            assert!(refusal.contains("; expected GICD, GICC, GICH and GICV"), "{refusal}");
            continue;
        }
        let board = with_maintenance(&tree);
        assert_eq!((board.model.as_str(), board.memory[0].size()), (MODEL, 256 * MIB));
        assert_eq!(board.cpus.len(), vcpus);
        for (index, cpu) in board.cpus.iter().enumerate() {
            assert_eq!(cpu.mpidr, VcpuId::new(index as u8).expect("a vCPU").affinity());
            assert_eq!(cpu.enable, Enable::Psci);
        }
        assert_eq!(board.timer.virtual_timer.intid, 27);
        assert_eq!(board.timer.nonsecure.intid, 30);
        let console = board.console.expect("a console");
        let interrupt = console.interrupt.expect("an interrupt");
        assert_eq!(
            (console.registers.start().get(), interrupt.intid, interrupt.trigger),
            (0x900_0000, 33, Trigger::Level)
        );
        let psci = board.psci.expect("PSCI");
        assert_eq!((psci.method, psci.version), (PsciMethod::Hvc, PsciVersion::V1_0));
        let GicVersion::V3 { redistributors, .. } = board.gic.version else { panic!("a GICv3") };
        assert_eq!(redistributors[0].size(), vcpus as u64 * 0x2_0000);
        assert_eq!((board.warnings, board.reserved), (vec![], vec![]));
    }
}

/// The board of a guest's tree with a maintenance interrupt added, which guests have no use for.
fn with_maintenance(tree: &Tree) -> Board {
    let mut bytes = tree.as_bytes().to_vec();
    let name = b"interrupt-controller\0";
    let error = Board::read(tree).expect_err("no maintenance interrupt").to_string();
    assert!(error.contains(": interrupts is absent; expected"), "{error}");
    let strings = u32::from_be_bytes(bytes[12..16].try_into().expect("4 bytes")) as usize;
    let offset = |name: &[u8]| bytes[strings..].windows(name.len()).position(|window| window == name).expect("a name");
    let (flag, interrupts) = (offset(name) as u32, offset(b"interrupts\0") as u32);
    let flag = [3, 0, flag].map(u32::to_be_bytes).concat();
    let at = bytes.windows(12).position(|window| window == flag).expect("the GIC's flag") + 12;
    bytes.splice(at..at, [3, 12, interrupts, 1, 9, 4].map(u32::to_be_bytes).concat());
    let grow = |bytes: &mut Vec<u8>, field: usize| {
        let old = u32::from_be_bytes(bytes[field..field + 4].try_into().expect("4 bytes"));
        bytes[field..field + 4].copy_from_slice(&(old + 24).to_be_bytes());
    };
    [4, 12, 36].into_iter().for_each(|field| grow(&mut bytes, field));
    Board::read(&Tree::new(&bytes).expect("a tree")).expect("a board")
}

#[test]
fn a_guests_tree_tells_nothing_of_the_host() {
    for (_, _, bytes) in trees() {
        let tree = Tree::new(&bytes).expect("a tree");
        let view = tree.view();
        for node in view.nodes() {
            assert!(node.name() != "hypervisor" && !node.is_compatible(&["multiboot,module"]));
            let known = |name: &str| !name.contains("seed") && (name != "clock-frequency" || node.name() == "apb-pclk");
            assert!(node.properties().all(|(name, _)| known(name)), "{}", node.path());
        }
        let chosen = view.find("/chosen").expect("chosen");
        let number = |name| chosen.property(name).and_then(|property| property.u64());
        assert_eq!((number("linux,initrd-start"), number("linux,initrd-end")), (Some(0x4f00_0000), Some(0x4f00_1234)));
        assert_eq!(chosen.property("bootargs").and_then(|text| text.string()), Some("console=ttyAMA0"));
    }
}

#[test]
fn a_guest_is_given_seeds_of_its_own_where_the_board_has_one() {
    let board = |chosen: &str| Tree::new(&dts::compile(&format!("/dts-v1/; / {{ chosen {{ {chosen} }}; }};")));
    let seeds = |chosen: &str| Seed::read(&board(chosen).expect("a tree")).of_guest(1, 1);
    let (rng, kaslr) = ("rng-seed = <1 2 3 4 5 6 7 8>;", "kaslr-seed = <9 10>;");
    assert_eq!(seeds(""), [0; 5]);
    assert_eq!(seeds("rng-seed = <0 0 0 0 0 0 0 0>; kaslr-seed = <0 0>;"), [0; 5], "used up");
    let all = [seeds(rng), seeds(kaslr), seeds(&format!("{rng} {kaslr}"))];
    assert!(all[0] != all[1] && all[1] != all[2] && all[0] != all[2], "{all:?}");
    let layout = MachineLayout::VIRT;
    for given in all {
        let bytes = build(&Machine { seeds: &given, ..machine(&layout, 1, GuestGic::V3) });
        let tree = Tree::new(&bytes).expect("a tree");
        let chosen = tree.view().find("/chosen").expect("chosen");
        let value = |name| chosen.property(name).expect("a seed").value.to_vec();
        assert_eq!([value("kaslr-seed"), value("rng-seed")].concat(), given.map(u64::to_be_bytes).concat());
    }
}

#[test]
fn a_guest_without_a_console_has_no_uart() {
    let layout = MachineLayout::VIRT;
    let quiet = Machine { console: false, ramdisk: None, ..machine(&layout, 1, GuestGic::V3) };
    let tree = Tree::new(&build(&quiet)).expect("a tree");
    let view = tree.view();
    assert!(view.nodes().all(|node| !node.is_compatible(&["arm,pl011"])));
    assert!(view.find("/chosen").expect("chosen").properties().map(|(name, _)| name).eq(["bootargs"]));
}

#[test]
fn dtc_finds_nothing_to_warn_of() {
    for (vcpus, gic, bytes) in trees().into_iter().filter(|(vcpus, ..)| [1, 2, 8, 32].contains(vcpus)) {
        let mut command = Command::new("dtc");
        command.args(["-I", "dtb", "-O", "dts", "-o", "/dev/null", "-"]).stdin(Stdio::piped()).stderr(Stdio::piped());
        let Ok(mut dtc) = command.spawn() else {
            println!("SKIPPED: there is no dtc");
            return;
        };
        dtc.stdin.take().expect("a pipe").write_all(&bytes).expect("dtc reads");
        let output = dtc.wait_with_output().expect("dtc ends");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{vcpus} vCPUs, {gic:?}");
        assert!(output.status.success());
    }
}

fn load(vm: &VmConfig, ram: u64, text_offset: u64, image_size: u64) -> Result<LoadPlan, String> {
    load_file(vm, ram, &kernel_head(text_offset, image_size))
}

/// The plan for a kernel whose file begins with `head`, and has zeroes behind it.
fn load_file(vm: &VmConfig, ram: u64, head: &[u8]) -> Result<LoadPlan, String> {
    let file = open_kernel(head, vm.kernel.range.size()).map_err(|unknown| unreadable(vm, &unknown));
    file.and_then(|file| LoadPlan::new(vm, ipa(0x4000_0000, ram), &file)).map_err(|error| error.to_string())
}

#[test]
fn kernel_at_the_bottom_ram_disk_and_tree_at_the_top() {
    let plan = load(&vm(0x1000, Some(0x1001), None), 64 * MIB, 0x8_0000, 0x10_0000).expect("a plan");
    let kernel = Segment { offset: 0, size: 0x1000, memory: ipa(0x4028_0000, 0x10_0000) };
    assert_eq!((plan.entry.get(), plan.kernel.as_slice()), (0x4028_0000, &[kernel][..]));
    assert_eq!(plan.tree, Some(ipa(0x43ff_0000, 0x1_0000)));
    assert_eq!(plan.ramdisk, Some(ipa(0x43fe_e000, 0x1001)));
    assert_eq!(plan.boot_argument, 0x43ff_0000);
}

#[test]
fn everything_stays_in_reach_of_the_kernel_in_large_ram() {
    let within = |plan: &LoadPlan| plan.tree.expect("a tree").last().get() - 0x4000_0000 + 1;
    let plan = load(&vm(MIB, Some(MIB), None), 8192 * MIB, 0, MIB).expect("a plan");
    assert_eq!(within(&plan), 512 * MIB);
    let plan = load(&vm(MIB, Some(600 * MIB), None), 8192 * MIB, 0, MIB).expect("a plan");
    assert_eq!(within(&plan), 8192 * MIB, "a larger window for what does not fit the small one");
    let plan = load(&vm(MIB, Some(600 * MIB), None), 65536 * MIB, 0, MIB).expect("a plan");
    assert_eq!(within(&plan), 16384 * MIB);
}

#[test]
fn ram_that_is_just_enough_is_and_a_page_less_is_not() {
    let vm = vm(0x1000, Some(0x3000), Some(0x2000));
    let just = 2 * MIB + 0x10_0000 + 0x3000 + 0x2000;
    assert!(load(&vm, just, 0, 0x10_0000).is_ok());
    let refused = load(&vm, just - 4096, 0, 0x10_0000).expect_err("too little");
    assert_eq!(refused, "/vm: memory is 3088 KiB; expected at least 3104 KiB for its kernel, RAM disk and device tree");
    assert!(load(&vm, just, 0, 0x10_0001).is_err(), "BSS counts");
    assert!(load(&vm, 4096, 0, 0x10_0000).is_err() && load(&vm, just, u64::MAX, 1).is_err());
}

#[test]
fn a_kernel_of_unknown_format_is_named_by_its_first_bytes() {
    let error = load_file(&vm(4, None, None), 64 * MIB, b"0707").expect_err("a cpio archive");
    assert_eq!(
        error,
        "/m: reg is a kernel that starts with [30 37 30 37 00 00 00 00] (a cpio archive); expected an arm64 Image or an ELF file"
    );
}

#[test]
fn trees_go_where_the_owner_says_and_nowhere_else() {
    let at = |place| VmConfig { tree_place: place, ..vm(0x1000, Some(0x1000), None) };
    let load = |place| load(&at(place), 64 * MIB, 0, 0x10_0000);
    let plan = load(TreePlace::At(Ipa::new(0x4100_0000))).expect("a plan");
    assert_eq!((plan.tree, plan.boot_argument), (Some(ipa(0x4100_0000, 0x1_0000)), 0x4100_0000));
    let plan = load(TreePlace::Nowhere).expect("a plan");
    assert_eq!((plan.tree, plan.boot_argument, plan.ramdisk), (None, 0, Some(ipa(0x43ff_f000, 0x1000))));
    // Over the RAM disk's place: that gives way.
    let plan = load(TreePlace::At(Ipa::new(0x43ff_0000))).expect("a plan");
    assert_eq!(plan.ramdisk, Some(ipa(0x43fe_f000, 0x1000)));
    for bad in [0x4020_0000, 0x43ff_8000, 0x3fff_0000, 0x5000_0000] {
        load(TreePlace::At(Ipa::new(bad))).expect_err("over the kernel, or outside RAM");
    }
}

#[test]
fn raw_bytes_go_where_the_owner_says() {
    let at = |load, entry| VmConfig {
        raw: Some(RawPlace { load: Ipa::new(load), entry: Ipa::new(entry) }),
        ..vm(0x2000, None, None)
    };
    let load = |load, entry| load_file(&at(load, entry), 64 * MIB, b"\x7fELF, or whatever it is");
    let plan = load(0x4000_0001, 0x4000_1004).expect("a plan");
    let kernel = Segment { offset: 0, size: 0x2000, memory: ipa(0x4000_0001, 0x2000) };
    assert_eq!((plan.entry.get(), plan.kernel.as_slice()), (0x4000_1004, &[kernel][..]));
    // At the end of RAM, where the tree would be: that goes below it.
    let plan = load(0x43ff_e000, 0x43ff_e000).expect("a plan");
    assert_eq!(plan.tree, Some(ipa(0x43fe_e000, 0x1_0000)));
    let refused = load(0x43ff_e001, 0x43ff_e001).expect_err("too high");
    assert_eq!(
        refused,
        "/m: bulkhead,load-address is 0x43ffe001; expected an address from which on it fits into the guest's RAM"
    );
    let refused = load(0x4000_0000, 0x4000_2000).expect_err("behind it");
    assert_eq!(refused, "/m: bulkhead,entry is 0x40002000; expected the address of an instruction in what is loaded");
}
