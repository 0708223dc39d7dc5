//! What a guest did: one line for each kind of exit.

use super::loaded::Loaded;
use super::{CoreLoop, Machine, Next};
use crate::address::Ipa;
use crate::exit::{self, Access, Cause, DataAbort, Exit, Origin, RawExit, Syndrome};
use crate::fault::GuestFault;
use crate::platform::{PhysicalInterrupt, Platform};
use crate::tell::{Level, tell};
use crate::vcpu::VcpuId;
use crate::vm::Vm;
use alloc::format;

/// Stage-2 faults of a VM that are worth a message each; later ones are only counted.
const FAULTS_TOLD: u64 = 8;

impl CoreLoop {
    /// Deals with an exit that concerns nothing but the vCPU itself. Whether it was one.
    pub(super) fn handle_alone<P: Platform>(
        &mut self,
        platform: &mut P,
        machine: &Machine,
        exit: Exit,
        interrupt: &mut Option<PhysicalInterrupt>,
    ) -> bool {
        let done = match exit {
            Exit::Interrupt => {
                *interrupt = platform.acknowledge();
                let gone = interrupt.is_none().then_some(Cause::SpuriousInterrupt);
                gone.or_else(|| self.expired_again(platform, *interrupt).map(|()| Cause::VirtualTimer))
            }
            Exit::Hvc(immediate) => self.own_call(immediate).map(|()| Cause::Hvc),
            Exit::Smc(immediate) => self.own_secure_call(immediate).map(|()| Cause::Smc),
            Exit::SystemRegister(access) => self.own_register(platform, access),
            Exit::Wait => self.begin_wait(platform, machine).map(|()| Cause::Wait),
            Exit::Undefined => self.undefined(platform).map(|()| Cause::Other),
            _ => None,
        };
        if let Some(cause) = done {
            self.count(cause);
        }
        done.is_some()
    }

    /// An instruction that the guest's processor does not have.
    fn undefined<P: Platform>(&mut self, platform: &mut P) -> Option<()> {
        self.loaded.as_mut()?.inject(platform, Syndrome::Undefined);
        Some(())
    }

    /// Deals with any other exit that was not an interrupt. Whether the guest may go on at once.
    pub(super) fn handle<P: Platform>(
        &mut self,
        platform: &mut P,
        machine: &Machine,
        vm: &mut Vm,
        raw: &RawExit,
        exit: Exit,
    ) -> bool {
        let (cause, next) = match exit {
            Exit::Hvc(_) => (Cause::Hvc, self.call(platform, machine, vm)),
            Exit::Smc(_) => (Cause::Smc, self.call(platform, machine, vm)),
            Exit::SystemRegister(access) => self.system_register(platform, machine, vm, access),
            Exit::DataAbort(abort) => self.data_abort(platform, machine, vm, raw, &abort),
            Exit::InstructionAbort(address) => (Cause::Stage2Fault, self.instruction_abort(vm, raw, address)),
            Exit::SystemError => (Cause::Other, Next::Stop("a system error")),
            _ => (Cause::Other, Next::Stop("an exception of an unexpected class")),
        };
        self.count(cause);
        let Some(loaded) = &mut self.loaded else { return true };
        match next {
            Next::Resume => {}
            Next::Skip => loaded.vcpu.skip_instruction(),
            Next::Load(register, value) => loaded.load(register, value),
            Next::Return(value) => loaded.answer(value),
            // What was told of these must be printed before the guest goes on.
            Next::Inject(syndrome) => {
                loaded.inject(platform, syndrome);
                return false;
            }
            Next::Stop(reason) => {
                stop(vm, loaded.it.vcpu, loaded.vcpu.general().pc, raw, reason);
                machine.kick_all(platform, vm);
                return false;
            }
        }
        true
    }

    /// Counts an exit of the loaded vCPU.
    pub(super) fn count(&self, cause: Cause) {
        if let Some(loaded) = &self.loaded {
            loaded.exits.count(cause);
        }
    }

    pub(super) fn loaded_vcpu(&self) -> Option<VcpuId> {
        self.loaded.as_ref().map(|loaded| loaded.it.vcpu)
    }

