//! What a guest did that its VM must be asked about: one line for each kind of exit.

use super::accesses;
use super::loaded::Loaded;
use super::{CoreLoop, Machine, Next};
use crate::address::Ipa;
use crate::exit::{self, Access, Cause, DataAbort, Exit, Origin, RawExit, Syndrome};
use crate::platform::Platform;
use crate::tell::{Level, tell, text};
use crate::vcpu::VcpuId;
use crate::vm::Vm;

/// Bytes that an instruction loads at most: LD1 to LD4 of four registers.
const LONGEST: u64 = 64;
/// Stage-2 faults of a VM that are worth a message each; later ones are only counted.
const FAULTS_TOLD: u64 = 8;

impl CoreLoop {
    /// Deals with an exit that is left, and was not an interrupt. Whether the guest may go on at once.
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
            Exit::Access(ipa, access) => match self.access(platform, machine, vm, raw, (ipa, access)) {
                Some(fault) => fault,
                None => return true,
            },
            Exit::DataAbort(abort) => match self.data_abort(platform, machine, vm, raw, &abort) {
                Some(fault) => fault,
                None => return true,
            },
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
            Next::Inject(syndrome, told) => {
                loaded.inject(platform, syndrome);
                // What was told must be printed before the guest goes on.
                return !told;
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

    /// A load or store that no device has answered while the list registers were out, or of a big-endian vCPU: `None` if one
    /// does now.
    fn access<P: Platform>(
        &mut self,
        platform: &mut P,
        machine: &Machine,
        vm: &mut Vm,
        raw: &RawExit,
        (ipa, access): (Ipa, Access),
    ) -> Option<(Cause, Next)> {
        self.take_back(platform, machine, vm);
        let loaded = self.loaded.as_mut()?;
        if !access.write() && loaded.is_misreported(platform, raw.far, access.size().into()) {
            self.count(Cause::Other);
            return None;
        }
        let (cause, told) = match loaded.shared.bus.find(ipa, access.size()) {
            Some(place) if accesses::access(platform, machine, vm, loaded, access, place) => return None,
            Some((device, _)) => (device.cause(), false),
            None => (Cause::Stage2Fault, tell_fault(vm, loaded, raw, ipa)),
        };
        Some((cause, Next::Inject(Syndrome::DataAbort { far: raw.far, write: access.write() }, told)))
    }

    /// An access that its syndrome does not describe, or that may be big-endian, or that is no load or store of what is not
    /// mapped: `None` if it was carried out.
    // Inlined it would take registers from the way of exits that are not left.
    #[inline(never)]
    fn data_abort<P: Platform>(
        &mut self,
        platform: &mut P,
        machine: &Machine,
        vm: &mut Vm,
        raw: &RawExit,
        abort: &DataAbort,
    ) -> Option<(Cause, Next)> {
        if let Some(access) = abort.access() {
            return self.access(platform, machine, vm, raw, (abort.ipa, access));
        }
        let loaded = self.loaded.as_ref()?;
        let is_load = abort.origin() == Origin::Instruction && !abort.write();
        if is_load && loaded.is_misreported(platform, raw.far, LONGEST) {
            self.count(Cause::Other);
            return None;
        }
        let device = loaded.shared.bus.find(abort.ipa, 1);
        let (cause, told) = match (abort.origin(), device) {
            (Origin::CacheMaintenance, _) => return Some((Cause::Other, Next::Skip)),
            (Origin::Instruction, Some(_)) if self.transfer(platform, machine, vm, (raw.far, abort.ipa)) => {
                return None;
            }
            (Origin::Instruction, Some((device, _))) => (device.cause(), false),
            _ => (Cause::Stage2Fault, tell_fault(vm, self.loaded.as_ref()?, raw, abort.ipa)),
        };
        Some((cause, Next::Inject(Syndrome::DataAbort { far: raw.far, write: abort.write() }, told)))
    }

    /// A fetch from where the guest has nothing. If that is the vector of the exception that it was given, it
    /// would be given the same for ever.
    fn instruction_abort(&mut self, vm: &mut Vm, raw: &RawExit, address: Ipa) -> Next {
        let Some(loaded) = &self.loaded else { return Next::Resume };
        let told = tell_fault(vm, loaded, raw, address);
        if loaded.vector == Some(loaded.vcpu.general().pc) {
            return Next::Stop("no instruction can be fetched from its exception vectors");
        }
        Next::Inject(Syndrome::InstructionAbort { far: raw.far }, told)
    }
}

/// Counts a stage-2 fault, and says so for the first few since the VM started. Whether it did.
fn tell_fault(vm: &mut Vm, loaded: &Loaded, raw: &RawExit, address: Ipa) -> bool {
    let (vcpu, pc) = (loaded.it.vcpu, loaded.vcpu.general().pc);
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
    told <= FAULTS_TOLD
}

/// Stops `vm` by its owner's policy, with one message.
#[cold]
#[inline(never)]
fn stop(vm: &mut Vm, vcpu: VcpuId, pc: u64, raw: &RawExit, reason: &str) {
    let policy = vm.fault_policy();
    let what = exit::describe(raw);
    let (esr, far) = (raw.esr, raw.far);
    let message = text(format_args!("{vcpu} at PC {pc:#x}: {reason} ({what}, ESR {esr:#x}, FAR {far:#x})"));
    tell(Level::Error, format_args!("{} {message}; on-fault: {}", vm.name(), policy.word()));
    vm.counters_mut().faults += 1;
    vm.stop_itself(policy.into(), message);
}
