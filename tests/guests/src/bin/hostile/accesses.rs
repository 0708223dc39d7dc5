//! Accesses and jumps to where nothing is, and scribbling over the interrupt controller.

use core::arch::asm;

use bulkhead_guests::Machine;
use bulkhead_guests::machine::Controller;
use bulkhead_guests::memory::{read8, read16, read32, read64, write8, write32, write64};
use bulkhead_guests::random::Random;
use bulkhead_guests::trap;

const BLOCK: usize = 2 << 20;
const PAGE: usize = 4096;
const GIB: usize = 1 << 30;
/// End of the addresses whose blocks are tried one by one: as far as 36 bits reach, the least that a core implements here.
const REACH: usize = 64 * GIB;
/// Natively devices of QEMU's are everywhere below RAM; here and above RAM nothing is.
const NATIVE_HOLE: usize = 0x0b00_0000;

/// Touches a page: each 2 MiB block of the first 16 GiB and each 4 KiB page of the first GiB comes equally often, and
/// sometimes any address at all.
pub fn page(random: &mut Random, machine: &Machine) -> bool {
    let misaligned = if random.below(8) == 0 { random.below(8) as usize } else { 0 };
    let address = (address(random, machine) & !7) + misaligned;
    let value = random.nasty();
    let form = random.below(8);
    trap::probe(|| match form {
        0 => drop_value(read8(address)),
        1 => drop_value(read16(address)),
        2 => drop_value(read32(address)),
        3 => drop_value(read64(address)),
        4 => write8(address, value as u8),
        5 => write32(address, value as u32),
        6 => write64(address, value),
        _ => load_pair(address),
    })
    .is_some()
}

/// Reads and writes at the start of each page where nothing is, in the first GiB and, a page of each 2 MiB block, beyond
/// it: how many there are, and at how many both accesses trapped.
pub fn every_page(machine: &Machine) -> (u64, u64) {
    let (mut pages, mut trapped) = (0, 0);
    let near = (0..GIB).step_by(PAGE);
    let far = (GIB..REACH).step_by(BLOCK);
    for page in near.chain(far).filter(|&page| is_nothing(page, machine)) {
        let read = trap::probe(|| drop_value(read32(page))).is_some();
        let write = trap::probe(|| write32(page, 0)).is_some();
        pages += 1;
        trapped += u64::from(read && write);
    }
    (pages, trapped)
}

fn drop_value<T>(_: T) {}

/// A load pair with write-back has no syndrome.
fn load_pair(address: usize) {
    // SAFETY: reads of memory or of nothing.
    unsafe { asm!("ldp {}, {}, [{}], #16", out(reg) _, out(reg) _, inout(reg) address => _, options(nostack)) };
}

/// An address outside RAM and outside the devices of the tree.
fn address(random: &mut Random, machine: &Machine) -> usize {
    loop {
        let address = match random.below(5) {
            0 | 1 => random.below(16 * (GIB / BLOCK) as u64) as usize * BLOCK + random.below(BLOCK as u64) as usize,
            2 | 3 => random.below((GIB / PAGE) as u64) as usize * PAGE + random.below(PAGE as u64) as usize,
            _ => random.nasty() as usize,
        };
        if is_nothing(address & !7, machine) {
            return address;
        }
    }
}

fn is_nothing(address: usize, machine: &Machine) -> bool {
    let page = address & !(PAGE - 1);
    let ram = machine.memory.iter().any(|bank| page < bank.end() && bank.start < page.saturating_add(2 * PAGE));
    if machine.arguments.flag("native") {
        let top = machine.memory.iter().map(|bank| bank.end()).max().unwrap_or(0);
        return (NATIVE_HOLE..NATIVE_HOLE + 0x0100_0000 - PAGE).contains(&page)
            || (top..256 * GIB - PAGE).contains(&page);
    }
    !ram && page != machine.uart && !in_controller(page, machine)
}

fn in_controller(page: usize, machine: &Machine) -> bool {
    let frames = match machine.controller {
        Controller::V2 { distributor, cpu_interface } => [(distributor, 0x1_0000), (cpu_interface, 0x1_0000)],
        Controller::V3 { distributor, redistributors } => [(distributor, 0x1_0000), (redistributors, 0xf6_0000)],
    };
    frames.iter().any(|&(start, length)| (start..start + length).contains(&page))
}

/// Jumps to nothing, or into RAM that is still zero.
pub fn jump(random: &mut Random, machine: &Machine) -> bool {
    let tree = machine.tree.start & !(PAGE - 1)..machine.tree.end();
    let empty = machine.memory[0].end() - PAGE * (1 + random.below(16) as usize);
    let empty = if tree.contains(&empty) { tree.start - PAGE } else { empty };
    let target = if random.below(3) == 0 { empty } else { address(random, machine) };
    trap::probe(|| {
        // SAFETY: the fetch or the undefined instruction traps, and the probe returns to the instruction after the branch.
        unsafe { asm!("blr {}", in(reg) target, clobber_abi("C")) };
    })
    .is_some()
}

/// Writes or reads a random register of the interrupt controller with a random width.
pub fn controller(random: &mut Random, machine: &Machine) -> bool {
    let (distributor, second) = match machine.controller {
        Controller::V2 { distributor, cpu_interface } => (distributor, cpu_interface),
        Controller::V3 { distributor, redistributors } => (distributor, redistributors),
    };
    let base = if random.below(2) == 0 { distributor } else { second };
    let reach = if random.below(2) == 0 { 0x1000 } else { 0x1_0000 };
    let address = (base + random.below(reach) as usize) & !3;
    let value = random.nasty();
    let form = random.below(6);
    trap::probe(|| match form {
        0 => drop_value(read8(address)),
        1 => drop_value(read32(address)),
        2 => drop_value(read64(address & !7)),
        3 => write8(address, value as u8),
        4 => write64(address & !7, value),
        _ => write32(address, value as u32),
    })
    .is_some()
}
