//! Boards read from their trees: what each of the trees in `src/fdt/trees` describes.

use bulkhead_model::config::example::on_board;
use bulkhead_model::fdt::{corpus, dts};
use bulkhead_vmm::address::{Pa, Range};
use bulkhead_vmm::config::board::{
    Board, Enable, GicVersion, Interrupt, Psci, PsciMethod, PsciVersion, Trigger, Uart, UartKind,
};
use bulkhead_vmm::fdt::Tree;

fn range(start: u64, size: u64) -> Range<Pa> {
    Range::<Pa>::new(Pa::new(start), size).expect("a range")
}

fn level(intid: u32) -> Interrupt {
    Interrupt { intid, trigger: Trigger::Level }
}

fn source(name: &str) -> &'static str {
    corpus::SOURCES.iter().find(|(other, _)| *other == name).expect("a board").1
}

fn board(name: &str) -> Board {
    Board::read(&on_board(name, "chosen { };")).expect("a board")
}

/// What is wrong with the board `name` whose source has `new` in the place of `old`.
fn damaged(name: &str, old: &str, new: &str) -> Result<Board, String> {
    let source = source(name);
    assert!(source.contains(old), "{old}");
    let tree = Tree::new(&dts::compile(&source.replacen(old, new, 1))).expect("a tree");
    Board::read(&tree).map_err(|error| error.to_string())
}

fn whole(name: &str) -> Board {
    damaged(name, "/dts-v1/;", "/dts-v1/;").expect("a board")
}

#[test]
fn a_board_like_qemus_with_gicv3() {
    let board = whole("virt-gicv3");
    assert_eq!((board.model.as_str(), &board.memory), ("linux,dummy-virt", &vec![range(0x4000_0000, 1 << 30)]));
    assert_eq!(board.cpus.iter().map(|cpu| cpu.mpidr).collect::<Vec<_>>(), [0, 1, 2, 3]);
    assert!(board.cpus.iter().all(|cpu| cpu.enable == Enable::Psci));
    let console = Uart { kind: UartKind::Pl011, registers: range(0x900_0000, 0x1000), interrupt: Some(level(33)) };
    assert_eq!(board.console, Some(console));
    let redistributors = vec![range(0x80a_0000, 0xf6_0000)];
    let version =
        GicVersion::V3 { distributor: range(0x800_0000, 0x1_0000), redistributors, redistributor_stride: None };
    assert_eq!((board.gic.version, board.gic.maintenance), (version, level(25)));
    let timer = board.timer;
    assert_eq!(
        (timer.secure, timer.nonsecure, timer.virtual_timer, timer.hypervisor),
        (Some(level(29)), level(30), level(27), level(26))
    );
    assert_eq!(board.psci, Some(Psci { method: PsciMethod::Smc, version: PsciVersion::V1_0 }));
    assert_eq!((board.reserved, board.warnings), (vec![], vec![]));
}

#[test]
fn a_board_like_qemus_with_gicv2() {
    let board = whole("virt-gicv2");
    let version = GicVersion::V2 {
        distributor: range(0x800_0000, 0x1_0000),
        cpu_interface: range(0x801_0000, 0x1_0000),
        hypervisor_interface: range(0x803_0000, 0x1_0000),
        virtual_cpu_interface: range(0x804_0000, 0x1_0000),
    };
    assert_eq!(board.gic.version, version);
    assert_eq!(board.psci.map(|psci| psci.version), Some(PsciVersion::V0_2));
    assert_eq!(board.console.map(|uart| uart.registers), Some(range(0x900_0000, 0x1000)), "options behind a colon");
}

#[test]
fn addresses_are_translated_and_reservations_heard() {
    let board = whole("soc-ranges");
    assert_eq!(board.memory, [range(0, 0x3c00_0000), range(0x4000_0000, 0xbc00_0000)], "an empty entry is no memory");
    assert_eq!(board.reserved, [range(0, 0x1000), range(0x3b00_0000, 0x100_0000)]);
    assert_eq!(board.console.map(|uart| uart.registers), Some(range(0xfe20_1000, 0x200)));
    let GicVersion::V2 { distributor, virtual_cpu_interface, .. } = board.gic.version else { panic!("a GICv2") };
    assert_eq!((distributor, virtual_cpu_interface), (range(0xff84_1000, 0x1000), range(0xff84_6000, 0x2000)));
    let release = |address| Enable::SpinTable { release: Pa::new(address) };
    let enables: Vec<Enable> = board.cpus.iter().map(|cpu| cpu.enable).collect();
    assert_eq!(enables, [release(0xd8), release(0xe0), Enable::Disabled, Enable::Disabled]);
    let warnings: Vec<String> = board.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        warnings,
        [
            "/cpus/cpu@2: cpu-release-addr is <0x0 0xe4 0x0>; expected an address that is a multiple of 8",
            "/cpus/cpu@3: enable-method is absent; expected psci or spin-table: the core stays off",
        ]
    );
    assert_eq!(board.psci, None);
}

