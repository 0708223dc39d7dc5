//! The smallest stage 1 that lets caches work: identity, 1 GiB blocks, RAM Normal write-back, the rest Device.

use core::arch::asm;
use core::cell::UnsafeCell;

use crate::memory::cache_line;
use crate::{Machine, read_register, write_register};

const GIB: usize = 1 << 30;
/// VA size of the table: 512 entries of 1 GiB.
const VA_BITS: u64 = 39;

/// MAIR_EL1: attribute 0 Device-nGnRE, attribute 1 Normal write-back (Arm ARM DDI 0487 D24.2.109).
const MAIR: u64 = 0xff04;
/// Block, attribute 0, access flag, never executed.
const DEVICE: u64 = 1 | 1 << 10 | 1 << 53 | 1 << 54;
/// Block, attribute 1, inner shareable, access flag.
const NORMAL: u64 = 1 | 1 << 2 | 3 << 8 | 1 << 10;
/// Of a block: a branch by a register leads to landing pads only.
const GUARDED: u64 = 1 << 50;
/// Bits of an entry that leads to another table.
const TABLE_DESCRIPTOR: u64 = 3;
/// SCTLR_EL1: M, C and I.
const ON: u64 = 1 | 1 << 2 | 1 << 12;

#[repr(C, align(4096))]
struct Table(UnsafeCell<[u64; 512]>);

// SAFETY: `fill` writes it, on the boot vCPU with its MMU off and before any other vCPU starts, and `with_tables_at`.
unsafe impl Sync for Table {}

static TABLE: Table = Table(UnsafeCell::new([0; 512]));

unsafe extern "C" {
    static _image_start: u8;
    static _image_end: u8;
}

/// Whether this vCPU's MMU is on.
pub fn is_on() -> bool {
    read_register!("sctlr_el1") & 1 != 0
}

/// Builds the table for the RAM of `machine` and turns the MMU and the caches of this vCPU on.
pub fn enable(machine: &Machine) {
    fill(machine);
    enable_here();
}

fn fill(machine: &Machine) {
    // SAFETY: see the `Sync` implementation.
    let table = unsafe { &mut *TABLE.0.get() };
    for (index, entry) in table.iter_mut().enumerate() {
        let block = index * GIB..(index + 1) * GIB;
        let ram = machine.memory.iter().any(|bank| bank.start < block.end && block.start < bank.end());
        *entry = block.start as u64 | if ram { NORMAL } else { DEVICE };
    }
}

/// Turns the MMU and the caches of this vCPU on with the table that [`enable`] built.
pub fn enable_here() {
    let physical_size = (read_register!("id_aa64mmfr0_el1") & 0xf).min(5);
    write_register!("mair_el1", MAIR);
    write_register!("tcr_el1", (64 - VA_BITS) | 1 << 8 | 1 << 10 | 3 << 12 | 1 << 23 | physical_size << 32);
    write_register!("ttbr0_el1", TABLE.0.get() as u64);
    let sctlr = read_register!("sctlr_el1") | ON;
    // SAFETY: the table maps everything to itself. What the vCPU wrote with its cache off is in memory, so stale
    // lines over it are dropped first; the stack is not touched in between.
    unsafe {
        asm!(
            "2: dc ivac, {address}",
            "add {address}, {address}, {line}",
            "cmp {address}, {end}",
            "b.lo 2b",
            "dsb sy",
            "tlbi vmalle1",
            "ic iallu",
            "dsb nsh",
            "isb",
            "msr sctlr_el1, {sctlr}",
            "isb",
            address = inout(reg) start_to_invalidate() => _,
            end = in(reg) &raw const _image_end,
            line = in(reg) cache_line(),
            sctlr = in(reg) sctlr,
        );
    }
}

/// A secondary vCPU shares the image with vCPUs whose lines are live: it invalidates nothing but its last line.
fn start_to_invalidate() -> usize {
    if crate::cpu::index() == 0 {
        &raw const _image_start as usize
    } else {
        &raw const _image_end as usize - cache_line()
    }
}

/// Has the tables of the GiB `index`, which nothing uses, lie at `address` while `body` runs on this vCPU.
pub fn with_tables_at<R>(index: usize, address: usize, body: impl FnOnce() -> R) -> R {
    with_entry(index, address as u64 | TABLE_DESCRIPTOR, body)
}

/// Has the GiB `index`, which nothing uses, be that of RAM at `address` in guarded pages (Arm ARM DDI 0487 D8.3, GP) while
/// `body` runs on this vCPU.
pub fn with_guarded_at<R>(index: usize, address: usize, body: impl FnOnce() -> R) -> R {
    with_entry(index, address as u64 | NORMAL | GUARDED, body)
}

fn with_entry<R>(index: usize, entry: u64, body: impl FnOnce() -> R) -> R {
    let before = replace(index, entry);
    let result = body();
    replace(index, before);
    result
}

/// Writes an entry of the table; what it was.
fn replace(index: usize, entry: u64) -> u64 {
    // SAFETY: one vCPU at a time changes the table, of which nothing refers to that entry.
    let before = unsafe { core::mem::replace(&mut (*TABLE.0.get())[index], entry) };
    // SAFETY: what is cached of the entry is dropped.
    unsafe { asm!("dsb ishst", "tlbi vmalle1is", "dsb ish", "isb", options(nostack)) };
    before
}

/// Turns the MMU and the data cache of this vCPU off again, the image's lines written back.
///
/// # Panics
/// On any vCPU but the boot vCPU.
pub fn disable() {
    assert!(crate::cpu::index() == 0, "only the boot vCPU turns its MMU off");
    let sctlr = read_register!("sctlr_el1") & !ON;
    // SAFETY: the mapping is the identity, and the image is cleaned before anything reads it past the cache.
    unsafe {
        asm!(
            "dsb sy",
            "msr sctlr_el1, {sctlr}",
            "isb",
            "2: dc civac, {address}",
            "add {address}, {address}, {line}",
            "cmp {address}, {end}",
            "b.lo 2b",
            "dsb sy",
            address = inout(reg) &raw const _image_start as usize => _,
            end = in(reg) &raw const _image_end,
            line = in(reg) cache_line(),
            sctlr = in(reg) sctlr,
        );
    }
}
