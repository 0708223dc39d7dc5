//! QEMU's machines that imitate real boards: cores, interrupt controller and memory map are their own.

/// A machine that imitates a board. All of them get 2 GiB.
#[derive(Debug, PartialEq, Eq)]
pub struct Model {
    /// QEMU's name.
    pub name: &'static str,
    /// Further options of `-M`, each with a comma before it.
    pub options: &'static str,
    /// Cores that QEMU wants to be told of.
    pub smp: u32,
    /// Cores that the hypervisor finds in the tree.
    pub cores: u32,
    /// Whether the machine brings no tree, and gets Debian's.
    pub needs_tree: bool,
    /// Physical address of the PL011; a board without one is silent.
    pub uart: Option<u64>,
    /// Whether software can switch it off (PSCI).
    pub switches_off: bool,
}

/// Four cores that wait on a spin table, a GIC-400, RAM from 0; the tree's `stdout-path` is another UART.
pub const RASPI4B: Model = Model {
    name: "raspi4b",
    options: "",
    smp: 4,
    cores: 4,
    needs_tree: true,
    uart: Some(0xfe20_1000),
    switches_off: false,
};

/// A GICv3 with two security states (GICD_CTLR.DS = 0); two of its four cores are of another kind.
pub const VERSAL: Model = Model {
    name: "xlnx-versal-virt",
    options: "",
    smp: 4,
    cores: 2,
    needs_tree: false,
    uart: Some(0xff00_0000),
    switches_off: true,
};

/// GIC-400 frames 64 KiB apart; its UART is none of ours.
pub const ZCU102: Model = Model {
    name: "xlnx-zcu102",
    options: ",virtualization=on",
    smp: 4,
    cores: 4,
    needs_tree: true,
    uart: None,
    switches_off: true,
};

/// GICv3 and a counter of 8 MHz; its UART is none of ours. QEMU 10.0 leaves the lines of virtual interrupts
/// unconnected, so only guests that wait for none can run.
pub const IMX8MP: Model =
    Model { name: "imx8mp-evk", options: "", smp: 4, cores: 4, needs_tree: true, uart: None, switches_off: true };
