//! The rows of the page of results: what each operation is called there.

/// An operation in words.
pub struct Row {
    pub title: &'static str,
    pub operation: &'static str,
    /// Cores of the board that it is measured on.
    pub cores: u8,
    /// So many instructions that only three digits are shown.
    pub is_long: bool,
}

const fn one(title: &'static str, operation: &'static str) -> Row {
    Row { title, operation, cores: 1, is_long: false }
}

const fn two(title: &'static str, operation: &'static str) -> Row {
    Row { title, operation, cores: 2, is_long: false }
}

const fn long(title: &'static str, operation: &'static str) -> Row {
    Row { title, operation, cores: 1, is_long: true }
}

/// The first table: what a guest does.
pub const OPERATIONS: &[Row] = &[
    one("PSCI_VERSION", "psci-version"),
    one("the cheapest call that is answered (SMCCC_VERSION)", "smccc-version"),
    one("a call that nobody knows", "unknown-call"),
    one("identification register", "id-register"),
    one("instruction that does not exist, to the guest's handler", "undefined-register"),
    one("access where nothing is, to the guest's handler", "external-abort"),
    one("GICD_TYPER read", "gicd-typer-read"),
    one("GICD_ISENABLER write", "gicd-isenabler-write"),
    one("SGI to itself, to the handler", "sgi-to-self"),
    one("virtual timer's expiry, to the handler", "virtual-timer"),
    one("WFI, woken by the virtual timer, to the handler", "wfi-virtual-timer"),
    one("physical timer's expiry, to the handler", "physical-timer"),
    one("physical timer: compare value written", "cntp-cval-write"),
    one("first touch of a page of RAM", "first-touch"),
    one("second touch", "second-touch"),
    one("TLB: all of a VM's entries on all cores", "tlbi-all"),
    one("PL011: flags read", "uart-flags-read"),
    two("PL011: byte written, another core keeping house", "uart-byte-write"),
    two("SGI to a vCPU that runs on another core, to its handler", "sgi-to-other"),
    two("CPU_ON, to the target's first instruction", "cpu-on"),
    long("entry to the first guest's first instruction, without copying and zeroing", "entry-to-guest"),
    long("SYSTEM_RESET to the guest's first instruction, without copying and zeroing", "restart"),
    long("copying and zeroing for that", "restart-copying"),
];

/// The table of the interrupt controllers' registers.
pub const REGISTERS: &[Row] = &[
    one("GICD_CTLR read", "gicd-ctlr-read"),
    one("GICD_CTLR write", "gicd-ctlr-write"),
    one("GICD_TYPER read", "gicd-typer-read"),
    one("GICD_PIDR2 read", "gicd-pidr2-read"),
    one("GICD_IGROUPR write", "gicd-igroupr-write"),
    one("GICD_ISENABLER read", "gicd-isenabler-read"),
    one("GICD_ISENABLER write", "gicd-isenabler-write"),
    one("GICD_ICENABLER write", "gicd-icenabler-write"),
    one("GICD_ISPENDR write", "gicd-ispendr-write"),
    one("GICD_ICPENDR write", "gicd-icpendr-write"),
    one("GICD_ISACTIVER write", "gicd-isactiver-write"),
    one("GICD_ICACTIVER write", "gicd-icactiver-write"),
    one("GICD_IPRIORITYR read", "gicd-ipriorityr-read"),
    one("GICD_IPRIORITYR write", "gicd-ipriorityr-write"),
    one("GICD_IPRIORITYR write of a byte", "gicd-ipriorityr-byte-write"),
    one("GICD_ICFGR write", "gicd-icfgr-write"),
    one("GICD_IROUTER read", "gicd-irouter-read"),
    one("GICD_IROUTER write", "gicd-irouter-write"),
    one("GICD_ITARGETSR read", "gicd-itargetsr-read"),
    one("GICD_ITARGETSR write", "gicd-itargetsr-write"),
    one("GICD_SPENDSGIR write", "gicd-spendsgir-write"),
    one("GICD_CPENDSGIR write", "gicd-cpendsgir-write"),
    one("GICR_CTLR read", "gicr-ctlr-read"),
    one("GICR_TYPER read", "gicr-typer-read"),
    one("GICR_WAKER write", "gicr-waker-write"),
    one("ISENABLER write of private interrupts", "private-isenabler-write"),
    one("IPRIORITYR write of private interrupts", "private-ipriorityr-write"),
    one("ICC_SGI0R_EL1 write", "icc-sgi0r-write"),
    one("ICC_IAR1_EL1 read", "icc-iar1-read"),
    one("ICC_PMR_EL1 write", "icc-pmr-write"),
    one("GICC_IAR read", "gicc-iar-read"),
    one("GICC_PMR write", "gicc-pmr-write"),
];

/// An exit at its worst.
pub struct Worst {
    pub title: &'static str,
    /// Alike: the one that costs most counts.
    pub operations: &'static [&'static str],
    /// Why it cannot be more.
    pub bound: &'static str,
}

