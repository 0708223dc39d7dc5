//! Addresses: newtypes, so that an intermediate physical address is never taken for a physical one.

use core::fmt;
use core::num::NonZeroU64;

/// Bytes in a page, the smallest unit of translation (4 KiB granule).
pub const PAGE_SIZE: u64 = 4096;

macro_rules! address {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        #[repr(transparent)]
        pub struct $name(u64);

        impl $name {
            /// The address with the value `address`, in bytes.
            pub const fn new(address: u64) -> Self {
                Self(address)
            }

            /// The value, in bytes.
            pub const fn get(self) -> u64 {
                self.0
            }

            /// The address `bytes` further on; `None` past the end of the 64-bit space.
            pub const fn checked_add(self, bytes: u64) -> Option<Self> {
                match self.0.checked_add(bytes) {
                    Some(address) => Some(Self(address)),
                    None => None,
                }
            }

            /// Bytes from `base` up to this address; `None` if it lies below `base`.
            pub const fn offset_from(self, base: Self) -> Option<u64> {
                self.0.checked_sub(base.0)
            }

            /// Whether the address is a multiple of `alignment`, a power of two.
            pub const fn is_aligned(self, alignment: u64) -> bool {
                self.0 & (alignment - 1) == 0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, concat!(stringify!($name), "({:#x})"), self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, "{:#x}", self.0)
            }
        }
    };
}

address!(
    /// An intermediate physical address: what a guest takes for a physical one.
    Ipa
);
address!(
    /// A physical address of the machine.
    Pa
);

/// A range of addresses of the kind `A`. Never empty, and its end does not wrap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Range<A> {
    start: A,
    size: NonZeroU64,
}

macro_rules! range {
    ($kind:ident) => {
        impl Range<$kind> {
            /// The range of `size` bytes from `start`; `None` if it is empty or its last byte lies past the
            /// end of the 64-bit space.
            pub const fn new(start: $kind, size: u64) -> Option<Self> {
                match NonZeroU64::new(size) {
                    Some(size) if start.get().checked_add(size.get() - 1).is_some() => Some(Self { start, size }),
                    _ => None,
                }
            }

            /// The first address.
            pub const fn start(&self) -> $kind {
                self.start
            }

            /// Bytes in the range, at least 1.
            pub const fn size(&self) -> u64 {
                self.size.get()
            }

            /// The last address in the range.
            pub const fn last(&self) -> $kind {
                $kind::new(self.start.get() + (self.size.get() - 1))
            }

            /// Whether `address` lies in the range.
            pub const fn contains(&self, address: $kind) -> bool {
                self.start.get() <= address.get() && address.get() <= self.last().get()
            }

            /// Whether the whole of `other` lies in the range.
            pub const fn contains_range(&self, other: &Self) -> bool {
                self.contains(other.start) && self.contains(other.last())
            }

            /// How far `address` lies in the range, in bytes, if the `size` bytes from there do.
            pub const fn offset_of(&self, address: $kind, size: u64) -> Option<u64> {
                let offset = address.get().wrapping_sub(self.start.get());
                if offset < self.size() && size <= self.size() - offset { Some(offset) } else { None }
            }

            /// Whether the two ranges share an address.
            pub const fn overlaps(&self, other: &Self) -> bool {
                self.start.get() <= other.last().get() && other.start.get() <= self.last().get()
            }
        }

        impl fmt::Display for Range<$kind> {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, "{:#x}..={:#x}", self.start.get(), self.last().get())
            }
        }
    };
}

range!(Ipa);
range!(Pa);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_never_wraps_and_is_never_empty() {
        assert!(Range::<Pa>::new(Pa::new(0), 0).is_none());
        assert!(Range::<Pa>::new(Pa::new(u64::MAX), 2).is_none());
        let top = Range::<Pa>::new(Pa::new(u64::MAX), 1).unwrap();
        assert_eq!(top.last(), Pa::new(u64::MAX));
    }

    #[test]
    fn neighbours_do_not_overlap() {
        let low = Range::<Ipa>::new(Ipa::new(0x1000), 0x1000).unwrap();
        let high = Range::<Ipa>::new(Ipa::new(0x2000), 0x1000).unwrap();
        assert!(!low.overlaps(&high) && !high.overlaps(&low));
        assert!(low.contains(Ipa::new(0x1fff)) && !low.contains(Ipa::new(0x2000)));
    }
}
