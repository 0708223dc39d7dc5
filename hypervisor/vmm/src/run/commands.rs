//! The monitor's commands, carried out.

use super::{Assignment, Machine};
use crate::console::Multiplexer;
use crate::exit::Cause;
use crate::monitor::{Command, CoreView, VcpuView, VmView, answer, help};
use crate::platform::{CoreId, Platform};
use crate::vm::{After, Lifecycle, Run, Slot, Vm};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::sync::atomic::Ordering;
use spin::Mutex;

/// What a command leads to.
pub(super) struct Answer {
    pub(super) text: String,
    pub(super) power_off: bool,
}

impl From<String> for Answer {
    fn from(text: String) -> Self {
        Self { text, power_off: false }
    }
}

/// Carries out `command`. The caller holds no VM's lock.
pub(super) fn carry_out<P: Platform>(
    platform: &mut P,
    machine: &Machine,
    multiplexer: &mut Multiplexer,
    command: Command,
) -> Answer {
    let now = platform.counter();
    match command {
        Command::Help(about) => help(about.as_deref()).unwrap_or_else(|message| message).into(),
        Command::VmList => answer::vm_list(&views(machine, now)).into(),
        Command::VmInfo(name) => one(machine, &name, |_, vm| info(vm, now)).into(),
        Command::VmStop(name) => stop(platform, machine, &name, After::Off).into(),
        Command::VmRestart(name) => stop(platform, machine, &name, After::Start).into(),
        Command::VmStart(name) => start(platform, machine, &name).into(),
        Command::VmMove { name, core } => move_vm(platform, machine, &name, core).into(),
        Command::Focus(name) => one(machine, &name, |index, _| {
            multiplexer.focus(index);
            String::new()
        })
        .into(),
        Command::Stats(None) => (about(machine) + &answer::stats(&cores(machine, now), &views(machine, now))).into(),
        Command::Stats(Some(name)) => one(machine, &name, |_, vm| answer::stats(&[], &[view(vm, now)])).into(),
        Command::Log(count) => answer::log(&machine.log.lock(), count).into(),
        Command::PowerOff => Answer { text: "switching the machine off".to_string(), power_off: true },
    }
}

/// The hypervisor's own cost: memory that it keeps, and ticks from its first instruction to the first guest's, but
/// for zeroing and copying.
fn about(machine: &Machine) -> String {
    let first_guest = machine.first_guest.load(Ordering::Relaxed);
    format!("hypervisor kept={}KiB first-guest-ticks={first_guest}\n", machine.kept / 1024)
}

/// Gives the VM named `name` to `work`, or says that there is none.
fn one(machine: &Machine, name: &str, work: impl FnOnce(usize, &mut Vm) -> String) -> String {
    for (index, vm) in machine.vms.iter().enumerate() {
        let mut vm = vm.lock();
        if vm.name() == name {
            return work(index, &mut vm);
        }
    }
    answer::no_such_vm(name, &views(machine, 0))
}

fn info(vm: &Vm, now: u64) -> String {
    let mut text = answer::vm_info(&view(vm, now));
    for (guest, piece) in vm.memory().mapped() {
        text.push_str(&format!("vm={} ram={guest} physical={} size={:#x}\n", vm.name(), piece.start(), piece.size()));
    }
    if let Some(reason) = vm.reason() {
        text.push_str(&format!("last stopped: {reason}\n"));
    }
    text
}

fn stop<P: Platform>(platform: &mut P, machine: &Machine, name: &str, after: After) -> String {
    one(machine, name, |_, vm| {
        vm.stop(after, Some("the monitor asked for it".to_string()));
        machine.kick_all(platform, vm);
        format!("vm={name} state={}\n", vm.lifecycle().label())
    })
}

fn start<P: Platform>(platform: &mut P, machine: &Machine, name: &str) -> String {
    one(machine, name, |_, vm| {
        if !vm.lifecycle().is_at_rest() {
            return format!("{name} is {}: it can be started when it is off\n", vm.lifecycle().label());
        }
        vm.stop(After::Start, None);
        machine.kick_all(platform, vm);
        format!("vm={name} state={}\n", vm.lifecycle().label())
    })
}

fn move_vm<P: Platform>(platform: &mut P, machine: &Machine, name: &str, core: u32) -> String {
    let target = usize::try_from(core).map(CoreId).ok().filter(|core| is_free(machine, *core));
    let Some(target) = target else {
        return format!("core {core} does not run, or runs a vCPU: see stats\n");
    };
    one(machine, name, |_, vm| match vm.request_move(target) {
        Ok(()) => {
            machine.kick_all(platform, vm);
            format!("vm={name} core={core}\n")
        }
        Err(reason) => format!("{reason}\n"),
    })
}

/// Whether `core` runs no vCPU, and none is on its way there.
fn is_free(machine: &Machine, core: CoreId) -> bool {
    machine.core(core).is_some_and(|core| core.is_running() && core.assignment().is_none())
        && machine.vms.iter().all(|vm| vm.lock().lifecycle() != Lifecycle::Moving(core))
}

fn views(machine: &Machine, now: u64) -> Vec<VmView> {
    let refused =
        machine.refused.iter().map(|name| VmView { name: name.clone(), state: "refused", ..VmView::default() });
    machine.vms.iter().map(|vm| view(&vm.lock(), now)).chain(refused).collect()
}

fn view(vm: &Vm, now: u64) -> VmView {
    let counters = vm.counters();
    VmView {
        name: vm.name().to_string(),
        state: vm.lifecycle().label(),
        vcpus: vm.slots().iter().map(|slot| vcpu(slot, vm.guest_counter(now))).collect(),
        memory: vm.memory().guest().size(),
        stage2_faults: counters.stage2_faults,
        restarts: counters.starts.saturating_sub(1),
        timer_expiries: counters.timer_expiries,
        sgis: counters.sgis,
    }
}

fn vcpu(slot: &Slot, total_ticks: u64) -> VcpuView {
    VcpuView {
        core: u32::try_from(slot.core.0).ok(),
        state: match slot.run {
            Run::Off => "off",
            Run::Starting(_) => "starting",
            Run::On if slot.loaded => "running",
            Run::On => "parked",
            Run::Suspended(_) => "asleep",
        },
        exits: Cause::ALL.iter().map(|cause| (cause.label(), slot.exits.get(*cause))).collect(),
        asleep_ticks: 0,
        total_ticks,
    }
}

fn cores(machine: &Machine, now: u64) -> Vec<CoreView> {
    let running = machine.cores.iter().enumerate().filter(|(_, core)| core.is_running());
    let views = running.map(|(index, core)| {
        let (wake_ups, asleep_ticks) = core.sleep();
        CoreView {
            index: u32::try_from(index).unwrap_or(u32::MAX),
            vm: core.assignment().and_then(|it| vm_name(machine.vms.get(it.vm), it)),
            wake_ups,
            asleep_ticks,
            total_ticks: now.saturating_sub(machine.booted),
        }
    });
    views.collect()
}

fn vm_name(vm: Option<&Mutex<Vm>>, it: Assignment) -> Option<String> {
    Some(format!("{}/{}", vm?.lock().name(), it.vcpu))
}
