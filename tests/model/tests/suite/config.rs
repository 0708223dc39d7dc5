//! Boards and configurations read from trees, whole, wrong and damaged.

use bulkhead_campaign::Campaign;
use bulkhead_model::config::{check, example};
use bulkhead_model::fdt::{dts, mutate};
use bulkhead_model::random::Random;
use bulkhead_vmm::address::{Ipa, Pa, Range};
use bulkhead_vmm::config::board::Board;
use bulkhead_vmm::config::plan::{Occupied, Plan, VmPlan, plan};
use bulkhead_vmm::config::{Configuration, Cores, GuestGic, Policy, RawPlace, TreePlace, WhenAllOff};
use bulkhead_vmm::fdt::Tree;

const MUTANTS: Campaign<'_> = Campaign {
    name: "a_mutant_of_a_configuration_keeps_every_promise",
    stage: "model",
    unit: "mutants of configurations",
    each: 1000,
    sample: 1000,
    long: 20_000,
};

fn range(start: u64, size: u64) -> Range<Pa> {
    Range::<Pa>::new(Pa::new(start), size).expect("a range")
}

/// The board `board` with what `chosen` has for `/chosen`: its plan with the hypervisor at 0x4020_0000
/// and the tree at 0x6000_0000.
fn planned(board: &str, chosen: &str) -> (Configuration, Plan) {
    let tree = example::on_board(board, &format!("chosen {{ {chosen} }};"));
    let board = Board::read(&tree).expect("a board");
    let configuration = Configuration::read(&tree, &board, None);
    let occupied = [
        Occupied { by: "the hypervisor", range: range(0x4020_0000, 0x10_0000), released: false },
        Occupied { by: "the board's device tree", range: range(0x6000_0000, 0x1d48), released: true },
    ];
    (configuration.clone(), plan(&board, configuration, &occupied))
}

/// The VM number `place`, which starts.
fn started(plan: &Plan, place: usize) -> &VmPlan {
    assert!(plan.vms[place].is_good(), "{:#?}", plan.vms[place].errors);
    &plan.vms[place]
}

/// Every mistake in the configuration, warnings apart, as the hypervisor says it.
fn mistakes(chosen: &str) -> Vec<String> {
    let (configuration, plan) = planned("virt-gicv3", chosen);
    let refused = plan.vms.iter().flat_map(|vm| &vm.errors);
    configuration.errors.iter().chain(&plan.errors).chain(refused).map(ToString::to_string).collect()
}

