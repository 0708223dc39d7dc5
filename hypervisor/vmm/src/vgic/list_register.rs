//! List registers as plain data: what the virtual CPU interface is to show to the guest, and what it made of it.

use super::interrupts::Group;
use crate::bits::bits;
use core::fmt;

/// The most list registers that hardware can have (GICv3 IHI 0069 12.5, ICH_VTR_EL2.ListRegs).
pub const MAXIMUM_LIST_REGISTERS: usize = 16;

/// The state field of a list register.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum ListRegisterState {
    /// Holds no interrupt ("invalid" or "inactive").
    #[default]
    Empty,
    /// Pending.
    Pending,
    /// Active.
    Active,
    /// Pending and active. Never together with `hardware`.
    PendingAndActive,
}

impl ListRegisterState {
    /// The state with these two bits.
    pub const fn new(pending: bool, active: bool) -> Self {
        Self::from_bits(pending as u64 | (active as u64) << 1)
    }

    /// The state that the hardware's two bits say: pending in bit 0, active in bit 1. The others are ignored.
    pub const fn from_bits(bits: u64) -> Self {
        match bits & 3 {
            0 => Self::Empty,
            1 => Self::Pending,
            2 => Self::Active,
            _ => Self::PendingAndActive,
        }
    }

    /// Whether its pending bit is set.
    pub const fn pending(self) -> bool {
        matches!(self, Self::Pending | Self::PendingAndActive)
    }

    /// Whether its active bit is set.
    pub const fn active(self) -> bool {
        matches!(self, Self::Active | Self::PendingAndActive)
    }
}

/// One list register, as `ICH_LR<n>_EL2` has it (GICv3 IHI 0069 12.4.7). GICH_LR of GICv2 (IHI 0048 5.3.11) has the
/// same fields, one of them more: for an SGI, the vCPU that sent it stands in bits 34:32 here.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ListRegister(u64);

impl ListRegister {
    /// A list register without an interrupt.
    pub const EMPTY: Self = Self(0);

    const HARDWARE: u64 = 1 << 61;
    const GROUP_1: u64 = 1 << 60;
    const EOI_MAINTENANCE: u64 = 1 << 41;

    /// Interrupt `intid` (below 1020) as the guest sees it: the hardware changes `state` and no other field;
    /// `priority` with its unimplemented low bits zero.
    pub const fn new(intid: u32, state: ListRegisterState, priority: u8, group: Group) -> Self {
        let group = if group.bit() { Self::GROUP_1 } else { 0 };
        Self(intid as u64 | (state as u64) << 62 | (priority as u64) << 48 | group)
    }

    /// The same, but the guest's deactivation deactivates the interrupt `physical` (below 1020) too. Never for one that
    /// is pending and active.
    pub const fn with_hardware(self, physical: u16) -> Self {
        Self(self.0 | Self::HARDWARE | (physical as u64 & 0x3FF) << 32)
    }

    /// The same for an SGI of GICv2, which the vCPU with the index `source` (below 8) sent. Without hardware.
    pub const fn with_source(self, source: u8) -> Self {
        Self(self.0 | (source as u64 & 7) << 32)
    }

    /// The same, asking for a maintenance interrupt when the guest has ended it. Without hardware.
    pub const fn with_eoi_maintenance(self) -> Self {
        Self(self.0 | Self::EOI_MAINTENANCE)
    }

    /// As `ICH_LR<n>_EL2`.
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// The INTID that the guest sees.
    pub const fn intid(self) -> u32 {
        (self.0 & 0xFFFF_FFFF) as u32
    }

    /// Its state.
    pub const fn state(self) -> ListRegisterState {
        ListRegisterState::from_bits(self.0 >> 62)
    }

    /// Notes what the hardware made of its state.
    pub const fn set_state(&mut self, state: ListRegisterState) {
        self.0 = self.0 << 2 >> 2 | (state as u64) << 62;
    }

    /// Its priority.
    pub const fn priority(self) -> u8 {
        (self.0 >> 48 & 0xFF) as u8
    }

    /// Its group.
    pub const fn group(self) -> Group {
        Group::from_bit(self.0 & Self::GROUP_1 != 0)
    }

    /// The physical INTID that the guest's deactivation deactivates too.
    pub const fn hardware(self) -> Option<u32> {
        if self.0 & Self::HARDWARE != 0 { Some((self.0 >> 32 & 0x3FF) as u32) } else { None }
    }

