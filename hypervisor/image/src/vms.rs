//! From the plan to the machine that all cores share.

use crate::logger;
use crate::plans::Planned;
use alloc::sync::Arc;
use alloc::vec::Vec;
use bulkhead_el2::boot::image;
use bulkhead_el2::core::Core;
use bulkhead_el2::{CORES, identity};
use bulkhead_vmm::config::VmPlan;
use bulkhead_vmm::config::board::{Board, GicVersion};
use bulkhead_vmm::console::{Kind, Multiplexer, Port, Settings, Sizes};
use bulkhead_vmm::lock::lock;
use bulkhead_vmm::platform::{CoreId, Platform, Vmid};
use bulkhead_vmm::run::{Assignment, Console, CoreState, Machine};
use bulkhead_vmm::tell::{Level, tell};
use bulkhead_vmm::vcpu::VcpuId;
use bulkhead_vmm::vm::{Hardware, Vm};
use core::sync::atomic::{AtomicBool, AtomicU64};
use spin::Mutex;

/// Builds every VM that can be, and assigns its cores. `booted` is the counter's value at the first instruction.
pub fn build(core: &mut Core, board: &Board, planned: Planned, booted: u64) -> Machine {
    let hardware = hardware(core, board, &planned);
    let (mut vms, mut refused) = (Vec::new(), Vec::new());
    for plan in planned.plan.vms {
        let name = plan.vm.name.clone();
        match one(core, plan, vms.len(), &hardware) {
            Some(vm) => vms.push(Mutex::new(vm)),
            None => refused.push(name),
        }
    }
    let mut cores = Vec::new();
    cores.resize_with(board.cpus.len().min(CORES), CoreState::default);
    assign(&vms, &cores);
    let ports = ports(&vms);
    let settings = Settings { escape: planned.escape_key, ..Settings::new(core.counter_frequency()) };
    let console = Mutex::new(Console::new(Multiplexer::new(&ports, settings)));
    Machine {
        vms,
        refused,
        ports,
        cores,
        housekeeping: CoreId(planned.plan.housekeeping_core),
        console,
        console_wanted: AtomicBool::new(false),
        watching: AtomicBool::new(false),
        log: logger::records(),
        when_all_off: planned.when_all_off,
        booted,
        kept: image::layout().end - image::layout().start,
        first_guest: AtomicU64::new(0),
        first_guest_copying: AtomicU64::new(0),
    }
}

fn hardware(core: &Core, board: &Board, planned: &Planned) -> Arc<Hardware> {
    let list_registers = core.list_register_count();
    Arc::new(Hardware {
        identity: identity::registers(),
        physical_bits: bulkhead_el2::physical_address_bits(),
        virtual_cpu_interface: match board.gic.version {
            GicVersion::V2 { virtual_cpu_interface, .. } => Some(virtual_cpu_interface),
            GicVersion::V3 { .. } => None,
        },
        list_registers: planned.max_list_registers.map_or(list_registers, |most| list_registers.min(usize::from(most))),
        priority_bits: core.priority_bits(),
        virtual_timer: board.timer.virtual_timer.intid,
        seed: planned.seed,
        #[cfg(feature = "gzip")]
        is_unpacking: Arc::default(),
    })
}

/// The VM number `index`, or why there is none, said.
fn one(core: &mut Core, plan: VmPlan, index: usize, hardware: &Arc<Hardware>) -> Option<Vm> {
    let name = &plan.vm.name;
    for error in &plan.errors {
        tell(Level::Error, format_args!("{name} does not start: {error}"));
    }
    if !plan.is_good() {
        return None;
    }
    let name = name.clone();
    let vmid = u8::try_from(index + 1).map(Vmid).ok()?;
    Vm::build(core, plan, vmid, hardware)
        .map_err(|error| tell(Level::Error, format_args!("{name} does not start: {error}")))
        .ok()
}

fn assign(vms: &[Mutex<Vm>], cores: &[CoreState]) {
    for (index, vm) in vms.iter().enumerate() {
        for (vcpu, core) in (0..VcpuId::MAXIMUM).filter_map(VcpuId::new).zip(lock(vm).cores()) {
            if let Some(core) = cores.get(core.0) {
                core.assign(Some(Assignment { vm: index, vcpu }));
            }
        }
    }
}

fn ports(vms: &[Mutex<Vm>]) -> Vec<Mutex<Port>> {
    let mut ports = Vec::new();
    let mut add = |name: &str, kind| ports.push(Mutex::new(Port::new(name, kind, Sizes::default())));
    for vm in vms {
        add(lock(vm).name(), Kind::Guest);
    }
    add("hypervisor", Kind::Log);
    add("monitor", Kind::Monitor);
    ports
}
