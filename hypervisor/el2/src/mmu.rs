//! Stage 1 at EL2: the image where it is loaded with W^X, devices as they are found, and per core a window on
//! guest memory. Nothing else is mapped (Arm ARM DDI 0487 D8.2; 4 KiB granule, 48 bits, level 0 first).

use crate::boot::image;
use crate::tables::Table;
use crate::{cpu, sysreg};
use bulkhead_vmm::address::PAGE_SIZE;
use core::sync::atomic::{AtomicUsize, Ordering};

/// Tables for EL2's own translation: the image, a window for each core, the tree and devices. Of those GICv3's may take one
/// for each 16 cores that the board has, used or not.
const TABLES: usize = 20 + crate::CORES;
#[unsafe(link_section = ".unzeroed")]
static POOL: [Table; TABLES] = [const { Table::unused() }; TABLES];
/// The first table is the root. Only the boot core takes tables, so loads and stores suffice (there is no
/// exclusive monitor while the MMU is off).
static USED: AtomicUsize = AtomicUsize::new(0);

/// MAIR: 0 is Device-nGnRE, 1 is Normal Write-Back.
const MAIR: u64 = 0xff04;
const VALID: u64 = 1;
const TABLE_OR_PAGE: u64 = 1 << 1;
const NORMAL: u64 = 1 << 2;
const READ_ONLY: u64 = 1 << 7;
const INNER_SHAREABLE: u64 = 0b11 << 8;
const ACCESS_FLAG: u64 = 1 << 10;
/// XN. (At EL1, where we only print a sentence, the same bit is UXN.)
const EXECUTE_NEVER: u64 = 1 << 54;
const ADDRESS: u64 = 0x0000_ffff_ffff_f000;

/// What EL2 may do with a mapping.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Read and execute.
    Code,
    /// Read.
    ReadOnly,
    /// Read and write.
    Data,
    /// Read and write, Device-nGnRE.
    Device,
}

impl Kind {
    const fn attributes(self) -> u64 {
        match self {
            Self::Code => NORMAL | READ_ONLY | INNER_SHAREABLE,
            Self::ReadOnly => NORMAL | READ_ONLY | INNER_SHAREABLE | EXECUTE_NEVER,
            Self::Data => NORMAL | INNER_SHAREABLE | EXECUTE_NEVER,
            Self::Device => EXECUTE_NEVER,
        }
    }
}

fn index(address: u64, level: u32) -> usize {
    (address >> (12 + 9 * (3 - level)) & 0x1ff) as usize
}

/// A table of the pool that nobody has. Without one the board's tree is refused: it has registers at too many places.
fn take_table() -> &'static Table {
    let next = USED.load(Ordering::Relaxed);
    if next == TABLES {
        crate::refuse_tree(format_args!("registers lie at more places than EL2 has tables to map"));
    }
    USED.store(next + 1, Ordering::Relaxed);
    let table = &POOL[next];
    // While the caches are off lines that are dirty still would be written over the table later.
    cpu::clean_and_invalidate(table.address(), PAGE_SIZE);
    table.clear();
    table
}

/// The level-3 table for `address`, made if need be.
pub fn last_table(address: u64) -> &'static Table {
    let mut table = &POOL[0];
    for level in 0..3 {
        let slot = index(address, level);
        if table.get(slot) & VALID == 0 {
            table.set(slot, take_table().address() | TABLE_OR_PAGE | VALID);
        }
        let next = (table.get(slot) & ADDRESS) - POOL[0].address();
        table = &POOL[next as usize / size_of::<Table>()];
    }
    table
}

/// The descriptor of one page.
pub fn page(physical: u64, kind: Kind) -> u64 {
    physical & ADDRESS | kind.attributes() | ACCESS_FLAG | TABLE_OR_PAGE | VALID
}

/// Maps every page that `start` to `start + size` touches at its own address. A page that is mapped already
/// stays as it is: device frames may share a page. Only for the boot core.
pub fn map(start: u64, size: u64, kind: Kind) {
    write_pages(start, size, Some(kind));
    cpu::synchronize();
}

/// Takes away every page from `start` to `start + size`. Only for the boot core.
pub fn unmap(start: u64, size: u64) {
    write_pages(start, size, None);
    invalidate_all();
}

/// Maps pages as `kind` says, or takes them away.
fn write_pages(start: u64, size: u64, kind: Option<Kind>) {
    let mut address = start & !(PAGE_SIZE - 1);
    let mut table = last_table(address);
    while address < start + size {
        let slot = index(address, 3);
        if slot == 0 {
            table = last_table(address);
        }
        match kind {
            None => table.set(slot, 0),
            Some(kind) if table.get(slot) & VALID == 0 => table.set(slot, page(address, kind)),
            Some(_) => {}
        }
        address += PAGE_SIZE;
    }
}

