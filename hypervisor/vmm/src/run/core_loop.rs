//! One core's part of the loop.

use super::alone::{Alone, Left};
use super::interrupts::NEVER;
use super::loaded::Loaded;
use super::machine::{Assignment, Machine};
use super::watch::Watch;
use crate::exit::{Cause, DataAbort, Exit};
use crate::lock::lock;
use crate::platform::{CoreId, PhysicalInterrupt, Platform};
use crate::psci::Entry;
use crate::tell::{Level, tell};
use crate::vcpu::{VcpuId, VcpuSet};
use crate::vgic::ListRegisters;
use crate::vm::{Lifecycle, Vm, Work};
use alloc::vec::Vec;
use spin::{Mutex, MutexGuard};

/// What the caller of [`CoreLoop::step`] must do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Call it again.
    Again,
    /// Switch the machine off.
    PowerOff,
}

/// What one core keeps between its steps.
#[derive(Debug)]
pub struct CoreLoop {
    pub(super) id: CoreId,
    /// The vCPU that lives in this core.
    pub(super) loaded: Option<Loaded>,
    pub(super) list_registers: ListRegisters,
    /// When the loaded vCPU's physical timer expires, in the machine's counter, or [`NEVER`].
    pub(super) timer_deadline: u64,
    /// When the console wants to be looked at, in the machine's counter, or [`NEVER`]. Only on the housekeeping core.
    pub(super) console_deadline: u64,
    pub(super) watch: Watch,
    pub(super) power_off: bool,
}

impl CoreLoop {
    /// The loop of the core `id`, with nothing loaded.
    pub fn new(id: CoreId) -> Self {
        Self {
            id,
            loaded: None,
            list_registers: ListRegisters::EMPTY,
            timer_deadline: NEVER,
            console_deadline: NEVER,
            watch: Watch::default(),
            power_off: false,
        }
    }

    /// Does what this core should do now.
    pub fn step<P: Platform>(&mut self, platform: &mut P, machine: &Machine) -> Step {
        let assignment = match &self.loaded {
            Some(loaded) => Some(loaded.it),
            None => machine.core(self.id).and_then(|core| core.assignment()),
        };
        match assignment.and_then(|it| Some((it, machine.vms.get(it.vm)?))) {
            Some((assignment, vm)) => self.work(platform, machine, assignment, vm),
            None => self.sleep(platform, machine),
        }
        if self.power_off { Step::PowerOff } else { Step::Again }
    }

    fn work<P: Platform>(&mut self, platform: &mut P, machine: &Machine, it: Assignment, shared: &Mutex<Vm>) {
        let mut vm = shared.lock();
        let mut work = vm.work(it.vcpu);
        if let Work::Start(entry) = work {
            self.start(platform, machine, &mut vm, it, entry);
            machine.note_first_guest(&vm, || platform.counter());
            work = Work::Run;
        }
        match work {
            Work::Run | Work::Start(_) => self.run(platform, machine, it, shared, vm),
            Work::Wait(resume) => self.wait(platform, machine, it, resume, vm),
            Work::Rest if self.loaded.as_ref().is_some_and(|loaded| !loaded.rests) => {
                self.rest(platform, machine, shared, vm);
            }
            Work::Park => self.park(platform, machine, &mut vm),
            Work::Prepare => self.prepare(platform, machine, shared, vm),
            Work::Finish => self.finish(platform, machine, it, vm),
            Work::Rest | Work::Nothing => {
                drop(vm);
                self.sleep(platform, machine);
            }
        }
    }

