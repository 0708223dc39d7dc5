//! Further vCPUs: started by PSCI CPU_ON, each with its own stack and index.

use core::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use crate::memory::clean_and_invalidate;
use crate::psci::{self, function};
use crate::{Machine, mmu};

/// vCPUs that the runtime has stacks for.
pub const MAXIMUM: usize = 16;

/// What a vCPU that was started runs; returning switches it off.
pub type Main = fn(index: usize);

static STARTED: AtomicBool = AtomicBool::new(false);
static MAIN: [AtomicUsize; MAXIMUM] = [const { AtomicUsize::new(0) }; MAXIMUM];

static ENTERED_WITH: [[AtomicU64; 2]; MAXIMUM] = [const { [const { AtomicU64::new(0) }; 2] }; MAXIMUM];

unsafe extern "C" {
    fn secondary_entry();
}

/// SCTLR_EL1 and DAIF that vCPU `index` was last entered with.
pub fn entered_with(index: usize) -> (u64, u64) {
    let [sctlr, daif] = &ENTERED_WITH[index];
    (sctlr.load(Ordering::SeqCst), daif.load(Ordering::SeqCst))
}

/// Whether a second vCPU was ever started.
pub fn started() -> bool {
    STARTED.load(Ordering::Relaxed)
}

/// Where a vCPU begins whose context is its index: it runs what it was last [started](start) with.
pub fn entry() -> u64 {
    secondary_entry as *const () as u64
}

/// Starts vCPU `index` of `machine` in `main`; PSCI's answer.
///
/// # Panics
/// If the MMU is off: vCPUs share memory by their caches.
pub fn start(machine: &Machine, index: usize, main: Main) -> i64 {
    assert!(mmu::is_on(), "further vCPUs need the MMU");
    STARTED.store(true, Ordering::SeqCst);
    MAIN[index].store(main as usize, Ordering::SeqCst);
    // The new vCPU turns its MMU on before it reads this, yet the table and its code are fetched without caches.
    clean_and_invalidate(0x4020_0000, 0x20_0000);
    psci::psci(function::CPU_ON_64, [machine.cpus[index], entry(), index as u64])
}

/// First Rust code of a vCPU that was started.
#[unsafe(no_mangle)]
extern "C" fn secondary_main(index: usize, sctlr: u64, daif: u64) -> ! {
    mmu::enable_here();
    ENTERED_WITH[index][0].store(sctlr, Ordering::SeqCst);
    ENTERED_WITH[index][1].store(daif, Ordering::SeqCst);
    // SAFETY: `start` stored a `Main` here before this vCPU ran.
    let main = unsafe { core::mem::transmute::<usize, Main>(MAIN[index].load(Ordering::SeqCst)) };
    main(index);
    psci::psci(function::CPU_OFF, [0; 3]);
    panic!("CPU_OFF returned on vCPU {index}");
}
