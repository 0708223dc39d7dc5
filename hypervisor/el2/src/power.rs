//! The firmware's part: PSCI (DEN0022) or a spin table to start cores, PSCI to switch the machine off.

use crate::{CORES, cpu, mmu, timer};
use bulkhead_vmm::config::board::{Cpu, Enable, Psci, PsciMethod, PsciVersion};
use core::fmt;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// PSCI functions; CPU_ON in its 64-bit form (DEN0022 5.1).
mod function {
    pub const CPU_ON: u64 = 0xc400_0003;
    pub const SYSTEM_OFF: u64 = 0x8400_0008;
}

/// How long started cores may take to arrive: a simulated one on a busy host takes more than a second.
const START_SECONDS: u64 = 5;

unsafe extern "C" {
    static secondary_entry: u8;
    static secondary_entry_by_mpidr: u8;
}

/// What entry.s puts into a further core's translation registers, and who each core is. Read with the MMU off.
#[unsafe(export_name = "secondary_parameters")]
static TRANSLATION: [AtomicU64; 4] = [const { AtomicU64::new(0) }; 4];
#[unsafe(export_name = "secondary_mpidrs")]
static AFFINITIES: [AtomicU64; CORES] = [const { AtomicU64::new(u64::MAX) }; CORES];
/// Which slots' cores have reached Rust.
static ARRIVED: [AtomicBool; CORES] = [const { AtomicBool::new(false) }; CORES];

/// Why a core does not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartError {
    /// The tree switches it off, or gives no way to start it.
    Disabled,
    /// PSCI's CPU_ON returned this (DEN0022 5.2.2).
    Refused(i32),
    /// It did not answer in time.
    Silent,
}

impl fmt::Display for StartError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disabled => write!(formatter, "the tree does not let it be started"),
            Self::Refused(code) => {
                let sign = if *code < 0 { "-" } else { "" };
                write!(formatter, "the firmware's CPU_ON returned {sign}{}", code.unsigned_abs() as usize)
            }
            Self::Silent => write!(formatter, "it did not answer within {START_SECONDS} seconds"),
        }
    }
}

/// Starts `cpu` with the stack and window of `slot`.
///
/// # Errors
/// The firmware refuses, or the tree gives no way.
pub fn start_core(slot: usize, cpu: &Cpu, psci: Option<Psci>) -> Result<(), StartError> {
    publish(slot, cpu.mpidr);
    match (cpu.enable, psci) {
        (Enable::Psci, Some(psci)) => start_by_psci(slot, cpu.mpidr, psci)?,
        (Enable::SpinTable { release }, _) => start_by_spin_table(release.get()),
        _ => return Err(StartError::Disabled),
    }
    Ok(())
}

/// The counter's value by which every core that was started must have arrived.
pub fn deadline() -> u64 {
    timer::counter().saturating_add(timer::frequency().saturating_mul(START_SECONDS))
}

/// Waits until the core with stack `slot` has arrived, or the counter reads `deadline`.
///
/// # Errors
/// It did not; the slot must not be used again then, because the core may still come.
pub fn wait_for(slot: usize, deadline: u64) -> Result<(), StartError> {
    while !ARRIVED[slot].load(Ordering::Acquire) {
        if timer::counter() > deadline {
            return Err(StartError::Silent);
        }
        cpu::give_way();
    }
    Ok(())
}

/// Says that the core with stack `slot` has arrived.
pub fn arrived(slot: usize) {
    ARRIVED[slot].store(true, Ordering::Release);
}

/// Writes what the new core reads before its caches are on, out to memory.
fn publish(slot: usize, affinity: u64) {
    for (place, value) in TRANSLATION.iter().zip(&mmu::Registers::for_el2().in_order()) {
        place.store(*value, Ordering::Relaxed);
    }
    AFFINITIES[slot].store(affinity, Ordering::Relaxed);
    cpu::clean_and_invalidate(TRANSLATION.as_ptr() as u64, size_of_val(&TRANSLATION) as u64);
    cpu::clean_and_invalidate(AFFINITIES.as_ptr() as u64, size_of_val(&AFFINITIES) as u64);
}

fn start_by_psci(slot: usize, affinity: u64, psci: Psci) -> Result<(), StartError> {
    let function = match psci.version {
        PsciVersion::V0_1 { cpu_on } => u64::from(cpu_on),
        PsciVersion::V0_2 | PsciVersion::V1_0 => function::CPU_ON,
    };
    let result = call(psci.method, function, affinity, &raw const secondary_entry as u64, slot as u64);
    // Functions return 32-bit signed results.
    if result as i32 == 0 { Ok(()) } else { Err(StartError::Refused(result as i32)) }
}

fn start_by_spin_table(release: u64) {
    mmu::map(release, 8, mmu::Kind::Data);
    // SAFETY: just mapped; the tree says that the eight bytes there are the core's release address.
    unsafe { (release as *mut u64).write_volatile(&raw const secondary_entry_by_mpidr as u64) };
    cpu::clean_and_invalidate(release, 8);
    mmu::unmap(release, 8);
    aarch64_cpu::asm::sev();
}

/// Switches the machine off; without PSCI, or if it returns, this core sleeps for good.
pub fn switch_off(psci: Option<Psci>) -> ! {
    if let Some(psci) = psci {
        call(psci.method, function::SYSTEM_OFF, 0, 0, 0);
    }
    cpu::halt()
}

/// Calls the firmware by the SMC Calling Convention (DEN0028): X4 to X17 may change.
fn call(method: PsciMethod, function: u64, first: u64, second: u64, third: u64) -> u64 {
    let result;
    macro_rules! call {
        ($instruction:literal) => {
            // SAFETY: the tree says that the firmware is called so. PSCI's functions touch no memory of ours
            // but what a started core runs, which `publish` prepared.
            unsafe {
                core::arch::asm!($instruction, inlateout("x0") function => result, inlateout("x1") first => _,
                    inlateout("x2") second => _, inlateout("x3") third => _, clobber_abi("C"), options(nostack))
            }
        };
    }
    match method {
        PsciMethod::Smc => call!("smc #0"),
        PsciMethod::Hvc => call!("hvc #0"),
    }
    result
}
