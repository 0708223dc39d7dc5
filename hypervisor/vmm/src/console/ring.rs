//! A bounded queue of bytes.

use alloc::vec;
use alloc::vec::Vec;

/// A queue of bytes in a buffer whose size, a power of two, never changes.
#[derive(Clone, Debug)]
pub(super) struct Ring {
    bytes: Vec<u8>,
    read: usize,
    length: usize,
}

impl Ring {
    /// An empty ring for at least `capacity` bytes.
    pub fn new(capacity: usize) -> Self {
        Self { bytes: vec![0; capacity.next_power_of_two()], read: 0, length: 0 }
    }

    /// Bytes in the ring.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Bytes that can be pushed before the ring is full.
    pub fn free(&self) -> usize {
        self.bytes.len() - self.length
    }

    /// Adds `byte` at the end; false if the ring is full.
    pub fn push(&mut self, byte: u8) -> bool {
        if self.free() == 0 {
            return false;
        }
        let index = self.wrap(self.read + self.length);
        let Some(place) = self.bytes.get_mut(index) else { return false };
        *place = byte;
        self.length += 1;
        true
    }

    /// Adds `byte` at the end, in place of the oldest if the ring is full.
    pub fn push_over(&mut self, byte: u8) {
        if self.free() == 0 {
            self.pop();
        }
        self.push(byte);
    }

    /// Takes the oldest byte.
    pub fn pop(&mut self) -> Option<u8> {
        if self.length == 0 {
            return None;
        }
        let byte = self.bytes.get(self.read).copied();
        self.read = self.wrap(self.read + 1);
        self.length -= 1;
        byte
    }

    /// The bytes, oldest first.
    pub fn to_vec(&self) -> Vec<u8> {
        let (before, behind) = self.bytes.split_at_checked(self.read).unwrap_or_default();
        let mut bytes = behind.to_vec();
        bytes.extend_from_slice(before);
        bytes.truncate(self.length);
        bytes
    }

    fn wrap(&self, index: usize) -> usize {
        index & (self.bytes.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_leave_in_the_order_they_came() {
        let mut ring = Ring::new(3);
        for round in 0..5 {
            assert!((0..4).all(|byte| ring.push(round * 4 + byte)));
            assert!(!ring.push(99) && ring.free() == 0);
            assert_eq!(ring.to_vec().len(), 4);
            assert!((0..4).all(|byte| ring.pop() == Some(round * 4 + byte)));
            assert_eq!(ring.pop(), None);
            ring.push(7);
            ring.pop();
        }
    }

    #[test]
    fn pushing_over_keeps_the_newest() {
        let mut ring = Ring::new(4);
        (0..10).for_each(|byte| ring.push_over(byte));
        assert_eq!(ring.to_vec(), [6, 7, 8, 9]);
    }
}