/// Forgets every translation of our own, on all cores: EL2's, or EL1's where we were entered there.
fn invalidate_all() {
    // SAFETY: dropping cached translations changes nothing but where the next walk is made.
    unsafe {
        if cpu::is_at_el2() {
            core::arch::asm!("dsb ishst", "tlbi alle2is", "dsb ish", "isb", options(nostack, preserves_flags));
        } else {
            core::arch::asm!("dsb ishst", "tlbi vmalle1is", "dsb ish", "isb", options(nostack, preserves_flags));
        }
    }
}

/// Forgets every translation of EL2, on this core.
pub fn invalidate_here() {
    // SAFETY: dropping cached translations changes nothing but where the next walk is made.
    unsafe {
        core::arch::asm!("dsb nshst", "tlbi alle2", "dsb nsh", "isb", options(nostack, preserves_flags));
    }
}

/// Maps the image by its parts, and leaves a hole under each stack: the first that takes a table.
pub fn map_image() {
    take_table();
    let layout = image::layout();
    map(layout.start, layout.rodata - layout.start, Kind::Code);
    map(layout.rodata, layout.data - layout.rodata, Kind::ReadOnly);
    map(layout.data, layout.end - layout.data, Kind::Data);
    for guard in crate::boot::stack_guards() {
        last_table(guard).set(index(guard, 3), 0);
    }
}

/// What a core's translation registers hold.
pub struct Registers {
    mair: u64,
    tcr: u64,
    ttbr0: u64,
    sctlr: u64,
}

/// TCR: 48-bit addresses, write-back inner-shareable walks, 4 KiB granule.
const TCR_COMMON: u64 = 16 | 0b01 << 8 | 0b01 << 10 | 0b11 << 12;
/// SCTLR: MMU, data and instruction caches, stack alignment, writable is never executable.
const SCTLR_COMMON: u64 = 1 | 1 << 2 | 1 << 3 | 1 << 12 | 1 << 19;

impl Registers {
    /// For EL2 (Arm ARM DDI 0487 D19.2.139, D19.2.121: RES1 bits included).
    pub fn for_el2() -> Self {
        let tcr = TCR_COMMON | cpu::physical_address_field() << 16 | 1 << 23 | 1 << 31;
        Self { mair: MAIR, tcr, ttbr0: POOL[0].address(), sctlr: SCTLR_COMMON | 0x30c5_0830 }
    }

    /// The values in the order in which entry.s loads them.
    pub fn in_order(&self) -> [u64; 4] {
        [self.mair, self.tcr, self.ttbr0, self.sctlr]
    }

    /// For EL1, where we only say that we should have been entered at EL2. EPD1: no upper half.
    pub fn for_el1() -> Self {
        let tcr = TCR_COMMON | cpu::physical_address_field() << 32 | 1 << 23;
        Self { mair: MAIR, tcr, ttbr0: POOL[0].address(), sctlr: SCTLR_COMMON | 0x30d0_0800 }
    }
}

/// Turns the MMU and the caches on, at EL2.
///
/// # Safety
/// The tables must map the image where it is loaded, with [`map_image`].
pub unsafe fn enable_el2(registers: &Registers) {
    sysreg::write!("mair_el2", registers.mair);
    sysreg::write!("tcr_el2", registers.tcr);
    sysreg::write!("ttbr0_el2", registers.ttbr0);
    // SAFETY: by the caller's promise the next instruction is mapped where it is now.
    unsafe {
        core::arch::asm!("dsb sy", "isb", "tlbi alle2", "dsb sy", "isb", "msr sctlr_el2, {}", "isb",
            in(reg) registers.sctlr, options(nostack, preserves_flags));
    }
}

/// Turns the MMU and the caches on, at EL1.
///
/// # Safety
/// As for [`enable_el2`].
pub unsafe fn enable_el1(registers: &Registers) {
    sysreg::write!("mair_el1", registers.mair);
    sysreg::write!("tcr_el1", registers.tcr);
    sysreg::write!("ttbr0_el1", registers.ttbr0);
    // SAFETY: by the caller's promise the next instruction is mapped where it is now.
    unsafe {
        core::arch::asm!("dsb sy", "isb", "tlbi vmalle1", "dsb sy", "isb", "msr sctlr_el1, {}", "isb",
            in(reg) registers.sctlr, options(nostack, preserves_flags));
    }
}