/// A VM's node with `properties`, besides good ones of its kernel.
fn vm(name: &str, kernel: &str, properties: &str) -> String {
    let module = format!(r#"compatible = "multiboot,kernel", "multiboot,module"; reg = <0 {kernel} 0 0x1000>;"#);
    format!(r#"{name} {{ compatible = "bulkhead,vm"; {properties} kernel {{ {module} }}; }};"#)
}

const GOOD: &str = "cpus = <1>; memory = <0 0x8000>;";

/// `vms` in the hypervisor's node.
fn hypervisor(vms: &[String]) -> String {
    format!(r#"hypervisor {{ compatible = "bulkhead,hypervisor"; {} }};"#, vms.concat())
}

/// The only mistake in a good VM's node with `properties` added.
fn mistake(properties: &str) -> String {
    let found = mistakes(&hypervisor(&[vm("a", "0x48000000", properties), vm("bystander", "0x49000000", GOOD)]));
    assert_eq!(found.len(), 1, "{found:#?}");
    found.into_iter().next().expect("one")
}

#[test]
fn the_examples_are_read_without_a_mistake() {
    for name in ["every-property", "dom0less", "loose-modules"] {
        let (configuration, plan) = planned("virt-gicv3", &chosen_of(example::source(name)));
        assert_eq!((&configuration.errors, &configuration.warnings), (&vec![], &vec![]), "{name}");
        assert!(!plan.vms.is_empty() && plan.vms.iter().all(VmPlan::is_good), "{name}: {:#?}", plan.vms);
    }
}

/// What stands in the `chosen` node of `source`.
fn chosen_of(source: &str) -> String {
    let body = &source[source.find("chosen {").expect("chosen") + 8..];
    body[..body.rfind("};\n};").expect("the end")].to_string()
}

#[test]
fn every_property_is_heard() {
    let (configuration, plan) = planned("virt-gicv3", &chosen_of(example::source("every-property")));
    assert_eq!(configuration.housekeeping_core, Some(0));
    assert_eq!((configuration.escape_key, configuration.max_list_registers), (0x1d, Some(2)));
    assert_eq!(configuration.when_all_off, WhenAllOff::Stay);
    let first = started(&plan, 0);
    assert_eq!((first.vm.name.as_str(), &first.cores), ("first-guest", &vec![2, 1]));
    assert_eq!((first.memory_size, first.memory), (64 << 20, Some(range(0x6000_0000, 64 << 20))));
    assert_eq!(first.vm.layout.ram_base.get(), 0x8000_0000);
    assert_eq!((first.vm.bootargs.as_str(), first.vm.console, first.gic), ("quiet", true, GuestGic::V3));
    let policies = [first.vm.on_power_off, first.vm.on_reset, first.vm.on_fault];
    assert_eq!(policies, [Policy::Restart, Policy::Halt, Policy::Report]);
    assert_eq!(first.vm.kernel.range, range(0x4800_0000, 0x20_0000));
    assert_eq!(first.vm.ramdisk.as_ref().map(|module| module.range), Some(range(0x4900_0000, 0x10_0000)));
    assert_eq!(first.vm.device_tree.as_ref().map(|module| module.range), Some(range(0x4a00_0000, 0x2000)));
    let second = started(&plan, 1);
    assert_eq!((&second.cores, second.vm.console, second.gic), (&vec![3], false, GuestGic::V3));
    assert_eq!(second.vm.bootargs, "the same kernel, loaded once");
    assert_eq!((first.vm.tree_place, first.vm.raw), (TreePlace::At(Ipa::new(0x8000_0000)), None));
    let raw = started(&plan, 2);
    let place = RawPlace { load: Ipa::new(0x4000_1000), entry: Ipa::new(0x4000_1040) };
    assert_eq!((raw.vm.tree_place, raw.vm.raw), (TreePlace::Nowhere, Some(place)));
    assert_eq!(plan.vms.len(), 3, "a disabled VM is none");
}

#[test]
fn loose_modules_make_one_vm_of_everything_that_is_left() {
    let (_, plan) = planned("virt-gicv3", &chosen_of(example::source("loose-modules")));
    let guest = started(&plan, 0);
    assert_eq!((guest.vm.name.as_str(), guest.vm.bootargs.as_str()), ("guest", "console=ttyAMA0"));
    assert_eq!(guest.cores, [0, 1, 2, 3]);
    let free: u64 = plan.free.iter().map(|range| range.size()).sum();
    assert!((16 << 20..18 << 20).contains(&(free - guest.memory_size)), "{:#x}", free - guest.memory_size);
    assert_eq!(plan.housekeeping_core, 3);
}

#[test]
fn a_packed_configuration_counts_from_the_image() {
    let tree = example::on_board("virt-gicv3", &format!("chosen {{ {} }};", hypervisor(&[vm("a", "0x200000", GOOD)])));
    let board = Board::read(&tree).expect("a board");
    let configuration = Configuration::read(&tree, &board, Some(Pa::new(0x4020_0000)));
    assert_eq!(configuration.vms[0].vm.kernel.range, range(0x4040_0000, 0x1000));
}

#[test]
fn counts_are_filled_from_the_highest_core_down() {
    let vms = [
        vm("a", "0x48000000", "cpus = <1>; memory = <0 0x1000>;"),
        vm("b", "0x48000000", "bulkhead,cores = <3>; memory = <0 0x1000>;"),
        vm("c", "0x48000000", "cpus = <1>; memory = <0 0x1000>;"),
    ];
    let (_, plan) = planned("virt-gicv3", &hypervisor(&vms));
    let cores: Vec<_> = plan.starting().map(|vm| vm.cores.clone()).collect();
    assert_eq!((cores, plan.housekeeping_core), (vec![vec![2], vec![3], vec![1]], 0));
    let wish = hypervisor(&[String::from("bulkhead,housekeeping-core = <2>;"), vms.concat()]);
    let (_, plan) = planned("virt-gicv3", &wish);
    let cores: Vec<_> = plan.starting().map(|vm| vm.cores.clone()).collect();
    assert_eq!((cores, plan.housekeeping_core), (vec![vec![1], vec![3], vec![0]], 2));
}

#[test]
fn housekeeping_goes_to_the_vm_with_most_vcpus_if_every_core_is_taken() {
    let vms = [
        vm("rtos", "0x48000000", "bulkhead,cores = <0>; memory = <0 0x1000>;"),
        vm("linux", "0x48000000", "cpus = <2>; memory = <0 0x1000>;"),
        vm("other", "0x48000000", "cpus = <1>; memory = <0 0x1000>;"),
    ];
    let (_, plan) = planned("virt-gicv3", &hypervisor(&vms));
    assert_eq!(started(&plan, 1).cores, [2, 3]);
    assert_eq!(plan.housekeeping_core, 3);
}

#[test]
fn each_bad_property_is_named_with_value_and_expectation() {
    let node = "/chosen/hypervisor/a";
    let with = |properties: &str| mistake(&format!("{GOOD} {properties}"));
    assert_eq!(
        with("bulkhead,no-tree; bulkhead,tree-address = <0 0x40000000>;"),
        format!("{node}: bulkhead,no-tree is empty; expected neither a place for a tree nor a tree beside it")
    );
    assert_eq!(
        with("bulkhead,tree-address = <0 0x40000004>;"),
        format!("{node}: bulkhead,tree-address is <0x0 0x40000004>; expected a multiple of 8 in two cells")
    );
    assert_eq!(
        mistake("memory = <0 0x8000>;"),
        format!("{node}: cpus is absent; expected a number of cores here, or bulkhead,cores")
    );
    let most = "1 to 4 in one cell: each vCPU has a core of its own, and the board has 4";
    assert_eq!(mistake("cpus = <5>; memory = <0 0x8000>;"), format!("{node}: cpus is <0x5>; expected {most}"));
    assert_eq!(mistake("cpus = <0>; memory = <0 0x8000>;"), format!("{node}: cpus is <0x0>; expected {most}"));
    let memory = "KiB in two cells, a multiple of 4 and not 0";
    assert_eq!(mistake("cpus = <1>;"), format!("{node}: memory is absent; expected {memory}"));
    assert_eq!(mistake("cpus = <1>; memory = <0 0>;"), format!("{node}: memory is <0x0 0x0>; expected {memory}"));
    assert_eq!(
        mistake("cpus = <1>; memory = <0 0x8001>;"),
        format!("{node}: memory is <0x0 0x8001>; expected {memory}")
    );
    assert_eq!(
        mistake("cpus = <1>; memory = <0xffffffff 0>;"),
        format!("{node}: memory is <0xffffffff 0x0>; expected {memory}")
    );
    assert_eq!(
        with("bulkhead,cores = <4>;"),
        format!(
            "{node}: bulkhead,cores is <0x4>; expected 1 to 32 different cores below 4 that can be started, one cell each"
        )
    );
    assert_eq!(
        with("bulkhead,cores = <1 2>;"),
        format!("{node}: bulkhead,cores is <0x1 0x2>; expected 1 cores, as cpus says")
    );
    assert_eq!(
        with("bulkhead,cores = <1 1>;"),
        format!(
            "{node}: bulkhead,cores is <0x1 0x1>; expected 1 to 32 different cores below 4 that can be started, one cell each"
        )
    );
    assert_eq!(
        with("bulkhead,cores;"),
        format!(
            "{node}: bulkhead,cores is empty; expected 1 to 32 different cores below 4 that can be started, one cell each"
        )
    );
    assert_eq!(
        with(r#"bulkhead,on-fault = "reboot";"#),
        format!("{node}: bulkhead,on-fault is \"reboot\"; expected \"halt\", \"restart\" or \"report\"")
    );
    assert_eq!(
        with("gic-version = <2>;"),
        format!("{node}: gic-version is <0x2>; expected <3>, the version of the board's GIC")
    );
    assert_eq!(
        with("bulkhead,guest-base = <0 0x1000>;"),
        format!("{node}: bulkhead,guest-base is <0x0 0x1000>; expected a multiple of 2 MiB in two cells")
    );
    assert_eq!(
        with("bulkhead,guest-base = <0 0x8000000>;"),
        format!(
            "{node}: bulkhead,guest-base is <0x0 0x8000000>; expected RAM beside the devices: at 0x8000000..=0x9ffffff it covers the GIC's distributor"
        )
    );
    assert_eq!(
        with("bulkhead,memory-address = <0 0x50000800>;"),
        format!("{node}: bulkhead,memory-address is <0x0 0x50000800>; expected a multiple of 4096 in two cells")
    );
    assert_eq!(
        with("bootargs = [ff 00];"),
        format!("{node}: bootargs is [ff 00]; expected one string of at most 4096 bytes, here or in the kernel's node")
    );
    let names = "1 to 31 letters, digits, dots, dashes and underscores, and not hypervisor, monitor or all";
    assert_eq!(
        with(r#"bulkhead,name = "two words";"#),
        format!("{node}: bulkhead,name is \"two words\"; expected {names}")
    );
    assert_eq!(
        with(r#"bulkhead,name = "monitor";"#),
        format!("{node}: bulkhead,name is \"monitor\"; expected {names}")
    );
}

#[test]
fn memory_that_does_not_fit_is_refused() {
    assert_eq!(
        mistake("cpus = <1>; memory = <0 0x100000>;"),
        "/chosen/hypervisor/a: memory is 1048576 KiB; expected at most 1043448 KiB, all that is left"
    );
    let at = |address: &str| mistake(&format!("{GOOD} bulkhead,memory-address = <0 {address}>;"));
    let free = "0x40000000..=0x401fffff, 0x40300000..=0x47ffffff, 0x48001000..=0x48ffffff, 0x49001000..=0x7fffffff";
    for address in ["0x3f000000", "0x40000000", "0x47000000", "0x7f000000", "0xf0000000"] {
        let expected = format!("expected RAM of 32768 KiB that is free: {free}");
        assert_eq!(at(address), format!("/chosen/hypervisor/a: bulkhead,memory-address is {address}; {expected}"));
    }
}

#[test]
fn the_second_claim_to_cores_memory_or_a_name_is_refused() {
    let two = |a: &str, b: &str| mistakes(&hypervisor(&[vm("a", "0x48000000", a), vm("b", "0x49000000", b)]));
    let fixed = |address: &str| format!("cpus = <1>; memory = <0 0x8000>; bulkhead,memory-address = <0 {address}>;");
    let exact = "bulkhead,cores = <1 2>; memory = <0 0x8000>;";
    assert_eq!(
        two(exact, "bulkhead,cores = <2 3>; memory = <0 0x8000>;"),
        ["/chosen/hypervisor/b: bulkhead,cores is core 2 among others; expected cores that no other VM has"]
    );
    assert_eq!(
        two(exact, "cpus = <3>; memory = <0 0x8000>;"),
        [
            "/chosen/hypervisor/b: cpus is <3>; expected at most 2, the cores that are still free: each vCPU has a core of its own"
        ]
    );
    let overlapping = two(&fixed("0x50000000"), &fixed("0x51000000"));
    assert!(
        matches!(overlapping.as_slice(), [only] if only.starts_with("/chosen/hypervisor/b: bulkhead,memory-address is 0x51000000; ")),
        "{overlapping:?}"
    );
    assert_eq!(
        two(&format!(r#"{GOOD} bulkhead,name = "b";"#), GOOD),
        [
            "/chosen/hypervisor/b: bulkhead,name is \"b\"; expected a name that no other VM has: /chosen/hypervisor/a has it"
        ]
    );
}

#[test]
fn a_refused_vm_takes_nothing_from_the_others() {
    let vms = [
        vm("greedy", "0x48000000", "cpus = <4>; memory = <0 0x200000>;"),
        vm(
            "fixed",
            "0x49000000",
            "bulkhead,cores = <0 1 2 3>; memory = <0 0x8000>; bulkhead,memory-address = <0 0x7f000000>;",
        ),
        vm("late", "0x4a000000", "cpus = <4>; memory = <0 0xc0000>;"),
    ];
    let (_, plan) = planned("virt-gicv3", &hypervisor(&vms));
    let outcomes: Vec<_> = plan.vms.iter().map(|vm| (vm.errors.len(), vm.cores.len())).collect();
    assert_eq!(outcomes, [(1, 0), (1, 0), (0, 4)], "{:#?}", plan.vms);
}

#[test]
fn memory_with_an_address_comes_before_memory_without() {
    let fixed = "cpus = <1>; memory = <0 0x80000>; bulkhead,memory-address = <0 0x50000000>;";
    let vms = [vm("floating", "0x48000000", "cpus = <1>; memory = <0 0x80000>;"), vm("fixed", "0x49000000", fixed)];
    let (_, plan) = planned("virt-gicv3", &hypervisor(&vms));
    let refused = plan.vms[0].errors[0].to_string();
    assert_eq!(
        refused,
        "/chosen/hypervisor/floating: memory is 524288 KiB; expected at most 519160 KiB, all that is left"
    );
    assert_eq!(started(&plan, 1).memory, Some(range(0x5000_0000, 512 << 20)));
}

#[test]
fn cores_memory_and_modules_are_said_at_once() {
    let bad = "bulkhead,cores = <3>; memory = <0 0x200000>;";
    let found = mistakes(&hypervisor(&[
        vm("a", "0x48000000", "bulkhead,cores = <3>; memory = <0 0x8000>;"),
        vm("b", "0x402ff000", bad),
    ]));
    assert_eq!(found.len(), 3, "{found:#?}");
}

#[test]
fn bad_modules_are_refused() {
    let module = |kernel: &str| {
        let found = mistakes(&hypervisor(&[vm("a", kernel, GOOD), vm("b", "0x49000000", GOOD)]));
        assert_eq!(found.len(), 1, "{found:?}");
        found[0].clone()
    };
    let node = "/chosen/hypervisor/a/kernel: reg is";
    assert_eq!(
        module("0x402ff000"),
        format!(
            "{node} 0x402ff000..=0x402fffff; expected a module that does not overlap the hypervisor at 0x40200000..=0x402fffff"
        )
    );
    assert_eq!(
        module("0x7ffff800"),
        format!("{node} 0x7ffff800..=0x800007ff; expected a module that lies in RAM: 0x40000000..=0x7fffffff")
    );
    for kernel in ["0x60000000", "0x5ffff800", "0x60001d47"] {
        let found = module(kernel);
        let tree = "; expected a module that does not overlap the board's device tree at 0x60000000..=0x60001d47";
        assert!(found.ends_with(tree), "{found}");
    }
    let second = "/chosen/hypervisor/b/kernel: reg is 0x49000000..=0x49000fff; expected a module that does not overlap";
    assert_eq!(module("0x49000800"), format!("{second} /chosen/hypervisor/a/kernel at 0x49000800..=0x490017ff"));
}

/// The only mistake in a VM with the children `modules`.
fn module_mistake(modules: &str) -> String {
    let found = mistakes(&hypervisor(&[format!(r#"a {{ compatible = "xen,domain"; {GOOD} {modules} }};"#)]));
    assert_eq!(found.len(), 1, "{found:#?}");
    found.into_iter().next().expect("one")
}

#[test]
fn missing_and_unknown_modules_are_refused() {
    let node = "/chosen/hypervisor/a";
    let kernel = r#"k { compatible = "multiboot,kernel", "multiboot,module"; reg = <0 0x48000000 0 0x1000>; };"#;
    assert_eq!(
        module_mistake(""),
        format!(
            "{node} is without a kernel; expected a child with compatible = \"multiboot,kernel\", \"multiboot,module\""
        )
    );
    let kinds = "\"multiboot,kernel\", \"multiboot,ramdisk\" or \"multiboot,device-tree\" beside \"multiboot,module\"";
    assert_eq!(
        module_mistake(&format!(r#"{kernel} x {{ compatible = "multiboot,module"; reg = <0 0x49000000 0 1>; }};"#)),
        format!("{node}/x: compatible is \"multiboot,module\"; expected {kinds}")
    );
    let twice = format!("{kernel} {}", kernel.replace("k {", "l {"));
    assert_eq!(
        module_mistake(&twice),
        format!(
            "{node}/l: compatible is \"multiboot,kernel\", \"multiboot,module\"; expected one module of a kind: this is the second"
        )
    );
    let reg =
        |reg: &str| module_mistake(&format!(r#"k {{ compatible = "multiboot,kernel", "multiboot,module"; {reg} }};"#));
    let pair = "address and size of bytes within 64 bits, once, as #address-cells and #size-cells say";
    assert_eq!(reg(""), format!("{node}/k: reg is absent; expected {pair}"));
    assert_eq!(reg("reg = <0 0 0>;"), format!("{node}/k: reg is <0x0 0x0 0x0>; expected {pair}"));
    assert_eq!(reg("reg = <0 0x48000000 0 0>;"), format!("{node}/k: reg is <0x0 0x48000000 0x0 0x0>; expected {pair}"));
    assert_eq!(
        reg(r#"bulkhead,file = "Image";"#),
        format!(
            "{node}/k: reg is absent; expected the module's address and size: pack the configuration by `bulkhead pack`"
        )
    );
}

#[test]
fn mistakes_outside_the_vms_refuse_none() {
    let own = r#"bulkhead,housekeeping-core = <4>; bulkhead,escape-key = <256>; bulkhead,when-all-off = "sleep"; bulkhead,max-list-registers = <0>; bulkhead,colour = <1>;"#;
    let (configuration, plan) = planned("virt-gicv3", &hypervisor(&[own.into(), vm("a", "0x48000000", GOOD)]));
    let said: Vec<String> = configuration.errors.iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "/chosen/hypervisor: bulkhead,housekeeping-core is <0x4>; expected a number from 0 to 3, in one cell",
            "/chosen/hypervisor: bulkhead,escape-key is <0x100>; expected a number from 0 to 255, in one cell",
            "/chosen/hypervisor: bulkhead,max-list-registers is <0x0>; expected a number from 1 to 16, in one cell",
            "/chosen/hypervisor: bulkhead,when-all-off is \"sleep\"; expected \"power-off\" or \"stay\"",
        ]
    );
    assert_eq!(configuration.warnings.len(), 1, "{:?}", configuration.warnings);
    assert!(plan.vms[0].is_good());
    assert_eq!(
        mistakes("").as_slice(),
        [
            "/ is without /chosen/hypervisor, and without modules in /chosen; expected a configuration: pack one with its guests by `bulkhead pack`, or load a kernel as a module"
        ]
    );
    assert_eq!(
        mistakes(&hypervisor(&[])).as_slice(),
        [
            "/chosen/hypervisor is without VMs; expected VMs: children with compatible = \"bulkhead,vm\", or modules in /chosen"
        ]
    );
}

#[test]
fn an_unknown_property_of_a_vm_is_a_warning() {
    let (configuration, plan) =
        planned("virt-gicv3", &hypervisor(&[vm("a", "0x48000000", &format!("{GOOD} memroy = <1>;"))]));
    assert!(plan.vms[0].is_good());
    let said: Vec<String> = configuration.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        ["/chosen/hypervisor/a: memroy is <0x1>; expected a property that is known: this one has no effect"]
    );
}

#[test]
fn every_mistake_of_a_vm_is_said_at_once() {
    let found = mistakes(&hypervisor(&[vm(
        "a",
        "0x48000000",
        r#"cpus = <9>; memory = <0 1>; bulkhead,on-reset = "x"; gic-version = <4>;"#,
    )]));
    assert_eq!(found.len(), 4, "{found:#?}");
}

#[test]
fn a_disabled_core_is_given_to_none() {
    let vms = [
        vm("a", "0x48000000", "bulkhead,cores = <2>; memory = <0 0x1000>;"),
        vm("b", "0x48000000", "cpus = <2>; memory = <0 0x1000>;"),
    ];
    let text = format!("chosen {{ {} }};", hypervisor(&vms).replace("0x48000000", "0x81000000"));
    let tree = example::on_board("extended", &text);
    let board = Board::read(&tree).expect("a board");
    let configuration = Configuration::read(&tree, &board, None);
    let refused = configuration.vms[0].errors[0].to_string();
    assert!(refused.ends_with("is <0x2>; expected 1 to 32 different cores below 4 that can be started, one cell each"));
    assert_eq!(configuration.vms[1].vm.cores, Cores::Count(2));
    let plan = plan(&board, configuration, &[]);
    assert_eq!(started(&plan, 1).cores, [0, 1], "cores 2 and 3 cannot be started");
}

#[test]
fn a_mutant_of_a_configuration_keeps_every_promise() {
    let boards = ["virt-gicv3", "virt-gicv2", "soc-ranges", "extended"];
    let on = |board: &&str| example::EXAMPLES.map(|(_, source)| example::on_board_bytes(board, source));
    let samples: Vec<Vec<u8>> = boards.iter().flat_map(on).collect();
    MUTANTS.run(|seed| {
        let count = MUTANTS.each;
        let planned = (0..count).filter(|number| {
            let name = seed.wrapping_mul(count).wrapping_add(*number);
            let mutant = mutate::mutate(&samples[(name % samples.len() as u64) as usize], &mut Random::new(name));
            let outcome =
                std::panic::catch_unwind(|| Tree::new(&mutant).is_ok_and(|tree| check::configuration(&tree).is_ok()));
            outcome.unwrap_or_else(|_| panic!("mutant {number} of seed {seed}"))
        });
        let planned = planned.count() as u64;
        assert!(planned * 10 > count, "{planned}: the damage is too strong");
    });
}

#[test]
fn the_example_with_files_says_that_it_is_to_be_packed() {
    let found = mistakes(&chosen_of(example::source("two-guests")));
    assert!(
        found.len() >= 2 && found.iter().all(|mistake| mistake.ends_with("pack the configuration by `bulkhead pack`")),
        "{found:#?}"
    );
    assert!(Tree::new(&dts::compile(example::source("two-guests"))).is_ok());
}
