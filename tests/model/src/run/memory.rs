//! The machine's RAM, by pages, and who was given which part of it.

use bulkhead_vmm::address::{PAGE_SIZE, Pa, Range as PaRange};
use std::collections::BTreeMap;
use std::ops::Range;

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
    allocated: Vec<PaRange<Pa>>,
}

/// Whether `address` is in RAM.
pub fn is_ram(address: u64) -> bool {
    (RAM_BASE..RAM_BASE + RAM_SIZE).contains(&address)
}

/// The pages that `size` bytes from `address` on lie in: each page's number, the offset within it, and the part of
/// the bytes that is there.
fn pages(address: u64, size: usize) -> impl Iterator<Item = (u64, usize, Range<usize>)> {
    let mut done = 0;
    core::iter::from_fn(move || {
        let at = address + done as u64;
        let within = (at % PAGE_SIZE) as usize;
        let length = (size - done).min(PAGE_SIZE as usize - within);
        assert!(length == 0 || is_ram(at), "an access to {at:#x}, which is no RAM");
        done += length;
        (length > 0).then_some((at / PAGE_SIZE, within, done - length..done))
    })
}

impl Memory {
    pub fn new() -> Self {
        Self { pages: BTreeMap::new(), next_free: FREE, allocated: Vec::new() }
    }

    /// Reads `bytes.len()` bytes.
    pub fn read(&self, address: u64, bytes: &mut [u8]) {
        for (page, within, part) in pages(address, bytes.len()) {
            let part = &mut bytes[part];
            match self.pages.get(&page) {
                None => part.fill(GARBAGE),
                Some(Page::Zero) => part.fill(0),
                Some(Page::Data(data)) => part.copy_from_slice(&data[within..within + part.len()]),
            }
        }
    }

    /// Writes `bytes`.
    pub fn write(&mut self, address: u64, bytes: &[u8]) {
        for (page, within, part) in pages(address, bytes.len()) {
            let data = self.data(page);
            data[within..within + part.len()].copy_from_slice(&bytes[part]);
        }
    }

    /// The bytes of a page that is about to be written.
    fn data(&mut self, page: u64) -> &mut [u8; PAGE_SIZE as usize] {
        let page = self.pages.entry(page).or_insert_with(|| Page::Data(Box::new([GARBAGE; PAGE_SIZE as usize])));
        if matches!(page, Page::Zero) {
            *page = Page::Data(Box::new([0; PAGE_SIZE as usize]));
        }
        match page {
            Page::Data(data) => data,
            Page::Zero => unreachable!("it was just filled"),
        }
    }

    /// Zeroes whole pages.
    pub fn zero(&mut self, range: PaRange<Pa>) {
        assert!(range.start().is_aligned(PAGE_SIZE) && range.size().is_multiple_of(PAGE_SIZE), "{range}");
        let first = range.start().get() / PAGE_SIZE;
        for page in first..first + range.size() / PAGE_SIZE {
            assert!(is_ram(page * PAGE_SIZE), "{range} is not all RAM");
            self.pages.insert(page, Page::Zero);
        }
    }

    /// Whether every byte of these whole pages is zero.
    pub fn is_zero(&self, range: PaRange<Pa>) -> bool {
        let first = range.start().get() / PAGE_SIZE;
        (first..first + range.size() / PAGE_SIZE).all(|page| match self.pages.get(&page) {
            None => false,
            Some(Page::Zero) => true,
            Some(Page::Data(data)) => data.iter().all(|byte| *byte == 0),
        })
    }

    /// Gives `size` bytes in naturally aligned pieces, largest first. Two pieces never touch, so that whoever
    /// takes them for one is found out.
    pub fn allocate(&mut self, size: u64) -> Option<Vec<PaRange<Pa>>> {
        let mut pieces = Vec::new();
        let mut left = size;
        while left > 0 {
            let piece = 1 << left.ilog2();
            let start = self.next_free.next_multiple_of(piece);
            self.next_free = start + piece + PAGE_SIZE;
            if !is_ram(start + piece - 1) {
                return None;
            }
            pieces.push(PaRange::<Pa>::new(Pa::new(start), piece)?);
            left -= piece;
        }
        self.allocated.extend(&pieces);
        Some(pieces)
    }

    /// Takes memory back.
    pub fn free(&mut self, pieces: &[PaRange<Pa>]) {
        for piece in pieces {
            let index = self.allocated.iter().position(|other| other == piece);
            self.allocated.swap_remove(index.expect("what is freed was allocated"));
        }
    }
}
