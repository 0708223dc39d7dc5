//! PSCI (DEN0022) and SMCCC (DEN0028).

mod errors;
pub mod power;

use bulkhead_guests::psci::{self, Conduit, Registers, function, status};
use bulkhead_guests::timer::{self, Timer};
use bulkhead_guests::{Machine, cpu, section};

/// A function identifier of the PSCI range that no version defines.
const UNKNOWN: u32 = 0x8400_001f;
const UNKNOWN_64: u32 = 0xc400_001f;
/// An affinity that no machine of eight vCPUs has.
const ABSENT: u64 = 0x7f_0000_0f0f;

pub fn check(machine: &Machine, native: bool) {
    by(machine.conduit, native);
    // QEMU's built-in PSCI answers one conduit only; the other instruction is undefined there.
    if !native {
        by(if machine.conduit == Conduit::Hvc { Conduit::Smc } else { Conduit::Hvc }, native);
    }
    features(native);
    affinity(machine);
    suspend();
    errors::check(machine, native);
}

fn by(conduit: Conduit, native: bool) {
    let call = |function| psci::call(conduit, function, [0; 3]);
    section::psci("5.3").equal(
        format_args!("psci version by {conduit:?}"),
        call(function::PSCI_VERSION) as u32,
        0x1_0001,
    );
    section::psci("5.1").equal(format_args!("unknown function by {conduit:?}"), call(UNKNOWN) as u32, u32::MAX);
    section::psci("5.1").equal(format_args!("unknown 64-bit function by {conduit:?}"), call(UNKNOWN_64), u64::MAX);
    section::smccc("2.9").equal(format_args!("unknown service by {conduit:?}"), call(0x8600_1234) as u32, u32::MAX);
    section::psci("5.9").equal(
        format_args!("trusted migration by {conduit:?}"),
        call(function::MIGRATE_INFO_TYPE) as u32,
        2,
    );
    preserved(conduit);
    // QEMU's built-in PSCI has no SMCCC_VERSION: -1, which means SMCCC 1.0.
    let expected = if native { i32::MIN..0 } else { 0x1_0001..i32::MAX };
    section::smccc("7.2").holds(
        format_args!("smccc version by {conduit:?}"),
        expected.contains(&(call(function::SMCCC_VERSION) as i32)),
    );
}

/// SMCCC 1.1 2.6: x4 to x17 come back as they went.
fn preserved(conduit: Conduit) {
    let mut registers: Registers = core::array::from_fn(|index| 0x0101_0101_0101_0101 * index as u64);
    let before = registers;
    registers[0] = u64::from(function::PSCI_VERSION);
    psci::call_with_registers(conduit, &mut registers);
    section::smccc("2.6").equal(format_args!("x4 to x17 kept by {conduit:?}"), &registers[4..], &before[4..]);
}

fn features(native: bool) {
    const PRESENT: [u32; 10] = [
        function::PSCI_VERSION,
        function::CPU_SUSPEND,
        function::CPU_SUSPEND_64,
        function::CPU_OFF,
        function::CPU_ON,
        function::CPU_ON_64,
        function::AFFINITY_INFO,
        function::SYSTEM_OFF,
        function::SYSTEM_RESET,
        function::PSCI_FEATURES,
    ];
    for id in PRESENT {
        section::psci("5.15").holds(
            format_args!("psci feature {id:#x}"),
            psci::psci(function::PSCI_FEATURES, [u64::from(id), 0, 0]) >= 0,
        );
    }
    let answer = psci::psci(function::PSCI_FEATURES, [u64::from(UNKNOWN), 0, 0]);
    section::psci("5.15").equal("psci feature unknown", answer, status::NOT_SUPPORTED);
    if !native {
        let answer = psci::psci(function::PSCI_FEATURES, [u64::from(function::SMCCC_VERSION), 0, 0]);
        section::psci("5.15").equal("psci feature SMCCC_VERSION", answer, status::SUCCESS);
    }
}

fn affinity(machine: &Machine) {
    let info = |affinity, level| psci::psci(function::AFFINITY_INFO_64, [affinity, level, 0]);
    section::psci("5.7").equal("affinity info of this vCPU is ON", info(cpu::affinity(), 0), 0);
    section::psci("5.7").equal("affinity info of nobody", info(ABSENT, 0), status::INVALID_PARAMETERS);
    for (index, &other) in machine.cpus.iter().enumerate().skip(1) {
        section::psci("5.7").equal(format_args!("affinity info of vCPU {index} is OFF"), info(other, 0), 1);
    }
    let on = |affinity| psci::psci(function::CPU_ON_64, [affinity, 0x4020_0000, 0]);
    section::psci("5.6").equal("cpu on of this vCPU", on(cpu::affinity()), status::ALREADY_ON);
    section::psci("5.6").equal("cpu on of nobody", on(ABSENT), status::INVALID_PARAMETERS);
}

/// A standby state returns once an interrupt is pending, masked or not (DEN0022 5.4.1).
fn suspend() {
    cpu::disable_interrupts();
    let deadline = timer::count() + timer::frequency() / 200;
    Timer::Virtual.set(deadline);
    bulkhead_guests::interrupt::controller().enable(bulkhead_guests::machine().virtual_timer);
    let answer = psci::psci(function::CPU_SUSPEND_64, [0, 0, 0]);
    let woken = timer::count();
    Timer::Virtual.stop();
    bulkhead_guests::interrupt::controller().disable(bulkhead_guests::machine().virtual_timer);
    section::psci("5.4").equal("cpu suspend to standby", answer, status::SUCCESS);
    section::psci("5.4").holds("cpu suspend wakes by an interrupt", woken >= deadline);
}
