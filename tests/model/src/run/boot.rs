//! From a shape and guests to a machine whose cores run, each on a thread of its own.

use super::baton::Quit;
use super::logger;
use super::machine::{Guest, Shape};
use super::platform::{Core, Shared};
use bulkhead_vmm::console::{Kind, Multiplexer, Port, Settings, Sizes};
use bulkhead_vmm::monitor::LogRing;
use bulkhead_vmm::platform::{CoreId, Platform, Vmid};
use bulkhead_vmm::run::{Assignment, Console, CoreLoop, CoreState, Machine, Step};
use bulkhead_vmm::vcpu::VcpuId;
use bulkhead_vmm::vm::Vm;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;

/// The machine as the image's boot leaves it: modules in memory, VMs built, cores assigned.
pub fn build(shared: &Arc<Shared>, shape: &Shape, guests: Vec<Guest>) -> Machine {
    let mut core = Core::new(CoreId(shape.housekeeping), shared);
    let cores: Vec<CoreState> = (0..shape.cores).map(|_| CoreState::default()).collect();
    cores.iter().for_each(CoreState::set_running);
    let mut vms = Vec::new();
    for (index, guest) in guests.into_iter().enumerate() {
        core.hardware().memory.write(Guest::module(index).get(), &guest.file(index));
        let vmid = Vmid(u8::try_from(index + 1).expect("a machine has few VMs"));
        let vm = Vm::build(&mut core, guest.plan(index, shape), vmid, &shape.hardware());
        let vm = vm.unwrap_or_else(|error| panic!("{}: {error}", guest.name));
        for (vcpu, core) in (0..).filter_map(VcpuId::new).zip(&guest.cores) {
            cores[*core].assign(Some(Assignment { vm: index, vcpu }));
        }
        let mut hardware = core.hardware();
        hardware.guests.push(vm.memory().pieces().to_vec());
        hardware.programs.push(guest.program);
        vms.push(spin::Mutex::new(vm));
    }
    let guests = vms.iter().map(|vm| Port::new(vm.lock().name(), Kind::Guest, Sizes::default()));
    let ours = [("bulkhead", Kind::Log), ("monitor", Kind::Monitor)];
    let ours = ours.into_iter().map(|(name, kind)| Port::new(name, kind, Sizes::default()));
    let ports: Vec<_> = guests.chain(ours).map(spin::Mutex::new).collect();
    let console = Console::new(Multiplexer::new(&ports, Settings::new(core.counter_frequency())));
    Machine {
        vms,
        refused: shape.refused.iter().map(ToString::to_string).collect(),
        ports,
        cores,
        housekeeping: CoreId(shape.housekeeping),
        console: spin::Mutex::new(console),
        console_wanted: false.into(),
        watching: false.into(),
        log: Box::leak(Box::new(spin::Mutex::new(LogRing::new(1024)))),
        when_all_off: shape.when_all_off,
        booted: core.counter(),
        kept: 0,
        first_guest: 0.into(),
        first_guest_copying: 0.into(),
    }
}

/// Starts the thread of one core. It waits for the baton.
pub fn start(shared: &Arc<Shared>, id: CoreId) -> JoinHandle<()> {
    let core = Core::new(id, shared);
    let thread = std::thread::Builder::new().name(format!("core {}", id.0));
    thread.spawn(move || live(core)).expect("a thread can be started")
}

fn live(mut core: Core) {
    let shared = Arc::clone(&core.shared);
    logger::attach(&shared);
    let result = catch_unwind(AssertUnwindSafe(|| {
        shared.baton.wait(core.id.0);
        step_for_ever(&mut core);
    }));
    let Err(payload) = result else { return };
    if payload.is::<Quit>() {
        return;
    }
    let mut hardware = shared.hardware();
    hardware.panic = Some(format!("core {}: {}", core.id.0, message(&*payload)));
    let watcher = hardware.cores.len();
    drop(hardware);
    shared.baton.give(watcher);
}

/// What the image's cores do.
fn step_for_ever(core: &mut Core) {
    let shared = Arc::clone(&core.shared);
    let machine = shared.machine.get().expect("it is made before the cores run");
    let mut core_loop = CoreLoop::new(core.id);
    loop {
        let step = core_loop.step(core, machine);
        core.hardware().tally.steps += 1;
        if step == Step::PowerOff {
            core.hardware().powered_off = true;
        }
        if shared.news.swap(false, Ordering::Relaxed) {
            machine.want_console(core);
        }
        core.pass();
    }
}

fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_string());
    text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_else(|| "a panic without words".into())
}