#[test]
fn wide_affinities_named_interrupts_and_regions() {
    let board = whole("extended");
    assert_eq!(
        board.memory,
        [range(0x8000_1000, 0xfff_f000), range(0x8_8000_0000, 0x8000_0000)],
        "whole pages, ascending"
    );
    assert_eq!(board.cpus.iter().map(|cpu| cpu.mpidr).collect::<Vec<_>>(), [0, 0x100, 0x1_0000, 1 << 32]);
    let enables: Vec<Enable> = board.cpus.iter().map(|cpu| cpu.enable).collect();
    assert_eq!(enables, [Enable::Psci, Enable::Psci, Enable::Disabled, Enable::Disabled]);
    assert_eq!(board.psci.map(|psci| psci.version), Some(PsciVersion::V0_1 { cpu_on: 0x95c1_ba60 }));
    let uart = board.console.expect("a console");
    assert_eq!(
        (uart.registers, uart.interrupt),
        (range(0x3000_8100, 0x80), Some(Interrupt { intid: 37, trigger: Trigger::Edge }))
    );
    let GicVersion::V3 { redistributors, redistributor_stride, .. } = board.gic.version else { panic!("a GICv3") };
    assert_eq!(redistributors, [range(0x1010_0000, 0x8_0000), range(0x1030_0000, 0x8_0000)]);
    assert_eq!(redistributor_stride, Some(0x4_0000));
    assert_eq!((board.timer.secure, board.timer.virtual_timer, board.timer.hypervisor), (None, level(27), level(26)));
}

