//! Devices that a VM's node describes: where they then are, and every mistake in them.

use bulkhead_model::config::example;
use bulkhead_vmm::address::{Ipa, Range};
use bulkhead_vmm::config::board::Board;
use bulkhead_vmm::config::machine::MachineLayout;
use bulkhead_vmm::config::{Configuration, VmPlan};

const UART: &str = r#"compatible = "arm,pl011";"#;
const GIC: &str = r#"compatible = "arm,gic-v3";"#;
const TIMER: &str = r#"compatible = "arm,armv8-timer";"#;

/// The only VM, whose node has these `devices` and `properties`.
fn read(properties: &str, devices: &[String]) -> VmPlan {
    let devices = devices.iter().enumerate().map(|(index, device)| format!("d{index} {{ {device} }};"));
    let devices: String = devices.collect();
    let kernel = r#"k { compatible = "multiboot,kernel", "multiboot,module"; reg = <0 0x48000000 0 0x1000>; };"#;
    let vm = format!(r#"vm {{ compatible = "bulkhead,vm"; cpus = <1>; {properties} {devices} {kernel} }};"#);
    let source = format!(r#"chosen {{ hypervisor {{ compatible = "bulkhead,hypervisor"; {vm} }}; }};"#);
    let tree = example::on_board("virt-gicv3", &source);
    let configuration = Configuration::read(&tree, &Board::read(&tree).expect("a board"), None);
    assert!(configuration.errors.is_empty() && configuration.warnings.is_empty(), "{configuration:#?}");
    configuration.vms.into_iter().next().expect("a VM")
}

fn with(devices: &[String]) -> VmPlan {
    read("memory = <0 0x4000>;", devices)
}

/// The only mistake in a VM with these devices.
fn mistake(devices: &[String]) -> String {
    let vm = with(devices);
    assert_eq!(vm.errors.len(), 1, "{:#?}", vm.errors);
    vm.errors[0].to_string()
}

fn device(kind: &str, rest: &str) -> String {
    format!("{kind} {rest}")
}

fn range(start: u64, size: u64) -> Range<Ipa> {
    Range::<Ipa>::new(Ipa::new(start), size).expect("a range")
}

#[test]
fn devices_are_where_their_nodes_say() {
    let uart = device(UART, "reg = <0 0x1c090000 0 0x1000>; interrupts = <0 5 4>;");
    let gic = device(GIC, "reg = <0 0x2f000000 0 0x10000 0 0x2f100000 0 0x200000>; interrupt-controller;");
    let timer = device(TIMER, "interrupts = <1 13 4 1 2 4 1 3 0xf04 1 10 4>;");
    let layout = with(&[uart, gic, timer]).vm.layout;
    let expected = MachineLayout {
        uart: range(0x1c09_0000, 0x1000),
        uart_intid: 37,
        distributor: range(0x2f00_0000, 0x1_0000),
        redistributors: Ipa::new(0x2f10_0000),
        physical_timer_intid: 18,
        virtual_timer_intid: 19,
        ..MachineLayout::VIRT
    };
    assert_eq!(layout, expected);
}

#[test]
fn what_a_node_does_not_say_is_as_by_default() {
    let vm = with(&[UART, GIC, TIMER].map(String::from));
    assert_eq!((vm.errors.as_slice(), &vm.vm.layout, vm.vm.console), (&[][..], &MachineLayout::VIRT, true));
    assert!(!with(&[device(UART, r#"status = "disabled";"#)]).vm.console);
}

#[test]
fn ram_may_be_where_devices_were() {
    let low = "memory = <0 0x40000>; bulkhead,guest-base = <0 0>;";
    let uart = device(UART, "reg = <0 0x1c090000 0 0x1000>;");
    let gic = device(GIC, "reg = <0 0x2f000000 0 0x10000 0 0x2f100000 0 0x200000>;");
    assert_eq!(read(low, &[uart.clone(), gic.clone()]).errors, []);
    for devices in [vec![uart], vec![gic]] {
        let errors = read(low, &devices).errors;
        assert!(
            matches!(errors.as_slice(), [only] if only.to_string().contains("guest-base is <0x0 0x0>; expected RAM beside the devices: ")),
            "{errors:?}"
        );
    }
}

#[test]
fn each_mistake_is_named() {
    let node = "/chosen/hypervisor/vm/d0";
    let reg = |kind, reg: &str| mistake(&[device(kind, &format!("reg = <{reg}>;"))]);
    let interrupts = |kind, cells: &str| mistake(&[device(kind, &format!("interrupts = <{cells}>;"))]);
    for bad in ["0 0x9000800 0 0x1000", "0 0x9000000 0 0x2000", "0x100 0 0 0x1000", "0 0x9000000 0 0x1000 0 0 0 1"] {
        assert!(
            reg(UART, bad).starts_with(&format!("{node}: reg is <0x"))
                && reg(UART, bad).ends_with("; expected one page")
        );
    }
    for bad in ["0 256 4", "1 5 4", "0 5 1", "0 5"] {
        assert!(interrupts(UART, bad).ends_with("; expected <0 SPI 4>, with an SPI below 256"), "{bad}");
    }
    for bad in ["1 13 4 1 14 4", "1 13 4 1 11 4 1 11 4 1 10 4", "1 13 4 1 14 4 1 16 4 1 10 4"] {
        assert!(interrupts(TIMER, bad).contains("; expected <1 PPI 4> for each of four timers"), "{bad}");
    }
    for bad in [
        "0 0x8000000 0 0x10000",
        "0 0x8001000 0 0x10000 0 0x80a0000 0 0x20000",
        "0 0x8000000 0 0x10000 0 0x80a0000 0 0x1000",
    ] {
        assert!(
            reg(GIC, bad)
                .contains("; expected two frames of 0x10000 and 0x20000 bytes or more, at multiples of 0x10000"),
            "{bad}"
        );
    }
    assert_eq!(
        reg(UART, "0 0x8000000 0 0x1000"),
        format!(
            "{node}: reg is <0x0 0x8000000 0x0 0x1000>; expected the GIC's distributor beside the PL011, which it overlaps"
        )
    );
    let second = mistake(&[UART, UART].map(String::from));
    assert_eq!(
        second,
        "/chosen/hypervisor/vm/d1: compatible is \"arm,pl011\"; expected one device of a kind: this is the second"
    );
    let other = mistake(&[String::from(r#"compatible = "arm,cortex-a15-gic";"#)]);
    assert_eq!(other, format!("{node}: compatible is \"arm,cortex-a15-gic\"; expected the GIC that the guest sees"));
}
