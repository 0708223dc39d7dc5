//! PSCI 1.1 (DEN0022) for one VM: an answer for the caller and an effect for the VM.

use crate::address::Ipa;
use crate::smccc::{Function, NOT_SUPPORTED};
use crate::vcpu::VcpuId;

/// Functions, without the bit that tells 32-bit from 64-bit forms.
mod function {
    pub const VERSION: u32 = 0x8400_0000;
    pub const CPU_SUSPEND: u32 = 0x8400_0001;
    pub const CPU_OFF: u32 = 0x8400_0002;
    pub const CPU_ON: u32 = 0x8400_0003;
    pub const AFFINITY_INFO: u32 = 0x8400_0004;
    pub const MIGRATE_INFO_TYPE: u32 = 0x8400_0006;
    pub const SYSTEM_OFF: u32 = 0x8400_0008;
    pub const SYSTEM_RESET: u32 = 0x8400_0009;
    pub const FEATURES: u32 = 0x8400_000a;
    pub const SYSTEM_SUSPEND: u32 = 0x8400_000e;
    pub const SYSTEM_RESET2: u32 = 0x8400_0012;
    pub const SMCCC_VERSION: u32 = 0x8000_0000;
    pub const BIT_64: u32 = 1 << 30;
}

/// Version 1.1.
const VERSION_1_1: i64 = 0x1_0001;
const SUCCESS: i64 = 0;
const INVALID_PARAMETERS: i64 = -2;
const DENIED: i64 = -3;
const ALREADY_ON: i64 = -4;
const ON_PENDING: i64 = -5;
const INVALID_ADDRESS: i64 = -9;
/// MIGRATE_INFO_TYPE: no trusted OS to migrate.
const NO_MIGRATION: i64 = 2;
/// What an affinity in an argument has beside its fields (DEN0022 5.6, 5.7).
const AFFINITY_RESERVED: u64 = !0xff_00ff_ffff;
/// power_state, in the original format (DEN0022 5.4.2): a powerdown request; reserved bits.
const POWERDOWN: u64 = 1 << 16;
const POWER_STATE_RESERVED: u64 = 0xfcfe_0000;

/// Whether a vCPU runs, as AFFINITY_INFO tells it. Of several, the first of these wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Power {
    /// It runs, or is suspended.
    On,
    /// It was switched on, and its core has not begun to run it.
    OnPending,
    /// It is off.
    Off,
}

/// Where a vCPU begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The first instruction.
    pub address: Ipa,
    /// X0.
    pub context: u64,
}

/// What a call does beside answering.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing.
    None,
    /// Another vCPU starts.
    TurnOn(VcpuId, Entry),
    /// The caller stops; there is no answer.
    TurnOff,
    /// The caller sleeps until an interrupt is pending for it. It goes on with the answer, or, if its state was
    /// not to be kept, from an entry.
    Suspend(Option<Entry>),
    /// The VM is switched off; there is no answer.
    SystemOff,
    /// The VM is reset; there is no answer.
    SystemReset,
}

/// An answer (X0, before it is given its width) and an effect.
pub type Outcome = (i64, Effect);

/// What a call needs to know of the VM.
pub trait Machine {
    /// Whether `vcpu` runs; `None` if there is none.
    fn power(&self, vcpu: VcpuId) -> Option<Power>;
    /// Whether every vCPU but `caller` is off.
    fn others_are_off(&self, caller: VcpuId) -> bool;
    /// Whether `address` lies in RAM, so that a vCPU can begin there.
    fn is_memory(&self, address: Ipa) -> bool;
}

const fn answer(value: i64) -> Outcome {
    (value, Effect::None)
}

/// The answer to the PSCI call `function`, if it is the same for all callers: what exists, or that something does not.
/// `first` is the first argument, already as wide as the call.
#[inline(always)]
pub fn own(function: Function, first: u64) -> Option<i64> {
    if function.is_64_bit() && !has_64_bit_form(function.0 & !function::BIT_64) {
        return Some(NOT_SUPPORTED);
    }
    match function.0 & !function::BIT_64 {
        function::VERSION => Some(VERSION_1_1),
        function::MIGRATE_INFO_TYPE => Some(NO_MIGRATION),
        function::FEATURES => Some(features(first)),
        function::CPU_SUSPEND..=function::AFFINITY_INFO
        | function::SYSTEM_OFF..=function::SYSTEM_RESET
        | function::SYSTEM_SUSPEND
        | function::SYSTEM_RESET2 => None,
        _ => Some(NOT_SUPPORTED),
    }
}

/// Carries out the PSCI call `function`, which [`own`] has not answered, of the vCPU `caller`, with `arguments` already as
/// wide as the call.
pub fn call(machine: &impl Machine, caller: VcpuId, function: Function, arguments: [u64; 3]) -> Outcome {
    let [first, second, third] = arguments;
    let entry = |address, context| Entry { address: Ipa::new(address), context };
    match function.0 & !function::BIT_64 {
        function::CPU_SUSPEND => suspend(machine, first, entry(second, third)),
        function::CPU_OFF => (SUCCESS, Effect::TurnOff),
        function::CPU_ON => turn_on(machine, first, entry(second, third)),
        function::AFFINITY_INFO => affinity_info(machine, first, second),
        function::SYSTEM_OFF => (SUCCESS, Effect::SystemOff),
        function::SYSTEM_RESET => (SUCCESS, Effect::SystemReset),
        function::SYSTEM_SUSPEND => system_suspend(machine, caller, entry(first, second)),
        function::SYSTEM_RESET2 => reset2(first),
        _ => answer(NOT_SUPPORTED),
    }
}

