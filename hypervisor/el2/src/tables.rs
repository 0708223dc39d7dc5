//! Memory for translation tables: fixed pools in the image, one for EL2's own stage 1 and one for the stage 2 of all
//! guests. Tables hold whatever was there until they are taken.

use bulkhead_vmm::address::Pa;
use bulkhead_vmm::platform::TableMemory;
use core::sync::atomic::{AtomicU64, Ordering};

/// Descriptors in a table.
pub const ENTRIES: usize = 512;
/// Tables for the stage 2 of all guests. A guest takes one, and one more for each GiB and each 2 MiB that is
/// not mapped whole: 5 for the ordinary machine with its RAM in 2 MiB blocks.
const STAGE2_TABLES: usize = 48;

/// One table. Atomics, because the hardware walks it while it is written; only relaxed loads and stores are
/// used, which need no exclusive monitor and so work with the MMU off.
#[repr(C, align(4096))]
pub struct Table([AtomicU64; ENTRIES]);

impl Table {
    /// A table for a pool.
    pub const fn unused() -> Self {
        Self([const { AtomicU64::new(0) }; ENTRIES])
    }

    /// Makes it a table without a valid descriptor. Only for whoever has taken it: nothing leads to it yet.
    pub fn clear(&self) {
        // SAFETY: atomics may be written through a shared reference, and nobody else reads them.
        unsafe { core::ptr::write_bytes(self.0.as_ptr().cast_mut(), 0, ENTRIES) };
    }

    /// The descriptor at `index`.
    pub fn get(&self, index: usize) -> u64 {
        self.0[index].load(Ordering::Relaxed)
    }

    /// Writes the descriptor at `index`. The caller makes it visible to the walkers.
    pub fn set(&self, index: usize, descriptor: u64) {
        self.0[index].store(descriptor, Ordering::Relaxed);
    }

    /// Its address: EL2 maps its image where it is loaded.
    pub fn address(&self) -> u64 {
        core::ptr::from_ref(self) as u64
    }
}

#[unsafe(link_section = ".unzeroed")]
static STAGE2: [Table; STAGE2_TABLES] = [const { Table::unused() }; STAGE2_TABLES];

/// Which tables of the stage-2 pool are in use.
pub struct Stage2Tables {
    used: [bool; STAGE2_TABLES],
}

impl Stage2Tables {
    /// The whole pool, unused.
    pub const fn new() -> Self {
        Self { used: [false; STAGE2_TABLES] }
    }

    /// Tables in use.
    pub fn in_use(&self) -> usize {
        self.used.iter().filter(|used| **used).count()
    }

    fn index(table: Pa) -> usize {
        let offset = table.get() - STAGE2[0].address();
        usize::try_from(offset).expect("a table's offset fits") / size_of::<Table>()
    }
}

impl TableMemory for Stage2Tables {
    fn allocate(&mut self) -> Option<Pa> {
        let free = self.used.iter().position(|used| !used)?;
        self.used[free] = true;
        STAGE2[free].clear();
        Some(Pa::new(STAGE2[free].address()))
    }

    fn free(&mut self, table: Pa) {
        let index = Self::index(table);
        assert!(self.used[index], "a table is freed once");
        self.used[index] = false;
    }

    fn read(&self, table: Pa, index: usize) -> u64 {
        STAGE2[Self::index(table)].get(index)
    }

    fn write(&mut self, table: Pa, index: usize, descriptor: u64) {
        STAGE2[Self::index(table)].set(index, descriptor);
        // Walks are inner-shareable write-back cacheable (VTCR_EL2), so a barrier is all that they need.
        aarch64_cpu::asm::barrier::dsb(aarch64_cpu::asm::barrier::ISHST);
    }
}
