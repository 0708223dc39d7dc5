//! A VM's RAM: one range of guest addresses, behind which lie pieces of the machine's memory.

use crate::address::{Ipa, Pa, Range};
use crate::platform::Platform;
use alloc::vec::Vec;

/// The RAM of one VM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Memory {
    guest: Range<Ipa>,
    pieces: Vec<Range<Pa>>,
}

impl Memory {
    /// RAM from `base` on, made of `pieces` in this order. `None` if there is no piece, or the sum wraps.
    pub fn new(base: Ipa, pieces: Vec<Range<Pa>>) -> Option<Self> {
        let size = pieces.iter().try_fold(0_u64, |sum, piece| sum.checked_add(piece.size()))?;
        Some(Self { guest: Range::<Ipa>::new(base, size)?, pieces })
    }

    /// The guest's addresses.
    pub fn guest(&self) -> Range<Ipa> {
        self.guest
    }

    /// The machine's memory, in the guest's order.
    pub fn pieces(&self) -> &[Range<Pa>] {
        &self.pieces
    }

    /// Whether the guest has RAM at `address`.
    pub fn contains(&self, address: Ipa) -> bool {
        self.guest.contains(address)
    }

    /// Each piece with the guest address at which it begins.
    pub fn mapped(&self) -> impl Iterator<Item = (Ipa, Range<Pa>)> {
        let mut next = self.guest.start().get();
        self.pieces.iter().map(move |piece| {
            let guest = Ipa::new(next);
            next = next.wrapping_add(piece.size());
            (guest, *piece)
        })
    }

    /// The machine's memory from the guest address `start` on, at most `most` bytes and only as far as it lies in
    /// one piece. `None` outside of RAM.
    pub fn contiguous(&self, start: Ipa, most: u64) -> Option<Range<Pa>> {
        let (guest, piece) = self
            .mapped()
            .find(|(guest, piece)| start.offset_from(*guest).is_some_and(|offset| offset < piece.size()))?;
        let offset = start.offset_from(guest)?;
        Range::<Pa>::new(piece.start().checked_add(offset)?, most.min(piece.size() - offset))
    }
}

/// Writes `bytes` to `ram` at `address`; what lies outside of it is left out.
pub(super) fn write<P: Platform>(platform: &mut P, ram: &Memory, address: Ipa, bytes: &[u8]) {
    let (mut address, mut bytes) = (address, bytes);
    while let Some(piece) = ram.contiguous(address, bytes.len() as u64) {
        let (now, later) = bytes.split_at(usize::try_from(piece.size()).unwrap_or(bytes.len()).min(bytes.len()));
        platform.write_memory(piece.start(), now);
        let Some(next) = address.checked_add(piece.size()) else { return };
        (address, bytes) = (next, later);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(start: u64, size: u64) -> Range<Pa> {
        Range::<Pa>::new(Pa::new(start), size).unwrap()
    }

    #[test]
    fn pieces_stand_one_after_the_other() {
        let memory =
            Memory::new(Ipa::new(0x4000_0000), alloc::vec![piece(0x8000, 0x2000), piece(0x1000, 0x1000)]).unwrap();
        assert_eq!(memory.guest().size(), 0x3000);
        assert_eq!(memory.contiguous(Ipa::new(0x4000_1000), 0x5000), Some(piece(0x9000, 0x1000)));
        assert_eq!(memory.contiguous(Ipa::new(0x4000_2010), 0x10), Some(piece(0x1010, 0x10)));
        assert_eq!(memory.contiguous(Ipa::new(0x4000_3000), 1), None);
        assert_eq!(memory.contiguous(Ipa::new(0x3fff_ffff), 1), None);
    }
}
