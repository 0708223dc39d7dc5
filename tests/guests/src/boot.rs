//! From the Image's entry to the guest's main function, and the two ways out.

use core::panic::PanicInfo;
use core::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use crate::machine::Machine;
use crate::{check, console, machine, mmu, smp};

/// Stack of one vCPU: 1 << 15 bytes.
const STACK_SHIFT: usize = 15;

/// What [`crate::entry!`] fills in.
pub struct Guest {
    /// The guest's main function.
    pub main: fn(&'static Machine),
    /// Whether the runtime turns the MMU and the caches on first.
    pub mmu: bool,
}

unsafe extern "Rust" {
    safe static GUEST: Guest;
}

/// One stack per vCPU. Interior mutability puts it into BSS, where the assembly may write it.
#[repr(C, align(16))]
struct Stacks([[AtomicU8; 1 << STACK_SHIFT]; smp::MAXIMUM]);

#[unsafe(no_mangle)]
static STACKS: Stacks = Stacks([const { [const { AtomicU8::new(0) }; 1 << STACK_SHIFT] }; smp::MAXIMUM]);

core::arch::global_asm!(include_str!("entry.s"), stack_shift = const STACK_SHIFT);

static ENTERED: AtomicU64 = AtomicU64::new(0);

/// The virtual counter at the boot vCPU's first instruction but one.
pub fn entered_at() -> u64 {
    ENTERED.load(Ordering::Relaxed)
}

/// First Rust code of the boot vCPU, which was `entered` at this count; `tree` is the address of the device tree.
#[unsafe(no_mangle)]
extern "C" fn boot_main(tree: usize, entered: u64) -> ! {
    ENTERED.store(entered, Ordering::Relaxed);
    let machine = machine::discover(tree);
    if GUEST.mmu {
        mmu::enable(machine);
    }
    (GUEST.main)(machine);
    check::finish()
}

#[panic_handler]
fn panicked(info: &PanicInfo<'_>) -> ! {
    console::seize();
    crate::println!("guest: panicked: {info}");
    check::end_failed()
}
