//! Names of virtual CPUs and sets of them.

use crate::bits::bits;
use core::fmt;

/// Affinity level 0 holds at most this many vCPUs, because the target list of `ICC_SGI1R_EL1` has 16 bits
/// (GICv3 IHI 0069 12.2.18).
const PER_CLUSTER: u8 = 16;

/// A vCPU's index within its VM, below [`VcpuId::MAXIMUM`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VcpuId(u8);

impl VcpuId {
    /// The most vCPUs that one VM can have.
    pub const MAXIMUM: u8 = 32;

    /// The vCPU with index `index`; `None` at [`Self::MAXIMUM`] and above.
    pub const fn new(index: u8) -> Option<Self> {
        if index < Self::MAXIMUM { Some(Self(index)) } else { None }
    }

    /// The vCPU whose index is the remainder of `number` by [`Self::MAXIMUM`]: that of a `number` that is one.
    pub(crate) const fn wrapping(number: u8) -> Self {
        Self(number % Self::MAXIMUM)
    }

    /// The boot vCPU, which every VM has.
    pub const BOOT: Self = Self(0);

    /// The index, below [`Self::MAXIMUM`].
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// The index as a number.
    pub const fn number(self) -> u8 {
        self.0
    }

    /// The affinity fields Aff2.Aff1.Aff0 of the vCPU's MPIDR_EL1, in bits 23:0 (Arm ARM DDI 0487 D19.2.110).
    pub const fn affinity(self) -> u64 {
        ((self.0 / PER_CLUSTER) as u64) << 8 | (self.0 % PER_CLUSTER) as u64
    }

    /// What ICC_SGI1R_EL1 holds, beside the INTID, to name this vCPU alone: Aff1, TargetList (GICv3 IHI 0069 12.2.18).
    pub const fn sgi_target(self) -> u64 {
        ((self.0 / PER_CLUSTER) as u64) << 16 | 1 << (self.0 % PER_CLUSTER)
    }

    /// The vCPU that has the affinity Aff3.Aff2.Aff1.Aff0 in bits 39:32 and 23:0 of `mpidr`, the other bits
    /// of which are ignored; `None` if no vCPU can have it.
    pub fn from_affinity(mpidr: u64) -> Option<Self> {
        let [aff0, aff1, aff2, _, aff3, ..] = mpidr.to_le_bytes();
        if aff3 != 0 || aff2 != 0 || aff0 >= PER_CLUSTER {
            return None;
        }
        Self::new(aff1.checked_mul(PER_CLUSTER)?.checked_add(aff0)?)
    }
}

impl fmt::Display for VcpuId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "vcpu{}", usize::from(self.0))
    }
}

/// A set of vCPUs of one VM.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VcpuSet(u32);

impl VcpuSet {
    /// The set without members.
    pub const EMPTY: Self = Self(0);

    /// The vCPUs with indices below `count`; all that can exist if `count` is larger.
    pub const fn first(count: usize) -> Self {
        if count >= VcpuId::MAXIMUM as usize { Self(u32::MAX) } else { Self((1 << count) - 1) }
    }

    /// The set whose only member is `vcpu`.
    pub const fn only(vcpu: VcpuId) -> Self {
        Self(1 << vcpu.0)
    }

    /// Adds `vcpu`.
    pub const fn insert(&mut self, vcpu: VcpuId) {
        self.0 |= 1 << vcpu.0;
    }

    /// Takes `vcpu` out.
    pub const fn remove(&mut self, vcpu: VcpuId) {
        self.0 &= !(1 << vcpu.0);
    }

    /// Whether `vcpu` is a member.
    pub const fn contains(self, vcpu: VcpuId) -> bool {
        self.0 & 1 << vcpu.0 != 0
    }

    /// Whether there is no member.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Members of either set.
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Members of both sets.
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// The set of the vCPUs whose index is the position of a one in `bits`.
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    /// A one at the index of each member.
    pub const fn to_bits(self) -> u32 {
        self.0
    }

    /// The vCPUs that ICC_SGI1R_EL1 names when it holds `value`: in Aff3, Aff2 and Aff1 the 16 that may be meant, in
    /// TargetList a one for the Aff0 of each that is (GICv3 IHI 0069 12.2.18). None if no vCPU can have that affinity.
    pub const fn of_sgi(value: u64) -> Self {
        // Of Aff1 the lowest bit may be set.
        const NOBODY: u64 = 0xff << 48 | 0xff << 32 | 0xfe << 16;
        if value & NOBODY != 0 {
            return Self::EMPTY;
        }
        let (list, cluster) = ((value & 0xffff) as u32, (value >> 16 & 1) as u32);
        Self(list << (cluster * PER_CLUSTER as u32))
    }

    /// Members of this set that `other` has not.
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The member with the least index.
    pub fn lowest(self) -> Option<VcpuId> {
        self.iter().next()
    }

    /// The members, in ascending order.
    pub fn iter(self) -> impl Iterator<Item = VcpuId> {
        bits(self.0).map(|index| VcpuId(index.to_le_bytes()[0]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_vcpu_is_found_by_its_affinity() {
        for index in 0..VcpuId::MAXIMUM {
            let vcpu = VcpuId::new(index).unwrap();
            assert_eq!(VcpuId::from_affinity(vcpu.affinity() | 1 << 31), Some(vcpu));
        }
        for stray in [16, 0x200, 0x1_0000, 1 << 32] {
            assert_eq!(VcpuId::from_affinity(stray), None, "{stray:#x}");
        }
    }

    #[test]
    fn an_sgi_names_the_vcpus_of_one_cluster() {
        for vcpu in VcpuSet::first(32).iter() {
            assert_eq!(VcpuSet::of_sgi(vcpu.sgi_target() | 0xf << 24 | 0xf << 44), VcpuSet::only(vcpu));
        }
        assert_eq!(VcpuSet::of_sgi(1 << 16 | 0x8003).to_bits(), 0x8003_0000);
        for stray in [2 << 16, 1 << 32, 1 << 48] {
            assert!(VcpuSet::of_sgi(stray | 0xffff).is_empty(), "{stray:#x}");
        }
    }

    #[test]
    fn a_set_lists_its_members_in_order() {
        let mut set = VcpuSet::first(3);
        set.remove(VcpuId::BOOT);
        assert_eq!(set.iter().map(VcpuId::index).collect::<alloc::vec::Vec<_>>(), [1, 2]);
        assert_eq!(VcpuSet::first(99).iter().count(), 32);
    }
}
