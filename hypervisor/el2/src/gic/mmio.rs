//! Registers in memory.

use crate::mmu::{self, Kind};
use crate::{device, refuse_tree, vectors};
use bulkhead_vmm::address::{Pa, Range};
use core::ptr::with_exposed_provenance_mut;

/// The registers of one frame of the interrupt controller.
#[derive(Clone, Copy)]
pub struct Frame {
    base: u64,
    size: u64,
}

impl Frame {
    /// Maps `range`, which starts with a register that may be read, as a device, for good. Only for the first core. The
    /// board's tree is refused if nothing answers there.
    pub fn map(range: &Range<Pa>) {
        let base = range.start().get();
        mmu::map(base, range.size(), Kind::Device);
        if !vectors::can_be_read(base) {
            refuse_tree(format_args!("no interrupt controller answers at {base:#x}"));
        }
    }

    /// The frame at `range`, which [`Self::map`] mapped.
    pub fn at(range: &Range<Pa>) -> Self {
        Self { base: range.start().get(), size: range.size() }
    }

    /// The frame that starts `offset` bytes into this one.
    pub fn part(&self, offset: u64, size: u64) -> Self {
        assert!(offset + size <= self.size, "the part lies in the frame");
        Self { base: self.base + offset, size }
    }

    /// The 32-bit register at `offset`.
    pub fn read(&self, offset: u64) -> u32 {
        debug_assert!(offset + 4 <= self.size);
        // SAFETY: the frame is mapped as a device for good, and the offset lies in it.
        unsafe { device::load32(self.base + offset) }
    }

    /// Writes the 32-bit register at `offset`.
    pub fn write(&self, offset: u64, value: u32) {
        debug_assert!(offset + 4 <= self.size);
        // SAFETY: as for `read`; no register of an interrupt controller changes memory (no LPIs are enabled).
        unsafe { with_exposed_provenance_mut::<u32>((self.base + offset) as usize).write_volatile(value) }
    }

    /// The 64-bit register at `offset`.
    pub fn read64(&self, offset: u64) -> u64 {
        debug_assert!(offset + 8 <= self.size);
        // SAFETY: as for `read`.
        unsafe { device::load64(self.base + offset) }
    }

    /// Writes the 64-bit register at `offset`.
    pub fn write64(&self, offset: u64, value: u64) {
        debug_assert!(offset + 8 <= self.size);
        // SAFETY: as for `write`.
        unsafe { with_exposed_provenance_mut::<u64>((self.base + offset) as usize).write_volatile(value) }
    }

    /// Writes the byte at `offset`.
    pub fn write8(&self, offset: u64, value: u8) {
        debug_assert!(offset < self.size);
        // SAFETY: as for `write`.
        unsafe { with_exposed_provenance_mut::<u8>((self.base + offset) as usize).write_volatile(value) }
    }

    /// The byte at `offset`.
    pub fn read8(&self, offset: u64) -> u8 {
        debug_assert!(offset < self.size);
        // SAFETY: as for `read`.
        unsafe { device::load8(self.base + offset) }
    }
}

/// Distributor registers that GICv2 and GICv3 share, by offset (IHI 0048 4.1.2, IHI 0069 12.8).
pub mod gicd {
    pub const CTLR: u64 = 0x000;
    pub const TYPER: u64 = 0x004;
    pub const IGROUPR: u64 = 0x080;
    pub const ISENABLER: u64 = 0x100;
    pub const ICENABLER: u64 = 0x180;
    pub const ICPENDR: u64 = 0x280;
    pub const ISACTIVER: u64 = 0x300;
    pub const ICACTIVER: u64 = 0x380;
    pub const IPRIORITYR: u64 = 0x400;
    pub const ITARGETSR: u64 = 0x800;
    pub const ICFGR: u64 = 0xc00;
    pub const SGIR: u64 = 0xf00;
    pub const IROUTER: u64 = 0x6000;
}

/// Sets the trigger of `intid` in the ICFGR registers of `frame`.
pub fn configure_trigger(frame: &Frame, intid: u32, edge: bool) {
    let offset = gicd::ICFGR + u64::from(intid / 16) * 4;
    let bit = 1 << (intid % 16 * 2 + 1);
    let old = frame.read(offset);
    frame.write(offset, if edge { old | bit } else { old & !bit });
}

/// Switches off and clears everything about the interrupts `first` to `first + 31`, and gives them a priority.
pub fn quieten(frame: &Frame, first: u32, priority: u8) {
    let word = u64::from(first / 32) * 4;
    for register in &[gicd::ICENABLER, gicd::ICPENDR, gicd::ICACTIVER] {
        frame.write(register + word, u32::MAX);
    }
    let priorities = u32::from_ne_bytes([priority; 4]);
    (0..8).for_each(|index| frame.write(gicd::IPRIORITYR + u64::from(first) + index * 4, priorities));
}

/// Sets a bit of interrupt `intid` in a set or clear register of `frame`.
pub fn set_bit(frame: &Frame, register: u64, intid: u32) {
    frame.write(register + u64::from(intid / 32) * 4, 1 << (intid % 32));
}
