//! From an address that a guest touched to a device and an offset in it.

use alloc::vec::Vec;
use core::fmt;

use crate::address::{Ipa, Range};

/// Where one VM's devices are. `D` names a device of the VM; it is copied out, never called.
///
/// A VM has a handful of devices: they are looked at in the order in which they were put there.
#[derive(Clone, Debug)]
pub struct Bus<D> {
    windows: Vec<Window<D>>,
}

#[derive(Clone, Copy, Debug)]
struct Window<D> {
    range: Range<Ipa>,
    device: D,
}

/// Two devices claim the same address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overlap {
    /// The range that was to be added.
    pub added: Range<Ipa>,
    /// The range that was there before.
    pub present: Range<Ipa>,
}

impl fmt::Display for Overlap {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "device range {} overlaps {}", self.added, self.present)
    }
}

impl<D> Default for Bus<D> {
    fn default() -> Self {
        Self { windows: Vec::new() }
    }
}

impl<D: Copy> Bus<D> {
    /// Puts `device` at `range`.
    ///
    /// # Errors
    ///
    /// The first range on the bus that shares an address with `range`.
    pub fn insert(&mut self, range: Range<Ipa>, device: D) -> Result<(), Overlap> {
        if let Some(window) = self.windows.iter().find(|window| window.range.overlaps(&range)) {
            return Err(Overlap { added: range, present: window.range });
        }
        self.windows.push(Window { range, device });
        Ok(())
    }

    /// The device that answers an access of `size` bytes (1, 2, 4 or 8) at `address`, and the offset of
    /// `address` in it, in bytes. `None` if any byte of the access lies outside the device: on the hardware
    /// nobody would answer, so the guest takes an external abort.
    #[inline(always)]
    pub fn find(&self, address: Ipa, size: u8) -> Option<(D, u64)> {
        let mut windows = self.windows.as_slice();
        while let [window, rest @ ..] = windows {
            if let Some(offset) = window.range.offset_of(address, size.into()) {
                return Some((window.device, offset));
            }
            windows = rest;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(start: u64, size: u64) -> Range<Ipa> {
        Range::<Ipa>::new(Ipa::new(start), size).unwrap()
    }

    fn bus() -> Bus<char> {
        let mut bus = Bus::default();
        bus.insert(range(0x0a00_0000, 0x200), 'v').unwrap();
        bus.insert(range(0x0900_0000, 0x1000), 'u').unwrap();
        bus.insert(range(0x0901_0000, 0x1000), 'r').unwrap();
        bus
    }

    #[test]
    fn an_access_finds_its_device_and_offset() {
        let bus = bus();
        assert_eq!(bus.find(Ipa::new(0x0900_0000), 4), Some(('u', 0)));
        assert_eq!(bus.find(Ipa::new(0x0900_0fff), 1), Some(('u', 0xfff)));
        assert_eq!(bus.find(Ipa::new(0x0901_0018), 4), Some(('r', 0x18)));
        assert_eq!(bus.find(Ipa::new(0x0a00_01f8), 8), Some(('v', 0x1f8)));
    }

    #[test]
    fn an_access_that_no_device_covers_whole_finds_none() {
        let bus = bus();
        for (address, size) in
            [(0, 4), (0x08ff_ffff, 2), (0x0900_1000, 1), (0x0900_0ffd, 4), (0x0a00_0200, 1), (u64::MAX, 8)]
        {
            assert_eq!(bus.find(Ipa::new(address), size), None, "{address:#x}");
        }
    }

    #[test]
    fn an_overlap_is_refused_with_both_ranges() {
        let mut bus = bus();
        let added = range(0x0900_0800, 0x1_0000);
        let overlap = bus.insert(added, 'x').unwrap_err();
        assert_eq!(overlap, Overlap { added, present: range(0x0900_0000, 0x1000) });
        assert_eq!(
            alloc::string::ToString::to_string(&overlap),
            "device range 0x9000800..=0x90107ff overlaps 0x9000000..=0x9000fff"
        );
    }
}
