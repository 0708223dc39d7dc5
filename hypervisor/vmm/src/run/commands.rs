//! The monitor's commands, carried out.

use super::Machine;
use crate::console::Multiplexer;
use crate::exit::Cause;
use crate::lock::lock;
use crate::monitor::{Command, Table, Verb, help};
use crate::platform::{CoreId, Platform};
use crate::vm::{After, Lifecycle, Run, Slot, Vm};
use alloc::string::String;
use core::fmt::Write;
use core::sync::atomic::Ordering;
use spin::Mutex;

/// Why a guest stopped that the monitor stopped.
const ASKED: &str = "the monitor asked for it";

/// Carries out what was typed as `line`, and appends the answer to `answer`. Whether the machine is to be switched
/// off. The caller holds no VM's lock.
pub(super) fn carry_out<P: Platform>(
    platform: &mut P,
    machine: &Machine,
    multiplexer: &mut Multiplexer,
    line: &str,
    answer: &mut String,
) -> bool {
    let Some(Command { verb, arguments: [name, further] }) = Command::parse(line, answer) else { return false };
    match verb {
        Verb::Help => help(name, answer),
        Verb::VmList => list(machine, answer),
        Verb::Stats if name.is_empty() => {
            about(machine, answer);
            Table::write(answer, &mut |table| cores(machine, platform.counter(), table));
            stats(&machine.vms, answer);
        }
        Verb::WatchOn | Verb::WatchOff => watch(platform, machine, verb == Verb::WatchOn, answer),
        Verb::Log => log(machine, name, answer),
        Verb::PowerOff => answer.push_str("switching the machine off\n"),
        _ => match machine.find(&|vm| vm.name() == name).and_then(|index| Some((index, machine.vms.get(index)?))) {
            None if machine.refused.iter().any(|refused| refused == name) => {
                say(answer, format_args!("{name} was refused: see log"));
            }
            None => say(answer, format_args!("no guest \"{name}\": see vm list")),
            Some((index, _)) if verb == Verb::Focus => {
                multiplexer.focus(index);
            }
            Some((_, vm)) if verb == Verb::Stats => stats(core::slice::from_ref(vm), answer),
            Some((_, vm)) if verb == Verb::VmInfo => info(vm, answer),
            Some((_, vm)) if verb == Verb::VmMove => move_to(platform, machine, vm, further, answer),
            Some((_, vm)) => change(platform, machine, verb, &mut lock(vm), answer),
        },
    }
    verb == Verb::PowerOff
}

fn say(answer: &mut String, line: core::fmt::Arguments<'_>) {
    let _ = answer.write_fmt(line);
    answer.push('\n');
}

/// Starts, stops or restarts `vm`.
fn change<P: Platform>(platform: &mut P, machine: &Machine, verb: Verb, vm: &mut Vm, answer: &mut String) {
    let label = vm.lifecycle().label();
    let (after, reason) = match verb {
        Verb::VmStart if !vm.lifecycle().is_at_rest() => {
            return say(answer, format_args!("{} is {label}: it can be started when it is off", vm.name()));
        }
        Verb::VmStart => (After::Start, None),
        Verb::VmStop => (After::Off, Some(ASKED)),
        _ => (After::Start, Some(ASKED)),
    };
    vm.stop(after, reason.map(String::from));
    machine.kick_all(platform, vm);
    say(answer, format_args!("vm={} state={}", vm.name(), vm.lifecycle().label()));
}

fn move_to<P: Platform>(platform: &mut P, machine: &Machine, vm: &Mutex<Vm>, core: &str, answer: &mut String) {
    let Some(free) = number(core).map(CoreId).filter(|core| is_free(machine, *core)) else {
        return say(answer, format_args!("core {core} does not run, or runs a vCPU: see stats"));
    };
    let mut vm = lock(vm);
    if let Err(reason) = vm.request_move(free) {
        return say(answer, format_args!("{reason}"));
    }
    machine.kick_all(platform, &vm);
    say(answer, format_args!("vm={} core={core}", vm.name()));
}

/// Whether `core` runs no vCPU, and none is on its way there.
fn is_free(machine: &Machine, core: CoreId) -> bool {
    machine.core(core).is_some_and(|core| core.is_running() && core.assignment().is_none())
        && machine.find(&|vm| vm.lifecycle() == Lifecycle::Moving(core)).is_none()
}

fn list(machine: &Machine, answer: &mut String) {
    if machine.vms.is_empty() && machine.refused.is_empty() {
        answer.push_str("no guests\n");
    }
    rows(&machine.vms, answer, head);
    machine.refused.iter().for_each(|name| say(answer, format_args!("vm={name}  state=refused")));
}

