//! Physical interrupts behind virtual ones. el2 acknowledges a physical interrupt and drops its priority; it then
//! stays active, and so silent, until the guest has ended the virtual one, which the hardware passes on.

use super::Vgic;
use crate::bits::bits;
use crate::vcpu::{VcpuId, VcpuSet};

impl Vgic {
    /// Ties interrupt `intid`, private to `vcpu` or shared, to the physical interrupt `physical` (below 1020).
    /// One that is restored pending or active takes the physical one along.
    pub fn link_hardware(&mut self, vcpu: VcpuId, intid: u32, physical: u32) {
        let (index, position) = self.locate(vcpu, intid);
        let Some(bank) = self.banks.get_mut(index) else { return };
        let bit = 1 << position;
        if let (Some(place), Ok(physical)) = (bank.physical.get_mut(position as usize), u16::try_from(physical)) {
            *place = physical;
            bank.lives.link(bit);
        }
        self.touched(index, bit);
    }

    /// The physical interrupt that `intid` of `vcpu` is linked to was acknowledged: it is active now, its
    /// priority dropped. Returns whom to kick: nobody, if the interrupt is private to a `vcpu` that is out of the
    /// guest.
    pub fn raise_hardware(&mut self, vcpu: VcpuId, intid: u32) -> VcpuSet {
        let (index, position) = self.locate(vcpu, intid);
        let Some(bank) = self.banks.get_mut(index) else { return VcpuSet::EMPTY };
        let linked = bank.lives.hold(1 << position);
        self.touched(index, linked);
        self.take_kicks()
    }

    /// The line behind a linked level interrupt was seen to be high, or low. If it went low before the guest acknowledged
    /// the interrupt, the physical one is then among those of [`Self::take_released`]. Returns whom to kick.
    pub fn follow_hardware(&mut self, vcpu: VcpuId, intid: u32, high: bool) -> VcpuSet {
        let (index, position) = self.locate(vcpu, intid);
        if let Some(bank) = self.banks.get_mut(index) {
            bank.lives.look_behind(1 << position, high);
        }
        if !high {
            self.set_line(index, position, false);
        }
        self.take_kicks()
    }

    /// The physical interrupts that are active on behalf of private ones of `vcpu`: their active bits belong set
    /// on the core that the vCPU is loaded on, and cleared when it is parked.
    pub fn hardware_active(&self, vcpu: VcpuId) -> impl Iterator<Item = u32> {
        let bank = self.banks.get(vcpu.index());
        let held = bits(bank.map_or(0, |bank| bank.lives.held()));
        held.filter_map(move |position| bank?.physical.get(position as usize).map(|physical| u32::from(*physical)))
    }

    /// Whether there are any [`Self::hardware_active`].
    #[inline(always)]
    pub fn holds_hardware(&self, vcpu: VcpuId) -> bool {
        self.banks.get(vcpu.index()).is_some_and(|bank| bank.lives.held() != 0)
    }

    /// Whether some vCPU has something to take by [`Self::take_released`].
    #[inline(always)]
    pub const fn has_released(&self) -> bool {
        self.released != 0
    }

    /// A physical interrupt to deactivate, because the guest will not: it lost its pending state, or was made
    /// inactive, by a register. To be asked for before `vcpu` enters, on its core, until there is none.
    pub fn take_released(&mut self, vcpu: VcpuId) -> Option<u32> {
        let banks = self.released & self.banks_of(vcpu);
        if banks == 0 {
            return None;
        }
        let index = banks.trailing_zeros();
        let bank = self.banks.get_mut(index as usize)?;
        let position = bank.lives.take_released();
        if bank.lives.released() == 0 {
            self.released &= !(1 << index);
        }
        bank.physical.get(position as usize).map(|physical| u32::from(*physical))
    }
}