    /// Runs the guest until its VM has something else for this core, or the hypervisor has. `vm` is the lock on
    /// `shared`.
    fn run<'vm, P: Platform>(
        &mut self,
        platform: &mut P,
        machine: &Machine,
        it: Assignment,
        shared: &'vm Mutex<Vm>,
        mut vm: MutexGuard<'vm, Vm>,
    ) {
        self.ensure_loaded(platform, &mut vm, it);
        self.watch.follow(platform, &machine.watching);
        loop {
            self.put_out(platform, machine, &mut vm, it);
            drop(vm);
            let Some((raw, left)) = Alone::new(self, platform, machine, shared).map(Alone::stay) else { return };
            if let Left::Interrupt(interrupt @ (PhysicalInterrupt::Uart | PhysicalInterrupt::Unknown(_))) = left
                && self.is_housework(machine, interrupt)
            {
                // The console before the VM's lock, which other vCPUs may keep.
                self.count(Cause::DeviceInterrupt);
                return self.keep_house(platform, machine);
            }
            if let Left::Exit(Exit::Access(ipa, _) | Exit::DataAbort(DataAbort { ipa, .. })) = left {
                self.hear_others(platform, machine, shared, ipa);
            }
            vm = shared.lock();
            vm.vgic().leave(it.vcpu);
            match left {
                Left::Interrupt(interrupt) => {
                    let cause = self.interrupt(platform, machine, &mut vm, interrupt);
                    self.count(cause);
                    self.watch.follow(platform, &machine.watching);
                    if self.is_housework(machine, interrupt) {
                        drop(vm);
                        return self.keep_house(platform, machine);
                    }
                    self.timed(platform, interrupt);
                }
                Left::Exit(exit) if !self.handle(platform, machine, &mut vm, &raw, exit) => return,
                _ => {}
            }
            if !vm.runs(it.vcpu) {
                return;
            }
        }
    }

    /// Gives the list registers to the hardware before the vCPU enters: nothing, if they are there and nothing changed.
    fn put_out<P: Platform>(&mut self, platform: &mut P, machine: &Machine, vm: &mut Vm, it: Assignment) {
        let again = vm.vgic().enter_again(it.vcpu);
        if !again {
            self.take_back(platform, machine, vm);
        }
        let_go(platform, vm, it.vcpu);
        if !again {
            self.list_registers.update_from(vm.vgic().flush(it.vcpu));
            platform.write_list_registers(&mut self.list_registers);
        }
    }

    /// Takes the list registers of the loaded vCPU, which is out of the guest, back from the hardware, if they are there:
    /// for all that must know or change what they hold.
    #[inline(never)]
    pub(super) fn take_back<P: Platform>(&mut self, platform: &mut P, machine: &Machine, vm: &mut Vm) {
        let Some(it) = self.loaded.as_ref().map(|loaded| loaded.it).filter(|it| vm.vgic().is_out(it.vcpu)) else {
            return;
        };
        platform.read_list_registers(&mut self.list_registers);
        let kicks = vm.vgic().fold(it.vcpu, &self.list_registers);
        machine.kick(platform, vm, kicks);
        follow_virtual_timer(platform, vm, it);
    }

    /// Does the next piece of preparing or scrubbing the VM, without its lock: others may want to stop it.
    // Apart from what exits need: inlined, it would take registers from them.
    #[inline(never)]
    fn prepare<P: Platform>(
        &mut self,
        platform: &mut P,
        machine: &Machine,
        shared: &Mutex<Vm>,
        mut vm: MutexGuard<'_, Vm>,
    ) {
        let Some(mut piece) = vm.next_piece() else {
            if vm.next_stage(platform) {
                self.settled(platform, machine, vm);
            }
            return;
        };
        drop(vm);
        let before = platform.counter();
        let bytes = piece.carry_out(platform);
        let ticks = platform.counter().saturating_sub(before);
        lock(shared).piece_done(piece, bytes, ticks);
        self.acknowledge(platform, machine);
    }

    fn start<P: Platform>(&mut self, platform: &mut P, machine: &Machine, vm: &mut Vm, it: Assignment, entry: Entry) {
        let kicks = match &mut self.loaded {
            Some(loaded) if loaded.rests => {
                loaded.rests = false;
                loaded.vcpu.general_mut().start(entry.address, entry.context);
                follow_virtual_timer(platform, vm, it);
                vm.begin_rested(it.vcpu)
            }
            _ => {
                // It may be loaded still: a vCPU that was switched off and on again before its core saw it.
                self.unload(platform, machine, vm);
                vm.begin(it.vcpu, entry)
            }
        };
        machine.kick(platform, vm, kicks);
    }

    /// The vCPU was switched off: what any vCPU may take goes to those that are on. It stays in this core, out of reset,
    /// so that it begins at once when it is switched on: nobody else wants the core. The others need not wait for the
    /// core's own part.
    fn rest<'vm, P: Platform>(
        &mut self,
        platform: &mut P,
        machine: &Machine,
        shared: &'vm Mutex<Vm>,
        mut vm: MutexGuard<'vm, Vm>,
    ) {
        self.take_back(platform, machine, &mut vm);
        let Some(it) = self.loaded.as_ref().map(|loaded| loaded.it) else { return };
        let kicks = vm.reset_vcpu(it.vcpu);
        machine.kick(platform, &vm, kicks);
        let interface = vm.vgic().cpu_interface(it.vcpu).copied();
        drop(vm);
        if let (Some(loaded), Some(interface)) = (&mut self.loaded, interface) {
            platform.reset(&mut loaded.vcpu, &interface);
            loaded.rest();
        }
        self.list_registers.clear();
        vm = shared.lock();
        self.refresh_physical_timer(platform, &mut vm);
        follow_virtual_timer(platform, &mut vm, it);
        let_go(platform, &mut vm, it.vcpu);
        vm.vgic().settle(it.vcpu);
    }

    /// The vCPU asked to sleep until an interrupt is pending for it.
    fn wait<P: Platform>(
        &mut self,
        platform: &mut P,
        machine: &Machine,
        it: Assignment,
        resume: Option<Entry>,
        mut vm: MutexGuard<'_, Vm>,
    ) {
        self.ensure_loaded(platform, &mut vm, it);
        self.take_back(platform, machine, &mut vm);
        let_go(platform, &mut vm, it.vcpu);
        if !vm.vgic().has_deliverable(it.vcpu) {
            drop(vm);
            self.sleep(platform, machine);
            return;
        }
        match resume {
            None => vm.wake(it.vcpu),
            Some(entry) => {
                // Its state was not to be kept, but its timers run on.
                self.unload(platform, machine, &mut vm);
                let kicks = vm.resume_from(it.vcpu, entry);
                machine.kick(platform, &vm, kicks);
            }
        }
    }

    fn ensure_loaded<P: Platform>(&mut self, platform: &mut P, vm: &mut Vm, it: Assignment) {
        if self.loaded.is_some() {
            return;
        }
        let Some(vcpu) = vm.take_parked(it.vcpu) else { return };
        let active: Vec<u32> = vm.vgic().hardware_active(it.vcpu).collect();
        let interface = vm.vgic().cpu_interface(it.vcpu).copied();
        let Some(interface) = interface else { return };
        self.list_registers.clear();
        let loaded = platform.load(vcpu, vm.context(it.vcpu), &interface, &active);
        self.loaded = Some(Loaded::new(it, loaded, vm, platform.doorbell(), platform.main_id()));
        self.watch = Watch::default();
        self.refresh_physical_timer(platform, vm);
        // Out of reset, its timers are not what its interrupts last heard of.
        follow_virtual_timer(platform, vm, it);
    }

    /// Takes the loaded vCPU out of this core, if there is one.
    fn unload<P: Platform>(&mut self, platform: &mut P, machine: &Machine, vm: &mut Vm) {
        // Not moved out before it is known to be there: that is a copy.
        if self.loaded.is_none() {
            return;
        }
        self.take_back(platform, machine, vm);
        let Some(Loaded { it, vcpu, .. }) = self.loaded.take() else { return };
        let_go(platform, vm, it.vcpu);
        let active: Vec<u32> = vm.vgic().hardware_active(it.vcpu).collect();
        if let Some(interface) = vm.vgic().cpu_interface_mut(it.vcpu) {
            let parked = platform.park(vcpu, interface, &active);
            vm.put_parked(it.vcpu, parked);
        }
        self.timer_deadline = NEVER;
        self.rearm(platform);
    }

    fn park<P: Platform>(&mut self, platform: &mut P, machine: &Machine, vm: &mut Vm) {
        self.unload(platform, machine, vm);
        machine.kick(platform, vm, VcpuSet::only(VcpuId::BOOT));
    }

    /// Every vCPU of the VM is parked: what its owner or its guest asked for.
    fn finish<P: Platform>(&mut self, platform: &mut P, machine: &Machine, it: Assignment, mut vm: MutexGuard<'_, Vm>) {
        match vm.lifecycle() {
            Lifecycle::Stopping(after) => {
                vm.finish_stop(after);
                if vm.lifecycle().is_at_rest() {
                    self.settled(platform, machine, vm);
                }
            }
            Lifecycle::Moving(core) => Self::finish_move(platform, machine, it, &mut vm, core),
            _ => {}
        }
    }

    fn finish_move<P: Platform>(platform: &mut P, machine: &Machine, it: Assignment, vm: &mut Vm, core: CoreId) {
        let moved = vm.move_to(platform, core);
        if vm.home() == core
            && let (Some(from), Some(to)) = (machine.core(platform.core()), machine.core(core))
        {
            from.assign(None);
            to.assign(Some(it));
        }
        match moved {
            Ok(()) => tell(Level::Info, format_args!("{}: goes on on core {}", vm.name(), core.0)),
            Err(error) => tell(Level::Error, format_args!("{}: not moved to core {}: {error}", vm.name(), core.0)),
        }
        platform.kick(core);
    }

    /// `vm` began to run or came to rest.
    fn settled<P: Platform>(&mut self, platform: &mut P, machine: &Machine, vm: MutexGuard<'_, Vm>) {
        let (now, copying) = (platform.counter() - machine.booted, vm.counters().preparation_ticks);
        let label = vm.lifecycle().label();
        tell(
            Level::Info,
            format_args!("{}: {label}, {now} ticks after entry, {copying} spent on zeroing and copying", vm.name()),
        );
        drop(vm);
        machine.want_console(platform);
        self.power_off = machine.is_over();
    }

    /// Sleeps until something happens, and deals with it.
    fn sleep<P: Platform>(&mut self, platform: &mut P, machine: &Machine) {
        if let Some(core) = machine.core(self.id) {
            platform.wait_for_interrupt(|asleep, now| if asleep { core.fall_asleep(now) } else { core.wake(now) });
        }
        self.acknowledge(platform, machine);
    }

    /// Deals with a physical interrupt that is pending while no guest runs here. Others will not let the core sleep.
    fn acknowledge<P: Platform>(&mut self, platform: &mut P, machine: &Machine) {
        let Some(interrupt) = platform.acknowledge() else { return };
        // Of what is only for us no VM's lock is waited for.
        let for_vcpu = |loaded: &&Loaded| match interrupt {
            PhysicalInterrupt::Uart | PhysicalInterrupt::Unknown(_) => false,
            PhysicalInterrupt::Kick => !loaded.rests,
            _ => true,
        };
        let concerned = self.loaded.as_ref().filter(for_vcpu);
        if let Some(vm) = concerned.and_then(|loaded| machine.vms.get(loaded.it.vm)) {
            self.interrupt(platform, machine, &mut vm.lock(), interrupt);
        }
        if self.is_housework(machine, interrupt) {
            self.keep_house(platform, machine);
        } else {
            self.timed(platform, interrupt);
        }
    }
}

/// Deactivates the physical interrupts behind virtual ones that the guest of the loaded `vcpu` will not end.
#[inline(always)]
fn let_go<P: Platform>(platform: &mut P, vm: &mut Vm, vcpu: VcpuId) {
    while vm.vgic().has_released()
        && let Some(physical) = vm.vgic().take_released(vcpu)
    {
        platform.deactivate(physical);
    }
}

/// Only the hardware knows the line of a virtual timer whose interrupt is active there: the guest may have stopped the timer
/// before it acknowledged the interrupt, or let it run on into its handler.
#[inline(always)]
fn follow_virtual_timer<P: Platform>(platform: &mut P, vm: &mut Vm, it: Assignment) {
    if vm.vgic().holds_hardware(it.vcpu) {
        let (intid, high) = (vm.virtual_timer_intid(), platform.virtual_timer_line());
        vm.vgic().follow_hardware(it.vcpu, intid, high);
    }
}