/// Writes what `row` writes about each of `vms` as a table.
fn rows(vms: &[Mutex<Vm>], answer: &mut String, row: fn(&Vm, &mut Table<'_>)) {
    Table::write(answer, &mut |table| {
        for vm in vms {
            row(&lock(vm), table);
        }
    });
}

fn head(vm: &Vm, table: &mut Table<'_>) {
    let mut cores = String::new();
    for slot in vm.slots() {
        let _ = write!(cores, "{}{}", if cores.is_empty() { "" } else { "," }, slot.core.0);
    }
    row(vm, table);
    table.cell(format_args!("state={}", vm.lifecycle().label()));
    table.cell(format_args!("cores={cores}"));
    let memory = vm.memory().guest().size() >> 10;
    let (memory, unit) = if memory.is_multiple_of(1024) { (memory >> 10, "MiB") } else { (memory, "KiB") };
    table.cell(format_args!("memory={memory}{unit}"));
    table.number("restarts", vm.counters().starts.saturating_sub(1));
}

fn row(vm: &Vm, table: &mut Table<'_>) {
    table.row(format_args!("vm={}", vm.name()));
}

/// Begins a row about a vCPU.
fn vcpu_row(vm: &Vm, index: usize, slot: &Slot, table: &mut Table<'_>) {
    table.row(format_args!("vm={}  vcpu={index}", vm.name()));
    table.cell(format_args!("state={}", state(slot)));
    table.cell(format_args!("core={}", slot.core.0));
}

fn info(vm: &Mutex<Vm>, answer: &mut String) {
    let only = core::slice::from_ref(vm);
    rows(only, answer, head);
    rows(only, answer, vcpus);
    let vm = lock(vm);
    for (guest, piece) in vm.memory().mapped() {
        let (name, physical, size) = (vm.name(), piece.start(), piece.size());
        say(answer, format_args!("vm={name} ram={guest} physical={physical} size={size:#x}"));
    }
    if let Some(reason) = vm.reason() {
        say(answer, format_args!("last stopped: {reason}"));
    }
}

fn vcpus(vm: &Vm, table: &mut Table<'_>) {
    for (index, slot) in vm.slots().iter().enumerate() {
        vcpu_row(vm, index, slot, table);
        table.number("exits", slot.exits.total());
    }
}

fn state(slot: &Slot) -> &'static str {
    match slot.run {
        Run::Off => "off",
        Run::Starting(_) => "starting",
        Run::On if slot.loaded => "running",
        Run::On => "parked",
        Run::Suspended(_) => "asleep",
    }
}

/// The hypervisor's own cost: memory that it keeps, and ticks from its first instruction to the first guest's, those
/// for zeroing and copying apart.
fn about(machine: &Machine, answer: &mut String) {
    let (kept, ticks) = (machine.kept >> 10, machine.first_guest.load(Ordering::Relaxed));
    let copying = machine.first_guest_copying.load(Ordering::Relaxed);
    say(answer, format_args!("hypervisor kept={kept}KiB first-guest-ticks={ticks} copying-ticks={copying}"));
}

fn cores(machine: &Machine, now: u64, table: &mut Table<'_>) {
    let total = now.saturating_sub(machine.booted);
    for (index, core) in machine.cores.iter().enumerate().filter(|(_, core)| core.is_running()) {
        let asleep = core.slept(now);
        table.row(format_args!("core={index}"));
        match core.assignment().and_then(|it| Some((machine.vms.get(it.vm)?, it.vcpu))) {
            Some((vm, vcpu)) => table.cell(format_args!("vm={}/{vcpu}", lock(vm).name())),
            None => table.cell(format_args!("vm=none")),
        }
        table.number("wake-ups", core.wake_ups());
        table.cell(format_args!("asleep={}%", asleep.saturating_mul(100).checked_div(total).unwrap_or(0)));
        table.number("asleep-ticks", asleep);
        table.number("total-ticks", total);
    }
}

fn stats(vms: &[Mutex<Vm>], answer: &mut String) {
    rows(vms, answer, counters);
    rows(vms, answer, causes);
}

/// `other-exits` is what a quiet guest has none of: exits that are neither a timer's expiry nor an SGI's sending or
/// arrival.
fn counters(vm: &Vm, table: &mut Table<'_>) {
    let (mut exits, mut expiries, mut sent, mut received) = (0, 0, 0, 0);
    for slot in vm.slots() {
        exits += slot.exits.total();
        expiries += slot.exits.expiries();
        sent += slot.exits.get(Cause::SgiSent);
        received += slot.exits.get(Cause::SgiReceived);
    }
    let counters = vm.counters();
    row(vm, table);
    table.number("exits", exits);
    table.number("timer-expiries", expiries);
    table.number("sgis-sent", sent);
    table.number("sgis-received", received);
    table.number("other-exits", exits.saturating_sub(expiries + sent + received));
    table.number("stage2-faults", counters.stage2_faults);
    table.number("restarts", counters.starts.saturating_sub(1));
}

fn causes(vm: &Vm, table: &mut Table<'_>) {
    for (index, slot) in vm.slots().iter().enumerate() {
        vcpu_row(vm, index, slot, table);
        Cause::ALL.iter().for_each(|cause| table.number(cause.label(), slot.exits.get(*cause)));
    }
}

/// Times the guests' sleep, or no longer. A guest that sleeps now takes note of it.
fn watch<P: Platform>(platform: &mut P, machine: &Machine, on: bool, answer: &mut String) {
    machine.watching.store(on, Ordering::Relaxed);
    machine.vms.iter().for_each(|vm| machine.kick_all(platform, &lock(vm)));
    say(answer, format_args!("watch={}", if on { "on" } else { "off" }));
}

fn number(word: &str) -> Option<usize> {
    word.parse().ok()
}

fn log(machine: &Machine, count: &str, answer: &mut String) {
    let log = lock(machine.log);
    let count = match number(count) {
        Some(count) => log.len().min(count),
        None if count.is_empty() => log.len(),
        None => return help("log", answer),
    };
    say(answer, format_args!("records={}  shown={count}  dropped={}", log.len(), log.dropped()));
    log.last(count).iter().for_each(|record| say(answer, format_args!("{record}")));
}
