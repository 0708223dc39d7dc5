//! Names of the configuration: nodes, compatible strings and properties of `/chosen/hypervisor`.
//! `hypervisor/docs/configuration.md` says what each means. Names without a prefix are Xen's (dom0less).

/// Path of the node that holds the configuration.
pub const HYPERVISOR_PATH: &str = "/chosen/hypervisor";
/// Name of that node below `/chosen`.
pub const HYPERVISOR_NODE: &str = "hypervisor";
/// `compatible` of that node.
pub const HYPERVISOR: &str = "bulkhead,hypervisor";

/// `compatible` of a node that describes a VM.
pub const VM: &str = "bulkhead,vm";
/// Xen's `compatible` for the same.
pub const XEN_DOMAIN: &str = "xen,domain";
/// `compatible` of a node that describes a module: bytes that lie in memory for a VM.
pub const MODULE: &str = "multiboot,module";
/// `compatible` of a module that is a kernel.
pub const KERNEL: &str = "multiboot,kernel";
/// `compatible` of a module that is an initial RAM disk.
pub const RAMDISK: &str = "multiboot,ramdisk";
/// `compatible` of a module that is the device tree that a guest gets instead of a generated one.
pub const DEVICE_TREE: &str = "multiboot,device-tree";

/// `compatible` of a child of a VM's node that says where its UART is.
pub const PL011: &str = "arm,pl011";
/// `compatible` of one that says where its GICv2 is.
pub const GIC_V2: &str = "arm,cortex-a15-gic";
/// `compatible` of one that says where its GICv3 is.
pub const GIC_V3: &str = "arm,gic-v3";
/// `compatible` of one that says which interrupts its timers have.
pub const TIMER: &str = "arm,armv8-timer";
/// In a device's node: its interrupts.
pub const INTERRUPTS: &str = "interrupts";

/// In the hypervisor's node: u32, index into `/cpus` of the core that does the hypervisor's own work.
pub const HOUSEKEEPING_CORE: &str = "bulkhead,housekeeping-core";
/// In the hypervisor's node: u32, the character (0 to 255) that moves the console's focus.
pub const ESCAPE_KEY: &str = "bulkhead,escape-key";
/// In the hypervisor's node: `power-off` or `stay`, what happens when no VM runs any more.
pub const WHEN_ALL_OFF: &str = "bulkhead,when-all-off";
/// In the hypervisor's node: u32, use no more list registers than this.
pub const MAX_LIST_REGISTERS: &str = "bulkhead,max-list-registers";

/// In a kernel's node: u64, the guest's address that its bytes, which are raw then, are loaded at.
pub const LOAD_ADDRESS: &str = "bulkhead,load-address";
/// In the node of a kernel of raw bytes: u64, the guest's address of its first instruction, if it is not its first byte.
pub const ENTRY: &str = "bulkhead,entry";

