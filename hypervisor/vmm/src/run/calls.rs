//! HVC and SMC.

use super::{CoreLoop, Machine, Next};
use crate::platform::Platform;
use crate::psci::{self, Effect};
use crate::smccc::{self, Function};
use crate::tell::{Level, tell};
use crate::vcpu::VcpuId;
use crate::vm::{After, Vm};
use alloc::string::String;

impl CoreLoop {
    /// HVC: the preferred return address is after the instruction already.
    pub(super) fn call<P: Platform>(
        &mut self,
        platform: &mut P,
        machine: &Machine,
        vm: &mut Vm,
        immediate: u16,
    ) -> Next {
        let Some((it, loaded)) = &self.loaded else { return Next::Resume };
        let [a, b, c, d, ..] = loaded.general().get(0).to_le_bytes();
        let function = Function(u32::from_le_bytes([a, b, c, d]));
        let arguments = function.arguments(loaded.general().arguments());
        // The calling convention has only calls with immediate 0 (DEN0028 2.9).
        if immediate != 0 {
            return Next::Return(function.result(smccc::NOT_SUPPORTED));
        }
        if !function.is_psci() {
            return Next::Return(smccc::call(function, arguments));
        }
        let (answer, effect) = psci::call(vm, it.vcpu, function, arguments);
        apply(platform, machine, vm, it.vcpu, effect);
        Next::Return(function.result(answer))
    }

    /// SMC, trapped: the instruction itself must be skipped. No call reaches the firmware.
    pub(super) fn secure_call<P: Platform>(
        &mut self,
        platform: &mut P,
        machine: &Machine,
        vm: &mut Vm,
        immediate: u16,
    ) -> Next {
        if let Some((_, loaded)) = &mut self.loaded {
            loaded.skip_instruction();
        }
        self.call(platform, machine, vm, immediate)
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
