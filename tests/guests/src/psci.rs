//! PSCI (DEN0022) and the SMC calling convention (DEN0028), by HVC and by SMC.

use core::arch::asm;

use crate::machine;

/// Function identifiers (PSCI DEN0022 5.1); `_64` marks those of the SMC64 convention.
pub mod function {
    #![allow(missing_docs, reason = "the names are the specification's")]
    pub const PSCI_VERSION: u32 = 0x8400_0000;
    pub const CPU_SUSPEND: u32 = 0x8400_0001;
    pub const CPU_OFF: u32 = 0x8400_0002;
    pub const CPU_ON: u32 = 0x8400_0003;
    pub const CPU_ON_64: u32 = 0xc400_0003;
    pub const AFFINITY_INFO: u32 = 0x8400_0004;
    pub const AFFINITY_INFO_64: u32 = 0xc400_0004;
    pub const MIGRATE_INFO_TYPE: u32 = 0x8400_0006;
    pub const SYSTEM_OFF: u32 = 0x8400_0008;
    pub const SYSTEM_RESET: u32 = 0x8400_0009;
    pub const PSCI_FEATURES: u32 = 0x8400_000a;
    pub const SYSTEM_SUSPEND: u32 = 0x8400_000e;
    pub const SYSTEM_RESET2: u32 = 0x8400_0012;
    pub const SYSTEM_RESET2_64: u32 = 0xc400_0012;
    pub const CPU_SUSPEND_64: u32 = 0xc400_0001;
    pub const SYSTEM_SUSPEND_64: u32 = 0xc400_000e;
    pub const SMCCC_VERSION: u32 = 0x8000_0000;
}

/// Return values (PSCI DEN0022 5.2.2).
pub mod status {
    #![allow(missing_docs, reason = "the names are the specification's")]
    pub const SUCCESS: i64 = 0;
    pub const NOT_SUPPORTED: i64 = -1;
    pub const INVALID_PARAMETERS: i64 = -2;
    pub const DENIED: i64 = -3;
    pub const ALREADY_ON: i64 = -4;
    pub const ON_PENDING: i64 = -5;
    pub const INVALID_ADDRESS: i64 = -9;
}

/// The instruction that carries a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conduit {
    /// `hvc #0`.
    Hvc,
    /// `smc #0`.
    Smc,
}

/// x0..x17 after a call, in that order.
pub type Registers = [u64; 18];

/// Calls with x0..x17 = `registers` and gives back what they hold afterwards. A call that traps leaves them as they were.
pub fn call_with_registers(conduit: Conduit, registers: &mut Registers) {
    macro_rules! call {
        ($instruction:literal) => {
            // SAFETY: SMCCC lets the callee change x0..x17 only; the callee's effect on the machine is what the caller asked for.
            unsafe {
                asm!(
                    "ldp x16, x17, [x18, #128]",
                    $instruction,
                    "stp x16, x17, [x18, #128]",
                    inout("x0") registers[0], inout("x1") registers[1], inout("x2") registers[2],
                    inout("x3") registers[3], inout("x4") registers[4], inout("x5") registers[5],
                    inout("x6") registers[6], inout("x7") registers[7], inout("x8") registers[8],
                    inout("x9") registers[9], inout("x10") registers[10], inout("x11") registers[11],
                    inout("x12") registers[12], inout("x13") registers[13], inout("x14") registers[14],
                    inout("x15") registers[15], out("x16") _, out("x17") _, in("x18") registers.as_mut_ptr(),
                )
            }
        };
    }
    match conduit {
        Conduit::Hvc => call!("hvc #0"),
        Conduit::Smc => call!("smc #0"),
    }
}

/// Calls `function` with up to three arguments; x0 as it came back.
pub fn call(conduit: Conduit, function: u32, arguments: [u64; 3]) -> u64 {
    let mut registers = [0; 18];
    registers[0] = u64::from(function);
    registers[1..4].copy_from_slice(&arguments);
    call_with_registers(conduit, &mut registers);
    registers[0]
}

/// Calls `function` by the conduit that the tree names; the 32-bit status that PSCI returns, sign extended.
pub fn psci(function: u32, arguments: [u64; 3]) -> i64 {
    i64::from(call(conduit(), function, arguments) as i32)
}

/// The conduit that the tree's /psci node names; HVC before the tree is read.
pub fn conduit() -> Conduit {
    machine::known().map_or(Conduit::Hvc, |machine| machine.conduit)
}

/// Switches the machine off. Should the call return, waits for ever.
pub fn system_off() -> ! {
    psci(function::SYSTEM_OFF, [0; 3]);
    crate::println!("guest: SYSTEM_OFF returned");
    loop {
        crate::cpu::wait_for_interrupt();
    }
}
