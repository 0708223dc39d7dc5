//! The machine that a guest sees: where its devices are.

use super::vm::GuestGic;
use crate::address::{Ipa, Range};
use crate::vcpu::VcpuId;

/// Bytes that one vCPU's redistributor takes: RD_base and SGI_base, 64 KiB each (GICv3 IHI 0069 12.10).
pub const REDISTRIBUTOR_SIZE: u64 = 0x2_0000;
/// RAM starts at a multiple of this, so that stage 2 can use large blocks and kernels can be placed.
pub const RAM_ALIGNMENT: u64 = 2 << 20;
/// A guest's RAM and devices end by this address: the 39 bits that one root table of stage 2 covers
/// ([`crate::stage2::Geometry`]), and every Armv8-A core which we support translates.
pub const ADDRESS_LIMIT: u64 = 1 << 39;

/// Names of devices, for messages.
const DISTRIBUTOR: &str = "the GIC's distributor";
const UART: &str = "the PL011";

/// Where a guest's RAM and devices are. The default is the map of QEMU's `virt` board.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MachineLayout {
    /// First address of RAM, a multiple of [`RAM_ALIGNMENT`].
    pub ram_base: Ipa,
    /// The GIC's distributor.
    pub distributor: Range<Ipa>,
    /// GICv2: the CPU interface, two 4 KiB pages.
    pub cpu_interface: Range<Ipa>,
    /// GICv3: the first vCPU's redistributor; the others follow, [`REDISTRIBUTOR_SIZE`] apart.
    pub redistributors: Ipa,
    /// The PL011.
    pub uart: Range<Ipa>,
    /// The PL011's INTID, an SPI, level-triggered.
    pub uart_intid: u32,
    /// INTID of the virtual timer (CNTV), a PPI.
    pub virtual_timer_intid: u32,
    /// INTID of the physical timer (CNTP), a PPI.
    pub physical_timer_intid: u32,
}

/// The range of `size` bytes at `start`. Only for constants: a bad one is an error of compilation.
#[allow(clippy::panic, reason = "evaluated at compile time")]
const fn fixed(start: u64, size: u64) -> Range<Ipa> {
    match Range::<Ipa>::new(Ipa::new(start), size) {
        Some(range) => range,
        None => panic!("a range that wraps or is empty"),
    }
}

impl MachineLayout {
    /// The map of QEMU's `virt` board.
    pub const VIRT: Self = Self {
        ram_base: Ipa::new(0x4000_0000),
        distributor: fixed(0x0800_0000, 0x1_0000),
        cpu_interface: fixed(0x0801_0000, 0x2000),
        redistributors: Ipa::new(0x080a_0000),
        uart: fixed(0x0900_0000, 0x1000),
        uart_intid: 33,
        virtual_timer_intid: 27,
        physical_timer_intid: 30,
    };

    /// The redistributors of `vcpus` vCPUs; `None` if there are none, or they lie out of the address space.
    pub const fn redistributor_range(&self, vcpus: usize) -> Option<Range<Ipa>> {
        match (vcpus as u64).checked_mul(REDISTRIBUTOR_SIZE) {
            Some(size) => Range::<Ipa>::new(self.redistributors, size),
            None => None,
        }
    }

    /// RAM of `size` bytes; `None` if there is none, or it does not end by [`ADDRESS_LIMIT`].
    pub fn ram(&self, size: u64) -> Option<Range<Ipa>> {
        Range::<Ipa>::new(self.ram_base, size).filter(|ram| ram.last().get() < ADDRESS_LIMIT)
    }

    /// The device that `ram` overlaps, by name, however many vCPUs a guest with a GIC of version `gic` has.
    pub fn overlapped(&self, ram: &Range<Ipa>, gic: GuestGic) -> Option<&'static str> {
        let (name, second) = self.second_part(gic);
        if self.distributor.overlaps(ram) {
            Some(DISTRIBUTOR)
        } else if second.is_none_or(|second| second.overlaps(ram)) {
            Some(name)
        } else {
            self.uart.overlaps(ram).then_some(UART)
        }
    }

    /// What of the GIC is not its distributor, by name. `None`: it is out of the address space.
    const fn second_part(&self, gic: GuestGic) -> (&'static str, Option<Range<Ipa>>) {
        match gic {
            GuestGic::V2 => ("the GIC's CPU interface", Some(self.cpu_interface)),
            GuestGic::V3 => ("the GIC's redistributors", self.redistributor_range(VcpuId::MAXIMUM as usize)),
        }
    }

    /// Two of its devices that overlap, by name; the UART only counts if there is a `console`.
    #[cfg(feature = "devices")]
    pub(super) fn clash(&self, gic: GuestGic, console: bool) -> Option<(&'static str, &'static str)> {
        let (name, second) = self.second_part(gic);
        let Some(second) = second.filter(|second| !second.overlaps(&self.distributor)) else {
            return Some((DISTRIBUTOR, name));
        };
        let hit =
            [(DISTRIBUTOR, self.distributor), (name, second)].into_iter().find(|(_, part)| part.overlaps(&self.uart));
        hit.filter(|_| console).map(|(name, _)| (name, UART))
    }

    /// The `size` bytes of a device at `start`; `None` if they do not end by [`ADDRESS_LIMIT`].
    #[cfg(feature = "devices")]
    pub(super) fn device(start: Ipa, size: u64) -> Option<Range<Ipa>> {
        Range::<Ipa>::new(start, size).filter(|range| range.last().get() < ADDRESS_LIMIT)
    }
}

impl Default for MachineLayout {
    fn default() -> Self {
        Self::VIRT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_layout_has_no_overlaps_with_any_number_of_vcpus() {
        let layout = MachineLayout::VIRT;
        let redistributors = layout.redistributor_range(VcpuId::MAXIMUM.into()).unwrap();
        let ram = layout.ram(ADDRESS_LIMIT - layout.ram_base.get()).unwrap();
        let all = [layout.distributor, layout.cpu_interface, redistributors, layout.uart, ram];
        for (index, range) in all.iter().enumerate() {
            assert!(all.iter().skip(index + 1).all(|other| !other.overlaps(range)), "{range}");
        }
    }

    #[test]
    fn ram_over_a_device_is_named() {
        let low = MachineLayout { ram_base: Ipa::new(0), ..MachineLayout::VIRT };
        for gic in [GuestGic::V2, GuestGic::V3] {
            assert_eq!(low.overlapped(&low.ram(0x0800_0000).unwrap(), gic), None);
            assert_eq!(low.overlapped(&low.ram(0x0800_0001).unwrap(), gic), Some("the GIC's distributor"));
        }
        assert!(low.ram(ADDRESS_LIMIT + 1).is_none());
    }
}