    /// For an SGI of GICv2, the vCPU that sent it; 0 otherwise.
    pub const fn source(self) -> u8 {
        if self.0 & Self::HARDWARE != 0 { 0 } else { (self.0 >> 32 & 7) as u8 }
    }

    /// Whether it asks for a maintenance interrupt when the guest has ended it.
    pub const fn eoi_maintenance(self) -> bool {
        self.0 & (Self::HARDWARE | Self::EOI_MAINTENANCE) == Self::EOI_MAINTENANCE
    }
}

impl fmt::Debug for ListRegister {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = formatter.debug_struct("ListRegister");
        text.field("intid", &self.intid()).field("state", &self.state()).field("priority", &self.priority());
        text.field("group", &self.group()).field("hardware", &self.hardware()).field("source", &self.source());
        text.field("eoi_maintenance", &self.eoi_maintenance()).finish()
    }
}

/// What, beside the end of single interrupts, the hypervisor must hear of: bits of GICH_HCR (IHI 0048 5.3.2) and
/// ICH_HCR_EL2 (IHI 0069 12.4.5), which agree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Maintenance(u32);

impl Maintenance {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// Interrupt when the guest ends an interrupt that no list register holds (LRENPIE): active ones are left out.
    pub const ENTRY_NOT_PRESENT: Self = Self(1 << 2);
    /// Interrupt when no list register is pending (NPIE): more pending interrupts wait than fitted.
    pub const NO_PENDING: Self = Self(1 << 3);
    /// Trap the guest's writes to ICC_DIR_EL1 (TDIR, of GICv3 only; GICC_DIR always traps), and give them to
    /// [`super::Vgic::deactivate`]: an active interrupt that no list register holds may be the one it ends.
    pub const TRAP_DEACTIVATE: Self = Self(1 << 14);
    /// Interrupt while the CPU interface has Group 0, or 1, enabled (VGrp0EIE, VGrp1EIE).
    pub const GROUP_ENABLED: [Self; 2] = [Self(1 << 4), Self(1 << 6)];
    /// Interrupt while the CPU interface has Group 0, or 1, disabled (VGrp0DIE, VGrp1DIE).
    pub const GROUP_DISABLED: [Self; 2] = [Self(1 << 5), Self(1 << 7)];

    /// The next change of the groups that the CPU interface has enabled that makes another interrupt the one to take.
    /// While one group alone is enabled that is the other's enabling: what it disables leaves nothing to take. (QEMU's
    /// GICv3, which takes "Group 0 disabled" from the enable bit of Group 1, would interrupt without end then.)
    pub const fn of_groups(enabled: [bool; 2]) -> Self {
        let [zero, one] = enabled;
        let [[zero_enabled, one_enabled], [zero_disabled, one_disabled]] = [Self::GROUP_ENABLED, Self::GROUP_DISABLED];
        let both = zero && one;
        Self::NONE.and(zero_enabled, !zero).and(one_enabled, !one).and(zero_disabled, both).and(one_disabled, both)
    }

    /// This, and `other` where it is `wanted`.
    pub const fn and(self, other: Self, wanted: bool) -> Self {
        if wanted { Self(self.0 | other.0) } else { self }
    }

    /// Whether it has something of `other`.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether [`ListRegisters::groups`] must be read back.
    pub const fn wants_groups(self) -> bool {
        self.0 & 0xF0 != 0
    }

    /// As the hardware has it.
    pub const fn bits(self) -> u32 {
        self.0
    }
}

/// The list registers of one vCPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListRegisters {
    /// Indexed by list register; only those in `used` matter.
    pub registers: [ListRegister; MAXIMUM_LIST_REGISTERS],
    /// Bit n: list register n holds an interrupt. The others must be empty in the hardware.
    pub used: u16,
    /// Bit n: list register n differs from what the hardware was last given or read, used or not.
    pub changed: u16,
    /// What to hear of.
    pub maintenance: Maintenance,
    /// Read back with [`Maintenance::ENTRY_NOT_PRESENT`]: how many interrupts the guest ended since the list registers
    /// were written that no list register held (EOICount, below 32).
    pub eoi_count: u8,
    /// Read back if [`Maintenance::wants_groups`]: the groups that the CPU interface has enabled (VENG0, VENG1).
    pub groups: [bool; 2],
}

