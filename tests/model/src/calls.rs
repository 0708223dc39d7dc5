//! A guest's calls against DEN0022 (PSCI) and DEN0028 (SMCCC), written down once more: as one table of what each answers.

use crate::random::Random;
use bulkhead_vmm::address::Ipa;
use bulkhead_vmm::psci::{self, Effect, Entry, Machine, Power};
use bulkhead_vmm::smccc::{self, Function};
use bulkhead_vmm::vcpu::VcpuId;

/// vCPUs: more than one cluster of 16 has.
const MOST_VCPUS: u64 = 20;
const RAM: std::ops::Range<u64> = 0x4000_0000..0x4800_0000;

const SUCCESS: i64 = 0;
const NOT_SUPPORTED: i64 = -1;
const INVALID_PARAMETERS: i64 = -2;
const DENIED: i64 = -3;
const ALREADY_ON: i64 = -4;
const ON_PENDING: i64 = -5;
const INVALID_ADDRESS: i64 = -9;

/// A machine of which only the power of its vCPUs matters.
struct Vcpus(Vec<Power>);

impl Machine for Vcpus {
    fn power(&self, vcpu: VcpuId) -> Option<Power> {
        self.0.get(vcpu.index()).copied()
    }
    fn others_are_off(&self, caller: VcpuId) -> bool {
        self.0.iter().enumerate().all(|(index, power)| index == caller.index() || *power == Power::Off)
    }
    fn is_memory(&self, address: Ipa) -> bool {
        RAM.contains(&address.get())
    }
}

/// One call: who makes it, and X0 to X3.
struct Call {
    caller: usize,
    x: [u64; 4],
}

/// Functions of PSCI 1.1 that exist, without bit 30, and whether they have a 64-bit form (DEN0022 5.1 and table 5).
const PSCI: [(u32, bool); 11] = [
    (0x8400_0000, false),
    (0x8400_0001, true),
    (0x8400_0002, false),
    (0x8400_0003, true),
    (0x8400_0004, true),
    (0x8400_0006, false),
    (0x8400_0008, false),
    (0x8400_0009, false),
    (0x8400_000A, false),
    (0x8400_000E, true),
    (0x8400_0012, true),
];

fn exists(function: u32) -> bool {
    PSCI.iter().any(|(id, wide)| function == *id || *wide && function == *id | 1 << 30)
}

/// What X0 holds after `call`, if it returns, and what the call does.
fn expected(machine: &Vcpus, call: &Call) -> (u64, Effect) {
    let function = call.x[0] as u32;
    let wide = function >> 30 & 1 == 1;
    let mask = if wide { u64::MAX } else { 0xFFFF_FFFF };
    let (answer, effect) = answer(machine, call.caller, function, [1, 2, 3].map(|index| call.x[index] & mask));
    (answer as u64 & mask, effect)
}

fn answer(machine: &Vcpus, caller: usize, function: u32, [first, second, third]: [u64; 3]) -> (i64, Effect) {
    let refused = |error| (error, Effect::None);
    if function == 0x8000_0000 {
        return refused(0x1_0002);
    }
    if function == 0x8000_0001 {
        return refused(if matches!(first, 0x8000_0000 | 0x8000_0001) { SUCCESS } else { NOT_SUPPORTED });
    }
    if !exists(function) {
        return refused(NOT_SUPPORTED);
    }
    let entry = |address: u64, context| match RAM.contains(&address) && address & 3 == 0 {
        true => Ok(Entry { address: Ipa::new(address), context }),
        false => Err(INVALID_ADDRESS),
    };
    let sleep = |entry: Result<Entry, i64>| match entry {
        Ok(entry) => (SUCCESS, Effect::Suspend(Some(entry))),
        Err(error) => refused(error),
    };
    match function & 0x1F {
        0x00 => refused(0x1_0001),
        // power_state in the original format: 31:26 and 23:17 are zero, 16 is the type of the state.
        0x01 if first & 0xFFFF_FFFF & 0xFCFE_0000 != 0 => refused(INVALID_PARAMETERS),
        0x01 if first >> 16 & 1 == 0 => (SUCCESS, Effect::Suspend(None)),
        0x01 => sleep(entry(second, third)),
        0x02 => (SUCCESS, Effect::TurnOff),
        0x03 => match (index_of(first).and_then(|index| Some((index, machine.0.get(index)?))), entry(second, third)) {
            (None, _) => refused(INVALID_PARAMETERS),
            (Some((_, Power::On)), _) => refused(ALREADY_ON),
            (Some((_, Power::OnPending)), _) => refused(ON_PENDING),
            (_, Err(error)) => refused(error),
            (Some((index, _)), Ok(entry)) => (SUCCESS, Effect::TurnOn(vcpu(index), entry)),
        },
        0x04 => refused(affinity_info(machine, first, second)),
        0x06 => refused(2),
        0x08 => (SUCCESS, Effect::SystemOff),
        0x09 => (SUCCESS, Effect::SystemReset),
        0x0A if exists(first as u32) || first as u32 == 0x8000_0000 => refused(SUCCESS),
        0x0A => refused(NOT_SUPPORTED),
        0x0E if machine.0.iter().enumerate().any(|(index, power)| index != caller && *power != Power::Off) => {
            refused(DENIED)
        }
        0x0E => sleep(entry(first, second)),
        _ if first as u32 == 0 => (SUCCESS, Effect::SystemReset),
        _ => refused(INVALID_PARAMETERS),
    }
}

