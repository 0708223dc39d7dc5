//! The machine's RAM, by pages, and who was given which part of it.

use bulkhead_vmm::address::{PAGE_SIZE, Pa, Range};
use std::collections::BTreeMap;

/// The first address of RAM.
pub const RAM_BASE: u64 = 0x8000_0000;
/// Bytes of RAM.
pub const RAM_SIZE: u64 = 0x1000_0000;
/// Modules lie here, a [`MODULE_SPACE`] each.
pub const MODULES: u64 = RAM_BASE;
/// Bytes between two modules.
pub const MODULE_SPACE: u64 = 0x1_0000;
/// Memory for guests begins here.
const FREE: u64 = RAM_BASE + 0x200_0000;
/// What memory holds that nobody has written: not zero.
const GARBAGE: u8 = 0xa5;

#[derive(Debug)]
enum Page {
    Zero,
    Data(Box<[u8; PAGE_SIZE as usize]>),
}

/// RAM. What was never written reads as garbage.
#[derive(Debug)]
pub struct Memory {
    pages: BTreeMap<u64, Page>,
    next_free: u64,
    allocated: Vec<Range<Pa>>,
}

/// Whether `address` is in RAM.
pub fn is_ram(address: u64) -> bool {
    (RAM_BASE..RAM_BASE + RAM_SIZE).contains(&address)
}

impl Memory {
    pub fn new() -> Self {
        Self { pages: BTreeMap::new(), next_free: FREE, allocated: Vec::new() }
    }

    /// Reads `bytes.len()` bytes.
    pub fn read(&self, address: u64, bytes: &mut [u8]) {
        for (at, place) in (address..).zip(bytes) {
            assert!(is_ram(at), "a read from {at:#x}, which is no RAM");
            *place = match self.pages.get(&(at / PAGE_SIZE)) {
                None => GARBAGE,
                Some(Page::Zero) => 0,
                Some(Page::Data(data)) => data[(at % PAGE_SIZE) as usize],
            };
        }
    }

    /// Writes `bytes`.
    pub fn write(&mut self, address: u64, bytes: &[u8]) {
        for (at, byte) in (address..).zip(bytes) {
            assert!(is_ram(at), "a write to {at:#x}, which is no RAM");
            let page = self.pages.entry(at / PAGE_SIZE);
            let page = page.or_insert_with(|| Page::Data(Box::new([GARBAGE; PAGE_SIZE as usize])));
            if matches!(page, Page::Zero) {
                *page = Page::Data(Box::new([0; PAGE_SIZE as usize]));
            }
            if let Page::Data(data) = page {
                data[(at % PAGE_SIZE) as usize] = *byte;
            }
        }
    }

    /// Zeroes whole pages.
    pub fn zero(&mut self, range: Range<Pa>) {
        assert!(range.start().is_aligned(PAGE_SIZE) && range.size().is_multiple_of(PAGE_SIZE), "{range}");
        let first = range.start().get() / PAGE_SIZE;
        for page in first..first + range.size() / PAGE_SIZE {
            assert!(is_ram(page * PAGE_SIZE), "{range} is not all RAM");
            self.pages.insert(page, Page::Zero);
        }
    }

    /// Whether every byte of these whole pages is zero.
    pub fn is_zero(&self, range: Range<Pa>) -> bool {
        let first = range.start().get() / PAGE_SIZE;
        (first..first + range.size() / PAGE_SIZE).all(|page| match self.pages.get(&page) {
            None => false,
            Some(Page::Zero) => true,
            Some(Page::Data(data)) => data.iter().all(|byte| *byte == 0),
        })
    }

    /// Gives `size` bytes in naturally aligned pieces, largest first. Two pieces never touch, so that whoever
    /// takes them for one is found out.
    pub fn allocate(&mut self, size: u64) -> Option<Vec<Range<Pa>>> {
        let mut pieces = Vec::new();
        let mut left = size;
        while left > 0 {
            let piece = 1 << left.ilog2();
            let start = self.next_free.next_multiple_of(piece);
            self.next_free = start + piece + PAGE_SIZE;
            if !is_ram(start + piece - 1) {
                return None;
            }
            pieces.push(Range::<Pa>::new(Pa::new(start), piece)?);
            left -= piece;
        }
        self.allocated.extend(&pieces);
        Some(pieces)
    }

    /// Takes memory back.
    pub fn free(&mut self, pieces: &[Range<Pa>]) {
        for piece in pieces {
            let index = self.allocated.iter().position(|other| other == piece);
            self.allocated.swap_remove(index.expect("what is freed was allocated"));
        }
    }
}