impl ListRegisters {
    /// No interrupt in any.
    pub const EMPTY: Self = Self {
        registers: [ListRegister::EMPTY; MAXIMUM_LIST_REGISTERS],
        used: 0,
        changed: 0,
        maintenance: Maintenance::NONE,
        eoi_count: 0,
        groups: [true; 2],
    };

    /// Makes it [`Self::EMPTY`], but for registers that nobody looks at.
    pub fn clear(&mut self) {
        *self = Self { registers: self.registers, ..Self::EMPTY };
    }

    /// The list register `index`; an empty one beyond [`MAXIMUM_LIST_REGISTERS`].
    pub fn get(&self, index: u8) -> ListRegister {
        self.registers.get(usize::from(index)).copied().unwrap_or(ListRegister::EMPTY)
    }

    /// The indices in `used`, in ascending order.
    pub fn used_indices(&self) -> impl Iterator<Item = u8> + use<> {
        bits(self.used.into()).map(|index| index.to_le_bytes()[0])
    }

    /// The index of the list register that holds the interrupt `intid`.
    pub(super) fn find(&self, intid: u32) -> Option<u8> {
        self.holding(intid).map(|(index, _)| index)
    }

    /// The list register that holds the interrupt `intid`, and its index.
    #[inline(always)]
    pub fn holding(&self, intid: u32) -> Option<(u8, ListRegister)> {
        let mut used = self.used;
        while used != 0 {
            let index = used.trailing_zeros().to_le_bytes()[0];
            let register = self.get(index);
            if register.intid() == intid {
                return Some((index, register));
            }
            used &= used - 1;
        }
        None
    }

    /// The list register that was written with the interrupt `intid` pending and nothing more to hear of. Whatever the
    /// guest has made of it, the interrupt can be made pending there again: the controller, which still takes it for
    /// pending, need not know.
    #[inline(always)]
    pub fn lent(&self, intid: u32) -> Option<(u8, ListRegister)> {
        let (index, register) = self.holding(intid).filter(|_| self.maintenance == Maintenance::NONE)?;
        (register.state() == ListRegisterState::Pending && !register.eoi_maintenance()).then_some((index, register))
    }

    /// Takes over what changed, and nothing else, from the list registers that [`super::Vgic::flush`] gave for the
    /// same vCPU. That is all of them if this was empty when the vCPU was loaded, and was given to
    /// [`super::Vgic::fold`] before each flush since.
    pub fn update_from(&mut self, wanted: &Self) {
        self.used = wanted.used;
        self.changed = wanted.changed;
        self.maintenance = wanted.maintenance;
        self.eoi_count = 0;
        let mut changed = wanted.changed;
        while changed != 0 {
            let index = changed.trailing_zeros() as usize;
            if let (Some(place), Some(register)) = (self.registers.get_mut(index), wanted.registers.get(index)) {
                *place = *register;
            }
            changed &= changed - 1;
        }
    }

    /// Puts `register` into list register `index`, and notes whether that changes it.
    pub(super) fn put(&mut self, index: u8, register: ListRegister) {
        let Some(place) = self.registers.get_mut(usize::from(index)) else { return };
        let bit = 1 << index;
        if *place != register || self.used & bit == 0 {
            *place = register;
            self.changed |= bit;
        }
        self.used |= bit;
    }

    /// Notes what the hardware made of list register `index`.
    #[inline(always)]
    pub(super) fn note_state(&mut self, index: u8, state: ListRegisterState) {
        let Some(place) = self.registers.get_mut(usize::from(index)) else { return };
        place.set_state(state);
        if state == ListRegisterState::Empty {
            // An empty one that asks for a maintenance interrupt goes on doing so until it is written.
            self.changed |= u16::from(place.eoi_maintenance()) << index;
            self.used &= !(1 << index);
            *place = ListRegister::EMPTY;
        }
    }

    /// Empties list register `index`, which still holds an interrupt in the hardware.
    pub(super) fn take_out(&mut self, index: u8) {
        self.note_state(index, ListRegisterState::Empty);
        self.changed |= 1 << index;
    }
}

impl Default for ListRegisters {
    fn default() -> Self {
        Self::EMPTY
    }
}

#[cfg(test)]
mod tests;