fn vcpu(index: usize) -> VcpuId {
    VcpuId::new(index as u8).expect("the model has few vCPUs")
}

/// The vCPU with this affinity, if any of the most that a VM can have: 16 to a cluster.
fn index_of(affinity: u64) -> Option<usize> {
    let (aff0, aff1) = (affinity & 0xFF, affinity >> 8 & 0xFF);
    (affinity & !0xFFFF == 0 && aff0 < 16).then_some((aff1 * 16 + aff0) as usize)
}

fn affinity_info(machine: &Vcpus, affinity: u64, level: u64) -> i64 {
    if level > 3 || affinity & 0xFFFF_FF00_FF00_0000 != 0 {
        return INVALID_PARAMETERS;
    }
    // Affinities as one number of four bytes, of which the level leaves out the lowest.
    let packed = (affinity & 0xFF_FFFF) | (affinity >> 32 & 0xFF) << 24;
    let same = |index: usize| ((index / 16 * 256 + index % 16) as u64) >> (8 * level) == packed >> (8 * level);
    let members: Vec<Power> = (0..machine.0.len()).filter(|index| same(*index)).map(|index| machine.0[index]).collect();
    match () {
        () if members.is_empty() => INVALID_PARAMETERS,
        () if members.contains(&Power::On) => 0,
        () if members.contains(&Power::OnPending) => 2,
        () => 1,
    }
}

/// Makes the call that `bytes` choose, and compares. Whether it was one of a function that exists.
///
/// # Panics
/// Answer or effect differ.
pub fn check(bytes: &[u8]) -> bool {
    let mut random = Random::chosen(bytes);
    let powers = [Power::Off, Power::Off, Power::On, Power::OnPending];
    let mut machine = Vcpus((0..=random.below(MOST_VCPUS)).map(|_| random.pick(&powers)).collect());
    let caller = random.below(machine.0.len() as u64) as usize;
    machine.0[caller] = Power::On;
    let mut call = Call { caller, x: [0; 4] };
    call.x = [function(&mut random), argument(&mut random), argument(&mut random), argument(&mut random)];
    let function = Function::new(call.x[0]);
    let arguments = [1, 2, 3].map(|index| function.argument(call.x[index]));
    let (answer, effect) = match function.is_psci() {
        true => psci::own(function, arguments[0])
            .map_or_else(|| psci::call(&machine, vcpu(caller), function, arguments), |answer| (answer, Effect::None)),
        false => (smccc::call(function, call.x[1]), Effect::None),
    };
    let (x0, expected) = expected(&machine, &call);
    assert_eq!((function.result(answer), effect), (x0, expected), "{:x?} by {caller} of {:?}", call.x, machine.0);
    exists(function.0)
}

fn function(random: &mut Random) -> u64 {
    match random.below(4) {
        0 => random.bits(),
        1 => 0x8000_0000 | random.below(0x40) << 24 | random.below(4),
        _ => 0x8400_0000 | random.below(2) << 30 | random.below(0x20) | random.below(2) << 32,
    }
}

fn argument(random: &mut Random) -> u64 {
    match random.below(8) {
        0 => random.bits(),
        1 => RAM.start + random.below(64),
        2 => 1 << random.below(64),
        3 => 1 << random.below(64) | random.below(32),
        4 => function(random),
        5 => random.below(3) << 8 | random.below(32),
        _ => random.below(5),
    }
}

/// What fuzzing starts from: each function that exists, of a machine with one vCPU.
pub fn seeds() -> impl Iterator<Item = (String, Vec<u8>)> {
    let functions = PSCI.iter().flat_map(|(id, wide)| [false, true].map(|form| (*id, form, *wide || !form)));
    functions.filter(|(_, _, exists)| *exists).map(|(id, wide, _)| {
        let machine_and_caller = [0; 3];
        let number = id.to_le_bytes()[0];
        let function = [2, wide.into(), number, 0];
        let bytes = [&machine_and_caller[..], &function, &[7, 0], &[7, 0], &[7, 0]].concat();
        (format!("call-{number}-{}", if wide { 64 } else { 32 }), bytes)
    })
}
