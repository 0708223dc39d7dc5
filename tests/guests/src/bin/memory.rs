//! All RAM of the tree: zeroed when the guest gets it, and keeping what is written, with the MMU off and on.
//!
//! Left out are the guest's image, its tree and, natively, the page in which QEMU's own boot code lies.
//! Bootargs: `stride=BYTES` (8) from one word that is looked at to the next, for a RAM that would take long.
#![no_std]
#![no_main]

use bulkhead_guests::machine::Span;
use bulkhead_guests::memory::{clean_and_invalidate, read64, write64};
use bulkhead_guests::{Machine, check, entry, mmu, println};

entry!(main, mmu off);

const PAGE: usize = 4096;
/// Room that the linker script grants a guest's image, in bytes.
const IMAGE: Span = Span { start: 0x4020_0000, length: 0x20_0000 };

fn main(machine: &'static Machine) {
    let stride = machine.arguments.number("stride", 8) as usize;
    let memory = Memory { machine, native: machine.arguments.flag("native") };
    println!("memory: {} MiB", machine.memory.iter().map(|bank| bank.length).sum::<usize>() >> 20);
    memory.expect("zeroed, MMU off", stride, |_| 0);
    memory.write(stride, |address| pattern(address, 1));
    memory.expect("kept, MMU off", stride, |address| pattern(address, 1));
    memory.clean();
    mmu::enable(machine);
    memory.expect("kept when the MMU goes on", stride, |address| pattern(address, 1));
    memory.write(stride, |address| pattern(address, 2));
    memory.expect("kept, MMU on", stride, |address| pattern(address, 2));
    memory.clean();
    mmu::disable();
    memory.expect("kept when the MMU goes off", stride, |address| pattern(address, 2));
}

/// A word that differs from that of every other address and round.
fn pattern(address: usize, round: u64) -> u64 {
    (address as u64 ^ round << 56).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

struct Memory {
    machine: &'static Machine,
    native: bool,
}

impl Memory {
    /// Calls `body` with every page that is tested.
    fn pages(&self, mut body: impl FnMut(usize)) {
        for bank in &self.machine.memory {
            (bank.start..bank.end()).step_by(PAGE).filter(|&page| self.tested(page)).for_each(&mut body);
        }
    }

    fn tested(&self, page: usize) -> bool {
        let within = |span: &Span| (span.start & !(PAGE - 1)..span.end()).contains(&page);
        let boot_code = self.native && page == self.machine.memory[0].start;
        !within(&IMAGE) && !within(&self.machine.tree) && !boot_code
    }

    fn write(&self, stride: usize, word: impl Fn(usize) -> u64) {
        self.pages(|page| (page..page + PAGE).step_by(stride).for_each(|address| write64(address, word(address))));
    }

    fn expect(&self, name: &str, stride: usize, word: impl Fn(usize) -> u64) {
        let (mut wrong, mut first, mut words) = (0_u64, 0, 0_u64);
        self.pages(|page| {
            for address in (page..page + PAGE).step_by(stride) {
                words += 1;
                if read64(address) != word(address) {
                    first = if wrong == 0 { address } else { first };
                    wrong += 1;
                }
            }
        });
        if wrong == 0 && words > 0 {
            check::passed(name);
        } else {
            check::failed(
                name,
                format_args!("expected {words} words right got {wrong} wrong, the first at {first:#x}"),
            );
        }
    }

    /// Writes cached lines back and drops them, so that both views of memory agree.
    fn clean(&self) {
        self.pages(|page| clean_and_invalidate(page, PAGE));
    }
}
