//! Random HVC and SMC calls with random immediates, function identifiers and arguments.

use bulkhead_guests::random::Random;
use bulkhead_guests::{Machine, cpu, instruction};

/// PSCI functions, by number, that would legally end, reset or suspend the guest: DEN0022 5.1, 32- and 64-bit alike.
const LEGAL_ENDS: [u32; 10] = [0x01, 0x02, 0x05, 0x08, 0x09, 0x0b, 0x0c, 0x0e, 0x12, 0x15];
/// CPU_ON: would legally start another vCPU at a random address.
const CPU_ON: u32 = 0x03;

pub fn act(random: &mut Random, _: &Machine) -> bool {
    let function = function(random);
    let mut x: [u64; 8] = core::array::from_fn(|_| random.nasty());
    let upper_half = if random.below(4) == 0 { random.bits() << 32 } else { 0 };
    x[0] = u64::from(function) | upper_half;
    if is_psci(function) && function & 0xff == CPU_ON {
        x[1] = cpu::affinity();
    }
    let immediate = if random.below(2) == 0 { 0 } else { random.below(0x1_0000) as u32 };
    // SMC is undefined natively on a machine without EL2 and EL3, which is an answer, too.
    let opcode = if random.below(2) == 0 { 0xd400_0002 } else { 0xd400_0003 };
    instruction::run_with(opcode | immediate << 5, &mut x).is_some()
}

fn is_psci(function: u32) -> bool {
    matches!(function >> 24, 0x84 | 0xc4 | 0x04 | 0x44) && function & 0x00ff_ffe0 == 0
}

/// A function identifier from where there is most to get wrong; never a legal end.
fn function(random: &mut Random) -> u32 {
    let function = match random.below(6) {
        0 | 1 => 0x8400_0000 | random.below(0x20) as u32,
        2 => 0xc400_0000 | random.below(0x20) as u32,
        3 => 0x8000_0000 | (random.below(64) as u32) << 24 | random.below(0x10) as u32,
        4 => 0x8600_0000 | (random.bits() as u32 & 0x4000_ffff),
        _ => random.nasty() as u32,
    };
    if is_psci(function) && LEGAL_ENDS.contains(&(function & 0xff)) { 0x8400_001f } else { function }
}
