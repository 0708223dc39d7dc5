//! HVC and SMC.

use super::loaded::Loaded;
use super::{CoreLoop, Machine, Next};
use crate::platform::Platform;
use crate::psci::{self, Effect};
use crate::smccc::{self, Function};
use crate::tell::{Level, tell};
use crate::vcpu::VcpuId;
use crate::vm::{After, Vm};
use alloc::string::String;

impl Loaded {
    /// HVC: answers it if the answer rests on nothing but the call itself, and says whether it did. The preferred return
    /// address is after the instruction already.
    pub(super) fn own_call(&mut self, immediate: u16) -> bool {
        let general = self.vcpu.general();
        let function = Function::new(general.get(0));
        // The calling convention has only calls with immediate 0 (DEN0028 2.9).
        let answer = if immediate != 0 {
            Some(smccc::NOT_SUPPORTED)
        } else if function.is_psci() {
            psci::own(function, function.argument(general.get(1)))
        } else {
            Some(smccc::call(function, general.get(1)))
        };
        answer.map(|value| self.answer(function.result(value))).is_some()
    }

    /// SMC, trapped, likewise: the instruction itself must be skipped. No call reaches the firmware.
    pub(super) fn own_secure_call(&mut self, immediate: u16) -> bool {
        self.vcpu.skip_instruction();
        self.own_call(immediate)
    }
}

impl CoreLoop {
    /// The other calls: PSCI's, about the VM.
    pub(super) fn call<P: Platform>(&mut self, platform: &mut P, machine: &Machine, vm: &mut Vm) -> Next {
        let Some(Loaded { it, vcpu, .. }) = &self.loaded else { return Next::Resume };
        let function = Function::new(vcpu.general().get(0));
        let [first, second, third] = vcpu.general().arguments();
        let arguments = [function.argument(first), function.argument(second), function.argument(third)];
        let (answer, effect) = psci::call(vm, it.vcpu, function, arguments);
        apply(platform, machine, vm, it.vcpu, effect);
        Next::Return(function.result(answer))
    }
}

fn apply<P: Platform>(platform: &mut P, machine: &Machine, vm: &mut Vm, caller: VcpuId, effect: Effect) {
    match effect {
        Effect::None => {}
        Effect::TurnOn(vcpu, entry) => {
            let kicks = vm.turn_on(vcpu, entry);
            machine.kick(platform, vm, kicks);
        }
        Effect::TurnOff => vm.turn_off(caller),
        Effect::Suspend(resume) => vm.suspend(caller, resume),
        Effect::SystemOff => end(platform, machine, vm, vm.config().on_power_off.into(), "it switched itself off"),
        Effect::SystemReset => end(platform, machine, vm, vm.config().on_reset.into(), "it reset itself"),
    }
}

fn end<P: Platform>(platform: &mut P, machine: &Machine, vm: &mut Vm, after: After, reason: &str) {
    tell(Level::Info, format_args!("{}: {reason}", vm.name()));
    vm.stop_itself(after, String::from(reason));
    machine.kick_all(platform, vm);
}
