//! A core's window on guest memory: the only way EL2 reaches it. Pages are mapped for one operation.

use crate::boot::image;
use crate::mmu::{self, Kind};
use crate::tables::Table;
use crate::{CORES, cpu};
use bulkhead_vmm::address::{PAGE_SIZE, Pa, Range};

/// Where the windows lie: 2 MiB for each core, in a part of the address space that no board uses for memory
/// or devices (level-0 index 255 of 512).
const BASE: u64 = 255 << 39;
const STRIDE: u64 = 2 << 20;
/// Pages that each half of a window shows: 1 MiB.
const PAGES: usize = 256;
/// Bytes that each half of a window shows at once, whatever the alignment of what it shows.
const SPAN: u64 = (PAGES as u64 - 1) * PAGE_SIZE;

/// One core's window, in two halves: 0 for what is written, 1 for what is read.
pub struct Window {
    table: &'static Table,
    base: u64,
    /// Pages that each half shows.
    shown: [usize; 2],
}

impl Window {
    /// The window of the core with index `core`. Only for the boot core, which owns the tables above.
    pub fn new(core: usize) -> Self {
        assert!(core < CORES, "core {core} has a window");
        let base = BASE + core as u64 * STRIDE;
        Self { table: mmu::last_table(base), base, shown: [0; 2] }
    }

    /// Shows `memory`, at most [`SPAN`] bytes, in `half`, 0 or 1, and nothing else; gives its virtual address.
    fn show(&mut self, half: usize, memory: Range<Pa>, kind: Kind) -> u64 {
        let own = image::layout();
        let own = Range::<Pa>::new(Pa::new(own.start), own.end - own.start).expect("the image has a size");
        assert!(!own.overlaps(&memory), "no guest memory overlaps the hypervisor");
        let offset = memory.start().get() % PAGE_SIZE;
        let pages = (offset + memory.size()).div_ceil(PAGE_SIZE) as usize;
        assert!(pages <= PAGES, "a window shows {PAGES} pages");
        let (mut descriptor, first) = (mmu::page(memory.start().get(), kind), half * PAGES);
        for page in first..first + pages {
            self.table.set(page, descriptor);
            descriptor += PAGE_SIZE;
        }
        self.shown[half] = pages;
        cpu::synchronize();
        self.base + first as u64 * PAGE_SIZE + offset
    }

    /// Shows nothing any more. Only this core uses the window, so only its TLB matters: what another may have
    /// fetched speculatively is never used.
    fn hide(&mut self) {
        for half in 0..2 {
            let first = half * PAGES;
            (first..first + self.shown[half]).for_each(|page| self.table.set(page, 0));
        }
        self.shown = [0; 2];
        mmu::invalidate_here();
    }

    /// Zeroes `memory` and cleans it to the point of coherency; returns how many bytes: not all if an interrupt is
    /// pending.
    pub fn zero(&mut self, memory: Range<Pa>) -> u64 {
        self.each_piece(memory, |window, piece| {
            let start = window.show(0, piece, Kind::Data);
            // SAFETY: the window shows exactly these bytes of guest memory, of which Rust holds no reference.
            unsafe { cpu::zero_and_clean(start, piece.size()) };
        })
    }

    /// Copies `source` to `destination` and cleans it there to the point of coherency; returns as [`Self::zero`].
    pub fn copy(&mut self, destination: Pa, source: Range<Pa>) -> u64 {
        self.each_piece(source, |window, piece| {
            let done = piece.start().get() - source.start().get();
            let target = range(destination.get() + done, piece.size());
            let from = window.show(1, piece, Kind::ReadOnly);
            let to = window.show(0, target, Kind::Data);
            // SAFETY: both halves of the window show exactly these bytes, of which Rust holds no reference, and
            // the halves are different pages.
            unsafe { core::ptr::copy(from as *const u8, to as *mut u8, piece.size() as usize) };
            cpu::clean_and_invalidate(to, piece.size());
        })
    }

    /// Does `work` on `memory`, as much as a window can show at a time, until an interrupt is pending; the bytes done.
    fn each_piece(&mut self, memory: Range<Pa>, work: impl Fn(&mut Self, Range<Pa>)) -> u64 {
        let mut done = 0;
        while done < memory.size() {
            let piece = range(memory.start().get() + done, (memory.size() - done).min(SPAN));
            work(self, piece);
            self.hide();
            done += piece.size();
            if cpu::is_interrupted() {
                break;
            }
        }
        done
    }

    /// Copies `bytes` to `destination` and cleans them there to the point of coherency.
    pub fn write(&mut self, destination: Pa, bytes: &[u8]) {
        for (index, part) in bytes.chunks(SPAN as usize).enumerate() {
            let size = part.len() as u64;
            let to = self.show(0, range(destination.get() + index as u64 * SPAN, size), Kind::Data);
            // SAFETY: the window shows exactly these bytes of guest memory, apart from `bytes`.
            unsafe { core::ptr::copy_nonoverlapping(part.as_ptr(), to as *mut u8, part.len()) };
            cpu::clean_and_invalidate(to, size);
            self.hide();
        }
    }

    /// Copies memory from `source` into `bytes`.
    pub fn read(&mut self, source: Pa, bytes: &mut [u8]) {
        for (index, part) in bytes.chunks_mut(SPAN as usize).enumerate() {
            let size = part.len() as u64;
            let from = self.show(1, range(source.get() + index as u64 * SPAN, size), Kind::ReadOnly);
            // The owner may have written with its caches off: read what is in memory.
            cpu::clean_and_invalidate(from, size);
            // SAFETY: the window shows exactly these bytes of guest memory, apart from `bytes`.
            unsafe { core::ptr::copy_nonoverlapping(from as *const u8, part.as_mut_ptr(), part.len()) };
            self.hide();
        }
    }
}

fn range(start: u64, size: u64) -> Range<Pa> {
    Range::<Pa>::new(Pa::new(start), size).expect("the caller's range is not empty and does not wrap")
}