/// Functions that also exist with 64-bit arguments (DEN0022 5.1).
fn has_64_bit_form(function: u32) -> bool {
    matches!(
        function,
        function::CPU_SUSPEND
            | function::CPU_ON
            | function::AFFINITY_INFO
            | function::SYSTEM_SUSPEND
            | function::SYSTEM_RESET2
    )
}

/// CPU_SUSPEND (DEN0022 5.4).
fn suspend(machine: &impl Machine, power_state: u64, entry: Entry) -> Outcome {
    if power_state & POWER_STATE_RESERVED != 0 {
        return answer(INVALID_PARAMETERS);
    }
    if power_state & POWERDOWN == 0 {
        return (SUCCESS, Effect::Suspend(None));
    }
    suspend_to(machine, entry)
}

/// The caller's state is not kept: it wakes up at `entry`.
fn suspend_to(machine: &impl Machine, entry: Entry) -> Outcome {
    if can_begin(machine, entry) { (SUCCESS, Effect::Suspend(Some(entry))) } else { answer(INVALID_ADDRESS) }
}

/// Whether a vCPU can begin at `entry`: an instruction of A64, which all begin in, in RAM.
fn can_begin(machine: &impl Machine, entry: Entry) -> bool {
    entry.address.get().is_multiple_of(4) && machine.is_memory(entry.address)
}

/// CPU_ON (DEN0022 5.6).
fn turn_on(machine: &impl Machine, target: u64, entry: Entry) -> Outcome {
    let vcpu = VcpuId::from_affinity(target).filter(|_| target & AFFINITY_RESERVED == 0);
    let Some((vcpu, power)) = vcpu.and_then(|vcpu| Some((vcpu, machine.power(vcpu)?))) else {
        return answer(INVALID_PARAMETERS);
    };
    match power {
        Power::On => answer(ALREADY_ON),
        Power::OnPending => answer(ON_PENDING),
        Power::Off if !can_begin(machine, entry) => answer(INVALID_ADDRESS),
        Power::Off => (SUCCESS, Effect::TurnOn(vcpu, entry)),
    }
}

/// AFFINITY_INFO (DEN0022 5.7): above level 0 every vCPU of the affinity instance counts.
fn affinity_info(machine: &impl Machine, target: u64, level: u64) -> Outcome {
    if level > 3 || target & AFFINITY_RESERVED != 0 {
        return answer(INVALID_PARAMETERS);
    }
    let fields = [0xff_00ff_ffff_u64, 0xff_00ff_ff00, 0xff_00ff_0000, 0xff_0000_0000];
    let mask = usize::try_from(level).ok().and_then(|level| fields.get(level)).copied().unwrap_or(0);
    let members = (0..VcpuId::MAXIMUM).filter_map(VcpuId::new).filter(|vcpu| (vcpu.affinity() ^ target) & mask == 0);
    let most = members.filter_map(|vcpu| machine.power(vcpu)).min_by_key(|power| *power as u8);
    answer(most.map_or(INVALID_PARAMETERS, state))
}

/// AFFINITY_INFO's numbers.
fn state(power: Power) -> i64 {
    match power {
        Power::On => 0,
        Power::Off => 1,
        Power::OnPending => 2,
    }
}

/// SYSTEM_SUSPEND (DEN0022 5.20).
fn system_suspend(machine: &impl Machine, caller: VcpuId, entry: Entry) -> Outcome {
    if !machine.others_are_off(caller) {
        return answer(DENIED);
    }
    suspend_to(machine, entry)
}

/// SYSTEM_RESET2 (DEN0022 5.18): the architectural warm reset is a reset; vendor-specific ones do not exist.
fn reset2(kind: u64) -> Outcome {
    if kind & 0xffff_ffff == 0 { (SUCCESS, Effect::SystemReset) } else { answer(INVALID_PARAMETERS) }
}

/// PSCI_FEATURES (DEN0022 5.15): 0 for what exists; CPU_SUSPEND has the original format and no OS-initiated mode.
fn features(asked: u64) -> i64 {
    let Ok(asked) = u32::try_from(asked & 0xffff_ffff) else { return NOT_SUPPORTED };
    let plain = asked & !function::BIT_64;
    if asked & function::BIT_64 != 0 && !has_64_bit_form(plain) {
        return NOT_SUPPORTED;
    }
    match plain {
        function::VERSION..=function::AFFINITY_INFO
        | function::MIGRATE_INFO_TYPE
        | function::SYSTEM_OFF..=function::FEATURES
        | function::SYSTEM_SUSPEND
        | function::SYSTEM_RESET2
        | function::SMCCC_VERSION => SUCCESS,
        _ => NOT_SUPPORTED,
    }
}

#[cfg(test)]
mod tests;