/// In a VM's node: u64, the guest's address of its tree.
pub const TREE_ADDRESS: &str = "bulkhead,tree-address";
/// In a VM's node, without a value: the guest gets no tree.
pub const NO_TREE: &str = "bulkhead,no-tree";
/// In a VM's node: string, the VM's name if it is not the node's.
pub const NAME: &str = "bulkhead,name";
/// In a VM's node: u32, number of vCPUs.
pub const CPUS: &str = "cpus";
/// In a VM's node: cells, indices into `/cpus` of the cores that run vCPU 0, 1, ...
pub const CORES: &str = "bulkhead,cores";
/// In a VM's node: u64, size of its RAM in KiB.
pub const MEMORY: &str = "memory";
/// In a VM's node: u64, physical address of its RAM.
pub const MEMORY_ADDRESS: &str = "bulkhead,memory-address";
/// In a VM's node: u64, address at which the guest sees its RAM.
pub const GUEST_BASE: &str = "bulkhead,guest-base";
/// In a VM's node or its kernel's: string, the guest's command line.
pub const BOOTARGS: &str = "bootargs";
/// In a VM's node, without a value: give it a virtual PL011, as every VM has unless [`NO_CONSOLE`] is there.
pub const VPL011: &str = "vpl011";
/// In a VM's node, without a value: give it no virtual PL011.
pub const NO_CONSOLE: &str = "bulkhead,no-console";
/// In a VM's node: u32, 2 or 3, the version of the GIC that the guest sees.
pub const GIC_VERSION: &str = "gic-version";
/// In a VM's node: a policy, what happens when the guest switches itself off.
pub const ON_POWER_OFF: &str = "bulkhead,on-power-off";
/// In a VM's node: a policy, what happens when the guest resets itself.
pub const ON_RESET: &str = "bulkhead,on-reset";
/// In a VM's node: a policy, what happens when the guest does what no architecture answers.
pub const ON_FAULT: &str = "bulkhead,on-fault";
/// The policy that stops the VM and scrubs its memory, which stays the VM's own.
pub const HALT: &str = "halt";
/// The policy that loads the VM's modules anew and starts it.
pub const RESTART: &str = "restart";
/// The policy that stops the VM, and keeps its memory and registers for the monitor.
pub const REPORT: &str = "report";

/// In the hypervisor's node: the value of [`WHEN_ALL_OFF`] that switches the machine off.
pub const POWER_OFF: &str = "power-off";
/// In the hypervisor's node: the value of [`WHEN_ALL_OFF`] that leaves the monitor running.
pub const STAY: &str = "stay";

/// In a module's node: address and size of the module. In a packed tree the address counts from the start of
/// the hypervisor's image.
pub const REG: &str = "reg";
/// In a module's node: string, the file that `bulkhead pack` puts there, relative to the configuration's.
pub const FILE: &str = "bulkhead,file";

/// Every property that a VM's node may have without a warning.
pub const VM_PROPERTIES: [&str; 19] = [
    "compatible",
    "#address-cells",
    "#size-cells",
    "phandle",
    "status",
    NAME,
    CPUS,
    CORES,
    MEMORY,
    MEMORY_ADDRESS,
    GUEST_BASE,
    BOOTARGS,
    VPL011,
    NO_CONSOLE,
    GIC_VERSION,
    ON_POWER_OFF,
    ON_RESET,
    ON_FAULT,
    REG,
];
/// The same, where guests may have other kernels than arm64 Images.
pub const VM_PROPERTIES_WITH_FORMATS: [&str; 21] = with(VM_PROPERTIES, [TREE_ADDRESS, NO_TREE]);
/// Every property that the hypervisor's node may have without a warning.
pub const HYPERVISOR_PROPERTIES: [&str; 8] = [
    "compatible",
    "#address-cells",
    "#size-cells",
    "phandle",
    HOUSEKEEPING_CORE,
    ESCAPE_KEY,
    WHEN_ALL_OFF,
    MAX_LIST_REGISTERS,
];
/// Every property that a module's node may have without a warning.
pub const MODULE_PROPERTIES: [&str; 6] = ["compatible", "phandle", "status", REG, FILE, BOOTARGS];
/// The same, where guests may have other kernels than arm64 Images.
pub const MODULE_PROPERTIES_WITH_FORMATS: [&str; 8] = with(MODULE_PROPERTIES, [LOAD_ADDRESS, ENTRY]);

/// `more` behind `names`.
const fn with<const A: usize, const B: usize, const C: usize>(
    names: [&'static str; A],
    more: [&'static str; B],
) -> [&'static str; C] {
    assert!(A + B == C);
    let (mut all, mut at) = ([""; C], 0);
    while at < C {
        all[at] = if at < A { names[at] } else { more[at - A] };
        at += 1;
    }
    all
}
/// Every property that a device's node may have without a warning.
pub const DEVICE_PROPERTIES: [&str; 8] =
    ["compatible", "phandle", "status", REG, INTERRUPTS, "interrupt-controller", "#interrupt-cells", "#address-cells"];
