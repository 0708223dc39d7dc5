//! VMs with packed kernels, stopped and started at any moment.

use bulkhead_campaign::Campaign;
use bulkhead_model::run::guests::ticker::{TICKS, ticker};
use bulkhead_model::run::machine::{Guest, Shape};
use bulkhead_model::run::world::World;
use bulkhead_vmm::vm::{After, Lifecycle, Part};
use std::sync::atomic::{AtomicU64, Ordering};

const PERIOD: u64 = 500;
const NAMES: [&str; 2] = ["a", "b"];
/// Times that a VM is stopped or begun anew.
const COMMANDS: u64 = 20;

const CAMPAIGN: Campaign<'_> = Campaign {
    name: "a_packed_kernel_is_whole_whenever_its_vm_is_stopped_and_started",
    stage: "model",
    unit: "commands to VMs with packed kernels",
    each: 4 * COMMANDS,
    sample: 6,
    long: 1000,
};

#[test]
fn a_packed_kernel_is_whole_whenever_its_vm_is_stopped_and_started() {
    let while_loading = AtomicU64::new(0);
    CAMPAIGN.run(|seed| {
        for shape in Shape::all(3) {
            let guest = |name, core| Guest::new(name, ticker(shape.v3, PERIOD), &[core]);
            let plain = World::new(shape, seed, vec![guest("a", 1), guest("b", 2)]);
            let expected = [0, 1].map(|vm| begun_anew(&plain, vm));
            // The second waits for the first.
            let mut world = World::new(shape, seed, vec![guest("a", 1).packed(), guest("b", 2).packed()]);
            for _ in 0..COMMANDS {
                let vm = world.random().below(2) as usize;
                let after = world.random().pick(&[After::Start, After::Start, After::Off]);
                let is_loading = wait(&mut world, vm);
                if is_loading {
                    // At once, as the monitor's core may. Nobody need be kicked: the VM's core does not sleep then.
                    world.machine().vms[vm].lock().stop(after, None);
                    while_loading.fetch_add(1, Ordering::Relaxed);
                } else {
                    world.command(&format!("vm restart {}", NAMES[vm]));
                }
                let turns = world.random().below(100);
                world.run(turns);
            }
            for (vm, expected) in expected.iter().enumerate() {
                assert!(
                    begun_anew(&world, vm) == *expected,
                    "{shape:?}, seed {seed}: the RAM of {} is another",
                    NAMES[vm]
                );
                let ticks = world.data(vm, TICKS);
                world.run_until(20_000, "it ticks", |world| world.data(vm, TICKS) > ticks + 2);
            }
        }
    });
    assert!(while_loading.into_inner() > 0, "none was stopped while its kernel was unpacked");
}

/// Waits until the kernel of VM `vm` is being unpacked, or for some time. Whether it is.
fn wait(world: &mut World, vm: usize) -> bool {
    let is_loading = |world: &World| matches!(world.lifecycle(vm), Lifecycle::Loading(Part::Kernel, _));
    for _ in 0..world.random().below(2_000) {
        if is_loading(world) && world.random().below(2) == 0 {
            break;
        }
        world.run(1);
    }
    is_loading(world)
}

/// The RAM of VM `vm` when it is begun anew.
fn begun_anew(world: &World, vm: usize) -> Vec<u8> {
    world.command(&format!("vm restart {}", NAMES[vm]));
    world.next_beginning(vm, 40_000).unwrap_or_else(|| panic!("{}", world.describe())).ram
}
