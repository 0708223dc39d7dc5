//! Translation tables that lie where nothing is: the walk's abort is the access's, and that of an instruction which asks
//! for a translation (AT).

use core::arch::asm;

use bulkhead_guests::memory::read32;
use bulkhead_guests::trap::{self, EXTERNAL_ABORT, Trapped, class};
use bulkhead_guests::{mmu, read_register, section, write_register};

use super::NOTHING;

/// A GiB of addresses that the guest uses for nothing.
const UNUSED: usize = 8;
/// Fault status of an external abort on a walk, without its level (ESR_EL1.ISS.DFSC 0b0101xx).
const ON_WALK: u64 = 0x14;
/// What PAR_EL1 holds of an older translation.
const OLDER: u64 = 0x1234_5000;

/// With the MMU on. Under the hypervisor the abort is told as one of the access: which level of the tables it was at, stage 2
/// does not say.
pub fn check(native: bool) {
    let (load, translation, told) = mmu::with_tables_at(UNUSED, NOTHING, || {
        let load = trap::probe(|| {
            read32(UNUSED << 30);
        });
        write_register!("par_el1", OLDER);
        let translation = trap::probe(translate);
        (load, translation, read_register!("par_el1"))
    });
    let status = if native { ON_WALK } else { EXTERNAL_ABORT };
    let seen = |trapped: Option<Trapped>| trapped.map(|it| (it.class(), it.fault_status() & !3, it.far));
    let expected = Some((class::DATA_ABORT, status, (UNUSED << 30) as u64));
    section::arm("D24.2").equal("load by tables that are nowhere", seen(load), expected);
    section::arm("C5.5").equal("AT S1E1R by tables that are nowhere", seen(translation), expected);
    section::arm("C5.5").equal("it tells of no translation", told, OLDER);
}

fn translate() {
    // SAFETY: it changes PAR_EL1 alone, or traps.
    unsafe { asm!("at s1e1r, {}", "isb", in(reg) UNUSED << 30, options(nostack)) };
}