#[test]
fn a_board_that_cannot_run_anything_is_refused() {
    let refused = |old: &str, new: &str| damaged("virt-gicv3", old, new).expect_err(new);
    assert_eq!(
        refused(r#"device_type = "memory""#, r#"device_type = "flash""#),
        "/memory is absent; expected a node with device_type = \"memory\" and a reg that is not empty"
    );
    assert_eq!(
        refused(
            "memory@40000000 {",
            "more { device_type = \"memory\"; reg = <0 0x50000000 0 0x1000>; }; memory@40000000 {"
        ),
        "/memory@40000000: reg is <0x0 0x40000000 0x0 0x40000000>; expected address and size of memory that no other node has, within 64 bits"
    );
    assert_eq!(
        refused("reg = <0 0x40000000 0 0x40000000>", "reg = <0xffffffff 0xfffff000 0 0x2000>"),
        "/memory@40000000: reg is <0xffffffff 0xfffff000 0x0 0x2000>; expected address and size of memory that no other node has, within 64 bits"
    );
    assert_eq!(
        refused("reg = <1>; enable", "reg = <0>; enable"),
        "/cpus/cpu@1: reg is <0x0>; expected MPIDR affinity bits 39:32 and 23:0 that no other core has"
    );
    assert_eq!(
        refused("\"arm,gic-v3\";", "\"example,pic\";"),
        "/ is without an interrupt controller; expected a GIC: arm,gic-400, arm,gic-v3 or like"
    );
    assert_eq!(
        refused("interrupts = <1 9 4>", "interrupts = <1 16 4>"),
        "/intc@8000000: interrupts is <0x1 0x10 0x4>; expected the maintenance interrupt"
    );
    assert_eq!(
        refused("#redistributor-regions = <1>", "#redistributor-regions = <2>"),
        "/intc@8000000: reg is <0x0 0x8000000 0x0 0x10000 0x0 0x80a0000 0x0 0xf60000>; expected GICD and as many GICR regions as #redistributor-regions, 64 KiB-aligned, within 48 bits and the ranges of the buses above"
    );
    assert_eq!(
        refused("\"arm,armv8-timer\", ", ""),
        "/timer is absent; expected a node with compatible = \"arm,armv8-timer\""
    );
    assert_eq!(
        refused("<1 13 4 1 14 4 1 11 4 1 10 4>", "<1 13 4 1 14 4 1 11 4>"),
        "/timer: interrupts is <0x1 0xd 0x4 0x1 0xe 0x4 0x1 0xb 0x4>; expected those of the physical, the virtual and the hypervisor's timer, wired to the GIC"
    );
    assert_eq!(
        damaged("virt-gicv2", " 0 0x8030000 0 0x10000 0 0x8040000 0 0x10000", "").unwrap_err(),
        "/intc@8000000: reg is <0x0 0x8000000 0x0 0x10000 0x0 0x8010000 0x0 0x10000>; expected GICD, GICC, GICH and GICV at pages, of 4, 8, 4 and 8 to 1024 KiB, within 48 bits and the ranges of the buses above"
    );
    assert_eq!(
        damaged("soc-ranges", "0x40000000 0 0xff800000 0x800000", "0x40000000 0 0xff800000 0x800").unwrap_err(),
        "/soc/interrupt-controller@40041000: reg is <0x40041000 0x1000 0x40042000 0x2000 0x40044000 0x2000 0x40046000 0x2000>; expected GICD, GICC, GICH and GICV at pages, of 4, 8, 4 and 8 to 1024 KiB, within 48 bits and the ranges of the buses above"
    );
}

/// Whether the GIC of the board `name` is refused by its `reg` where `new` stands in the place of `old` there.
fn refuses_gic(name: &str, old: &str, new: &str) -> bool {
    let node = if name == "extended" { "/gic@10000000" } else { "/intc@8000000" };
    damaged(name, old, new).is_err_and(|error| error.starts_with(&format!("{node}: reg is <")))
}

#[test]
fn a_gicv2_that_would_take_too_many_tables_is_refused() {
    let (gich, gicv) = ("0x8030000 0 0x10000", "0 0x8040000");
    let refused = |old, new| refuses_gic("virt-gicv2", old, new);
    assert_eq!(
        damaged("virt-gicv2", " 0 0x10000 0 0x8040000", " 0 0x64010000 0x4a0000 0x8040000").unwrap_err(),
        "/intc@8000000: reg is <0x0 0x8000000 0x0 0x10000 0x0 0x8010000 0x0 0x10000 0x0 0x8030000 0x0 0x64010000 0x4a0000 0x8040000 0x0 0x10000>; expected GICD, GICC, GICH and GICV at pages, of 4, 8, 4 and 8 to 1024 KiB, within 48 bits and the ranges of the buses above",
        "two bytes of QEMU's tree damaged"
    );
    assert!(refused(gich, "0x8030000 0 0x64010000") && refused(gich, "0x8030000 0 0x100001"));
    assert!(refused(gich, "0x8030000 1 0x10000"), "a size above 4 GiB");
    assert!(!refused(gich, "0x8030000 0 0x100000") && !refused(gich, "0x8030000 0 0x1000"));
    assert!(refused(gich, "0x8030000 0 0xfff"), "less than its registers");
    assert!(refused(gich, "0x8030004 0 0x10000"), "between pages");
    assert!(refused("0x8010000 0 0x10000", "0x8010000 0 0x1000"), "GICC without GICC_DIR");
    assert!(!refused("0x8010000 0 0x10000", "0x8010000 0 0x20000"), "pages 64 KiB apart");
    assert!(refused(gicv, "0x10000 0x8040000") && !refused(gicv, "0xffff 0x8040000"), "48 bits");
    assert!(refused("0 0x8040000 0 0x10000", "0xffff 0xffff0000 0 0x11000"), "its end beyond 48 bits");
    assert!(!refused("0 0x8040000 0 0x10000", "0xffff 0xffff0000 0 0x10000"), "its end at 48 bits");
}

#[test]
fn a_gicv3_with_frames_that_cannot_be_is_refused() {
    let (gicd, gicr) = ("reg = <0 0x10000000 0 0x10000", "0x10100000 0 0x80000");
    let refused = |old, new| refuses_gic("extended", old, new);
    assert!(refused(gicd, "reg = <0 0x10000000 0 0x1000"), "GICD without GICD_IROUTER");
    assert!(!refused(gicd, "reg = <0 0x10000000 0 0x80000"), "GICD with room behind it");
    assert!(refused(gicd, "reg = <0 0x10001000 0 0x10000") && refused(gicd, "reg = <0x10000 0x10000000 0 0x10000"));
    assert!(refused(gicr, "0x10101000 0 0x80000") && refused(gicr, "0x10100000 0 0x10000"), "no redistributor");
    assert!(!refused(gicr, "0x10100000 0 0x4000000"), "regions with room for 512");
    for (stride, shown) in [("0 0", "<0x0 0x0>"), ("0 0x48000", "<0x0 0x48000>"), ("0x10000 0", "<0x10000 0x0>")] {
        assert_eq!(
            damaged("extended", "redistributor-stride = <0 0x40000>", &format!("redistributor-stride = <{stride}>")),
            Err(format!(
                "/gic@10000000: redistributor-stride is {shown}; expected a multiple of 64 KiB, not 0, within 48 bits"
            ))
        );
    }
}

#[test]
fn a_uart_that_is_not_there_is_a_warning() {
    let warned = |name: &str, old: &str, new: &str| {
        let board = damaged(name, old, new).expect("a board");
        assert_eq!(board.console, None);
        board.warnings.last().expect("a warning").to_string()
    };
    let path = "expected the path or the alias of a UART's node";
    assert_eq!(
        warned("virt-gicv3", "stdout-path = \"/pl011", "stdout-path = \"/pl012"),
        format!("/chosen: stdout-path is \"/pl012@9000000\"; {path}")
    );
    assert_eq!(
        warned("soc-ranges", "\"serial0:", "\"serial9:"),
        format!("/chosen: stdout-path is \"serial9:115200n8\"; {path}")
    );
    assert_eq!(
        warned("virt-gicv3", "compatible = \"arm,pl011\", ", "compatible = \"ns16550a\", "),
        "/pl011@9000000: compatible is \"ns16550a\", \"arm,primecell\"; expected arm,pl011: the only UART that we can drive"
    );
    assert_eq!(
        warned("soc-ranges", "0x7e000000 0 0xfe000000 0x1800000 ", ""),
        "/soc/serial@7e201000: reg is <0x7e201000 0x200>; expected registers that the buses above pass on, at a multiple of 4"
    );
    assert_eq!(board("virt-gicv3").console, None, "no stdout-path, no console, and nothing to warn of");
}