const fn worst(title: &'static str, operations: &'static [&'static str], bound: &'static str) -> Worst {
    Worst { title, operations, bound }
}

const CONSTANT: &str = "no loop";
const CHOICE: &str = "one choice of list registers";
const WORD: &str = "32 interrupts of a word, then one choice";

/// The table of worst cases.
pub const WORST: &[Worst] = &[
    worst("a call that is refused", &["worst-cpu-on-refused", "worst-suspend-refused"], CONSTANT),
    worst("SYSTEM_SUSPEND, refused", &["worst-system-suspend-refused"], "vCPUs, at most 32"),
    worst("AFFINITY_INFO of all levels", &["worst-affinity-info"], "32, the most vCPUs that there can be"),
    worst("CPU_SUSPEND with interrupts pending", &["worst-cpu-suspend"], "the first candidate ends the search"),
    worst(
        "CPU_ON, to the target's first instruction",
        &["worst-cpu-on"],
        "GICv2: all SPIs routed anew; then one choice",
    ),
    worst("an undefined register, to the handler", &["worst-undefined-register"], CONSTANT),
    worst(
        "load or store where nothing is, to the handler",
        &["worst-load-nowhere", "worst-store-nowhere"],
        "devices of the VM, at most 3",
    ),
    worst("the same, one of the first eight", &["worst-told-abort"], "one message; at the eighth another"),
    worst(
        "fetch, or table walk, where nothing is, to the handler",
        &["worst-fetch-nowhere", "worst-walk-nowhere"],
        CONSTANT,
    ),
    worst("the wrong size at a device", &["worst-size-at-device"], "devices of the VM, at most 3"),
    worst("a pair read from a device, by its instruction", &["worst-pair-at-device"], "two accesses"),
    worst("GICD_CTLR read", &["worst-gicd-ctlr-read"], "vCPUs, at most 32"),
    worst(
        "GICD_CTLR write",
        &["worst-gicd-ctlr-on", "worst-gicd-ctlr-off"],
        "all banks: vCPUs and SPIs/32, then one choice",
    ),
    worst("GICR_WAKER write", &["worst-gicr-waker-on", "worst-gicr-waker-off"], CONSTANT),
    worst("IGROUPR write", &["worst-gicd-igroupr-write", "worst-gicr-igroupr-write"], WORD),
    worst(
        "ISENABLER, ICENABLER write",
        &["worst-gicd-isenabler-write", "worst-gicd-icenabler-write", "worst-gicr-isenabler-write"],
        WORD,
    ),
    worst(
        "ISPENDR, ICPENDR write",
        &["worst-gicd-ispendr-write", "worst-gicd-icpendr-write", "worst-gicr-ispendr-write"],
        WORD,
    ),
    worst(
        "ISACTIVER, ICACTIVER write",
        &["worst-gicd-isactiver-write", "worst-gicd-icactiver-write", "worst-gicr-isactiver-write"],
        WORD,
    ),
    worst("ICFGR write", &["worst-gicd-icfgr-write"], "16 interrupts, then one choice"),
    worst("IPRIORITYR write", &["worst-gicd-ipriorityr-write"], "4 interrupts, then one choice"),
    worst("IPRIORITYR read", &["worst-gicd-ipriorityr-read"], "4 interrupts"),
    worst("IROUTER write", &["worst-gicd-irouter-write"], CHOICE),
    worst("ITARGETSR write", &["worst-gicd-itargetsr-write"], "4 interrupts, then one choice"),
    worst(
        "SPENDSGIR, CPENDSGIR write",
        &["worst-gicd-spendsgir-write", "worst-gicd-cpendsgir-write"],
        "4 SGIs, then one choice",
    ),
    worst("SGI to all vCPUs, oneself among them", &["worst-gicd-sgir-write"], "8 vCPUs, then one choice"),
    worst("SGI to all others, which are off", &["worst-sgi-to-all"], "vCPUs, at most 32"),
    worst("SGI to all others, which run", &["worst-sgi-to-all-running"], "the same, and a kick for each"),
    worst("ICC_DIR_EL1 write while more are active than list registers", &["worst-icc-dir-write"], CHOICE),
    worst("acknowledge that leaves no list register pending", &["worst-acknowledge"], CHOICE),
    worst("end of an interrupt without a list register", &["worst-end"], "a search of all candidates, then one choice"),
    worst("virtual timer's expiry", &["worst-virtual-timer"], CHOICE),
    worst("physical timer's expiry", &["worst-physical-timer"], CHOICE),
    worst(
        "physical timer programmed",
        &["worst-cntp-cval-past-write", "worst-cntp-ctl-off-write", "worst-cntp-ctl-on-write"],
        CHOICE,
    ),
    worst("PL011 register that moves its interrupt", &["worst-uart-mask-write", "worst-uart-clear-write"], CHOICE),
    worst("PL011 flags read", &["worst-uart-flags-read"], "a FIFO of 32 bytes"),
];
