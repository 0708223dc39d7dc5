//! What a guest did: one line for each kind of exit.

use super::{CoreLoop, Machine, Next};
use crate::address::Ipa;
use crate::exit::{self, Access, Cause, DataAbort, Exit, Origin, RawExit, Syndrome};
use crate::fault::GuestFault;
use crate::platform::Platform;
use crate::tell::{Level, tell};
use crate::vcpu::VcpuId;
use crate::vm::Vm;
use alloc::format;

/// Stage-2 faults of a VM that are worth a message each; later ones are only counted.
const FAULTS_TOLD: u64 = 8;

impl CoreLoop {
    /// Deals with an exit that was not an interrupt.
    pub(super) fn handle<P: Platform>(
        &mut self,
        platform: &mut P,
        machine: &Machine,
        vm: &mut Vm,
        raw: &RawExit,
        exit: Exit,
    ) {
        let (cause, next) = match exit {
            Exit::Hvc(immediate) => (Cause::Hvc, self.call(platform, machine, vm, immediate)),
            Exit::Smc(immediate) => (Cause::Smc, self.secure_call(platform, machine, vm, immediate)),
            Exit::SystemRegister(access) => self.system_register(platform, machine, vm, access),
            Exit::DataAbort(abort) => self.data_abort(platform, machine, vm, raw, &abort),
            Exit::InstructionAbort(address) => (Cause::Stage2Fault, self.instruction_abort(vm, raw, address)),
            Exit::Wait => (Cause::Wait, self.begin_wait(platform, machine)),
            Exit::Undefined => (Cause::Other, Next::Inject(Syndrome::Undefined)),
            Exit::SystemError => (Cause::Other, Next::Stop("a system error")),
            Exit::Interrupt | Exit::Unexpected => (Cause::Other, Next::Stop("an exception of an unexpected class")),
        };
        self.count(vm, cause);
        self.act(platform, machine, vm, raw, next);
    }

    /// Counts an exit of the loaded vCPU.
    pub(super) fn count(&mut self, vm: &mut Vm, cause: Cause) {
        if let Some(slot) = self.loaded_vcpu().and_then(|vcpu| vm.slot_mut(vcpu)) {
            slot.exits.count(cause);
        }
    }

    pub(super) fn loaded_vcpu(&self) -> Option<VcpuId> {
        self.loaded.as_ref().map(|(it, _)| it.vcpu)
    }

    fn act<P: Platform>(&mut self, platform: &mut P, machine: &Machine, vm: &mut Vm, raw: &RawExit, next: Next) {
        let Some((it, loaded)) = &mut self.loaded else { return };
        match next {
            Next::Resume => {}
            Next::Skip => loaded.skip_instruction(),
            Next::Load(register, value) => {
                loaded.general_mut().set(register, value);
                loaded.skip_instruction();
            }
            Next::Return(value) => loaded.general_mut().set(0, value),
            Next::Inject(syndrome) => {
                platform.inject(loaded, syndrome);
                let vector = loaded.general().pc;
                if let Some(slot) = vm.slot_mut(it.vcpu) {
                    slot.vector = Some(vector);
                }
            }
            Next::Stop(reason) => {
                let (vcpu, pc) = (it.vcpu, loaded.general().pc);
                stop(vm, vcpu, pc, raw, reason);
                machine.kick_all(platform, vm);
            }
        }
    }

    fn data_abort<P: Platform>(
        &mut self,
        platform: &mut P,
        machine: &Machine,
        vm: &mut Vm,
        raw: &RawExit,
        abort: &DataAbort,
    ) -> (Cause, Next) {
        let Some((it, loaded)) = &self.loaded else { return (Cause::Other, Next::Resume) };
        match abort.origin {
            Origin::Instruction => {}
            Origin::CacheMaintenance => return (Cause::Other, Next::Skip),
            Origin::TableWalk | Origin::Other => {
                tell_fault(vm, it.vcpu, loaded.general().pc, raw, abort.ipa);
                return (Cause::Stage2Fault, Next::Inject(Syndrome::DataAbort { far: raw.far, write: abort.write }));
            }
        }
        let access = abort.access;
        let value = access.map_or(0, |access| access.store(loaded.general().get(access.register)));
        let Some(port) = machine.ports.get(it.vm) else { return (Cause::Other, Next::Resume) };
        let (cause, result) = vm.access(it.vcpu, abort, value, port);
        match result {
            Ok((value, kicks)) => {
                machine.kick(platform, vm, kicks.vcpus);
                if kicks.console {
                    machine.want_console(platform);
                }
                (cause, loaded_value(access, abort.write, value))
            }
            Err(GuestFault::Undefined) => (cause, Next::Inject(Syndrome::Undefined)),
            Err(GuestFault::Stop(reason)) => (cause, Next::Stop(reason)),
            Err(GuestFault::ExternalAbort) => {
                if cause == Cause::Stage2Fault {
                    tell_fault(vm, it.vcpu, loaded.general().pc, raw, abort.ipa);
                }
                (cause, Next::Inject(Syndrome::DataAbort { far: raw.far, write: abort.write }))
            }
        }
    }

    /// A fetch from where the guest has nothing. If that is the vector of the exception that it was given, it
    /// would be given the same for ever.
    fn instruction_abort(&mut self, vm: &mut Vm, raw: &RawExit, address: Ipa) -> Next {
        let Some((it, loaded)) = &self.loaded else { return Next::Resume };
        let pc = loaded.general().pc;
        tell_fault(vm, it.vcpu, pc, raw, address);
        if vm.slot(it.vcpu).is_some_and(|slot| slot.vector == Some(pc)) {
            return Next::Stop("no instruction can be fetched from its exception vectors");
        }
        Next::Inject(Syndrome::InstructionAbort { far: raw.far })
    }
}

fn loaded_value(access: Option<Access>, write: bool, value: u64) -> Next {
    match access {
        Some(access) if !write => Next::Load(access.register, access.load(value)),
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