    fn data_abort<P: Platform>(
        &mut self,
        platform: &mut P,
        machine: &Machine,
        vm: &mut Vm,
        raw: &RawExit,
        abort: &DataAbort,
    ) -> (Cause, Next) {
        let Some(Loaded { it, vcpu, .. }) = &self.loaded else { return (Cause::Other, Next::Resume) };
        match abort.origin() {
            Origin::Instruction => {}
            Origin::CacheMaintenance => return (Cause::Other, Next::Skip),
            Origin::TableWalk | Origin::Other => {
                tell_fault(vm, it.vcpu, vcpu.general().pc, raw, abort.ipa);
                return (Cause::Stage2Fault, Next::Inject(Syndrome::DataAbort { far: raw.far, write: abort.write() }));
            }
        }
        self.take_back(platform, machine, vm);
        let Some(Loaded { it, vcpu, .. }) = &self.loaded else { return (Cause::Other, Next::Resume) };
        let access = abort.access();
        let value = access.map_or(0, |access| access.store(vcpu.general().get(access.register())));
        let Some(port) = machine.ports.get(it.vm) else { return (Cause::Other, Next::Resume) };
        let (cause, result) = vm.access(it.vcpu, abort, value, port);
        match result {
            Ok((value, kicks)) => {
                machine.kick(platform, vm, kicks.vcpus);
                if kicks.console {
                    machine.want_console(platform);
                }
                (cause, loaded_value(access, abort.write(), value))
            }
            Err(GuestFault::ExternalAbort) => {
                if cause == Cause::Stage2Fault {
                    tell_fault(vm, it.vcpu, vcpu.general().pc, raw, abort.ipa);
                }
                (cause, Next::Inject(Syndrome::DataAbort { far: raw.far, write: abort.write() }))
            }
        }
    }

    /// A fetch from where the guest has nothing. If that is the vector of the exception that it was given, it
    /// would be given the same for ever.
    fn instruction_abort(&mut self, vm: &mut Vm, raw: &RawExit, address: Ipa) -> Next {
        let Some(Loaded { it, vcpu, vector, .. }) = &self.loaded else { return Next::Resume };
        let pc = vcpu.general().pc;
        tell_fault(vm, it.vcpu, pc, raw, address);
        if *vector == Some(pc) {
            return Next::Stop("no instruction can be fetched from its exception vectors");
        }
        Next::Inject(Syndrome::InstructionAbort { far: raw.far })
    }
}

fn loaded_value(access: Option<Access>, write: bool, value: u64) -> Next {
    match access {
        Some(access) if !write => Next::Load(access.register(), access.load(value)),
        _ => Next::Skip,
    }
}

/// Counts a stage-2 fault, and says so for the first few since the VM started.
fn tell_fault(vm: &mut Vm, vcpu: VcpuId, pc: u64, raw: &RawExit, address: Ipa) {
    let counters = vm.counters_mut();
    counters.stage2_faults += 1;
    counters.faults_told += 1;
    let told = counters.faults_told;
    if told <= FAULTS_TOLD {
        let what = exit::describe(raw);
        tell(Level::Warn, format_args!("{} {vcpu}: {what}, {address}, PC {pc:#x}: it takes an abort", vm.name()));
    }
    if told == FAULTS_TOLD {
        tell(Level::Warn, format_args!("{}: further faults are only counted (stats {})", vm.name(), vm.name()));
    }
}

/// Stops `vm` by its owner's policy, with one message.
fn stop(vm: &mut Vm, vcpu: VcpuId, pc: u64, raw: &RawExit, reason: &str) {
    let policy = vm.fault_policy();
    let what = exit::describe(raw);
    let message = format!("{vcpu} at PC {pc:#x}: {reason} ({what}, ESR {:#x}, FAR {:#x})", raw.esr, raw.far);
    tell(Level::Error, format_args!("{} {message}; on-fault: {}", vm.name(), policy.word()));
    vm.counters_mut().faults += 1;
    vm.stop_itself(policy.into(), message);
}
