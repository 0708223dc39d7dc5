//! Plays firmware that leaves things untidy: it runs at EL2 and enters an image that lies elsewhere in memory.
//!
//! Bootargs: `entry=ADDRESS` of the image; `file=LENGTH` of its file; `tree=` what x0 holds: `own` (the tree that this got), `none` (0), `absent` (an
//! address behind all RAM), `misaligned` (one between words), `beyond` (one that no core can form),
//! `image` (within the image), `garbage` (RAM full of
//! nonsense from `seed=N`), `magic` (a copy with another first word), `truncated` (a copy cut to half, its header saying the whole), `damaged` (a copy with some
//! bytes changed, from `seed=N`), `no-uart` (a copy in which no PL011 is found), `absent-gic` and
//! `absent-uart` (copies in which those registers lie where nothing answers); `hcr=VALUE` for HCR_EL2; `registers`
//! fills the others with nonsense instead of zeroes, and with it what the image takes of memory behind its file.
#![no_std]
#![no_main]

use core::arch::asm;

use bulkhead_guests::memory::{read8, write8};
use bulkhead_guests::random::Random;
use bulkhead_guests::{Machine, cpu, entry, println};

entry!(main, mmu off);

/// Where copies of the tree go, in bytes: clear of this image, of images that it enters and of QEMU's tree.
const SCRATCH: usize = 0x4080_0000;

fn main(machine: &'static Machine) {
    if cpu::exception_level() != 2 {
        println!("firmware: this is EL{}, not EL2", cpu::exception_level());
        return;
    }
    let entry = machine.arguments.number("entry", 0);
    let tree = tree(machine);
    let nonsense: u64 = if machine.arguments.flag("registers") { 0xdead_beef_dead_beef } else { 0 };
    if nonsense != 0 {
        fill_behind(entry as usize, machine.arguments.number("file", 0) as usize);
    }
    println!("firmware: entering {entry:#x} with x0 = {tree:#x}");
    // SAFETY: what comes next owns the machine; nothing returns here.
    unsafe {
        asm!(
            "msr hcr_el2, {hcr}",
            "isb",
            "mov x2, x1",
            "mov x3, x1",
            "br {entry}",
            hcr = in(reg) machine.arguments.number("hcr", 0),
            entry = in(reg) entry,
            in("x0") tree,
            in("x1") nonsense,
            options(noreturn)
        );
    }
}

/// Fills with nonsense what the image at `image` takes of memory (Linux Documentation/arch/arm64/booting.rst) behind the
/// `file` bytes that were loaded.
fn fill_behind(image: usize, file: usize) {
    const IMAGE_SIZE: usize = 16;
    let size = (0..8).fold(0, |size, byte| size | usize::from(read8(image + IMAGE_SIZE + byte)) << (8 * byte));
    (file..size).for_each(|offset| write8(image + offset, 0xa5));
}

fn tree(machine: &Machine) -> usize {
    let length = machine.tree.length;
    match machine.arguments.text("tree").unwrap_or("own") {
        "own" => machine.tree.start,
        "none" => 0,
        "absent" => machine.memory.iter().map(|bank| bank.end()).max().expect("there is RAM"),
        "misaligned" => machine.tree.start + 4,
        "beyond" => 1 << 63,
        "image" => machine.arguments.number("entry", 0) as usize + 0x1000,
        "garbage" => {
            garbage(machine);
            SCRATCH
        }
        "magic" => {
            copy(machine, length);
            write8(SCRATCH, 0);
            SCRATCH
        }
        "truncated" => {
            copy(machine, used(machine) / 2);
            SCRATCH
        }
        "damaged" => {
            copy(machine, length);
            damage(machine);
            SCRATCH
        }
        "no-uart" => {
            copy(machine, length);
            hide_uart(machine);
            SCRATCH
        }
        "absent-gic" => {
            copy(machine, length);
            move_away(machine, [0, 0x0800_0000, 0, 0x1_0000]);
            SCRATCH
        }
        "absent-uart" => {
            copy(machine, length);
            move_away(machine, [0, 0x0900_0000, 0, 0x1000]);
            SCRATCH
        }
        other => panic!("bootargs: tree={other} is not known"),
    }
}

/// As many bytes of nonsense as a tree has.
fn garbage(machine: &Machine) {
    let mut random = Random::new(machine.arguments.number("seed", 1));
    (0..machine.tree.length).for_each(|offset| write8(SCRATCH + offset, random.bits() as u8));
}

fn copy(machine: &Machine, length: usize) {
    (0..length).for_each(|offset| write8(SCRATCH + offset, read8(machine.tree.start + offset)));
}

/// Bytes up to the end of the last block: what a tree takes of what its header claims (Devicetree Specification 0.4 5.2).
fn used(machine: &Machine) -> usize {
    let word =
        |offset: usize| (0..4).fold(0, |word, byte| word << 8 | usize::from(read8(machine.tree.start + offset + byte)));
    (word(8) + word(36)).max(word(12) + word(32))
}

fn damage(machine: &Machine) {
    let mut random = Random::new(machine.arguments.number("seed", 1));
    for _ in 0..=random.below(4) {
        write8(SCRATCH + random.below(used(machine) as u64) as usize, random.bits() as u8);
    }
}

/// Every `arm,pl011` becomes `arm,pl0!!`.
fn hide_uart(machine: &Machine) {
    const NAME: &[u8] = b"arm,pl011";
    for start in SCRATCH..SCRATCH + used(machine) - NAME.len() {
        if NAME.iter().enumerate().all(|(offset, &byte)| read8(start + offset) == byte) {
            write8(start + 7, b'!');
            write8(start + 8, b'!');
        }
    }
}

/// The first registers at `reg`, an address and a size of two cells each, lie 2 GiB further on, where `virt` has nothing.
fn move_away(machine: &Machine, reg: [u32; 4]) {
    let bytes = reg.map(u32::to_be_bytes);
    let is_it = |start: &usize| (0..16).all(|offset| read8(start + offset) == bytes[offset / 4][offset % 4]);
    let start = (SCRATCH..SCRATCH + used(machine) - 16).step_by(4).find(is_it).expect("registers in the tree");
    write8(start + 4, read8(start + 4) | 0x80);
}
