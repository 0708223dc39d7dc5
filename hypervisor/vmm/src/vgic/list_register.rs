//! List registers as plain data: what the virtual CPU interface is to show to the guest, and what it made of it.

use super::interrupts::Group;
use crate::bits::bits;

/// The most list registers that hardware can have (GICv3 IHI 0069 12.5, ICH_VTR_EL2.ListRegs).
pub const MAXIMUM_LIST_REGISTERS: usize = 16;

/// The state field of a list register.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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
        match (pending, active) {
            (false, false) => Self::Empty,
            (true, false) => Self::Pending,
            (false, true) => Self::Active,
            (true, true) => Self::PendingAndActive,
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

/// One list register (GICH_LR, ICH_LR_EL2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListRegister {
    /// The INTID that the guest sees, below 1020.
    pub intid: u32,
    /// Its state. The hardware changes this field and no other.
    pub state: ListRegisterState,
    /// Its priority: 8 bits, the unimplemented low ones zero.
    pub priority: u8,
    /// Its group.
    pub group: Group,
    /// The physical INTID that the guest's deactivation deactivates too.
    pub hardware: Option<u32>,
    /// For an SGI of GICv2, the vCPU that sent it (below 8); 0 otherwise.
    pub source: u8,
    /// Asks for a maintenance interrupt when the guest has ended it. Never together with `hardware`.
    pub eoi_maintenance: bool,
}

impl ListRegister {
    /// A list register without an interrupt.
    pub const EMPTY: Self = Self {
        intid: 0,
        state: ListRegisterState::Empty,
        priority: 0,
        group: Group::Zero,
        hardware: None,
        source: 0,
        eoi_maintenance: false,
    };
}

/// What, beside the end of single interrupts, the hypervisor must hear of (GICH_HCR, ICH_HCR_EL2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Maintenance {
    /// Interrupt when no list register is pending (NPIE): more pending interrupts wait than fitted.
    pub no_pending: bool,
    /// Interrupt when the guest ends an interrupt that no list register holds (LRENPIE): active ones are left out.
    pub entry_not_present: bool,
    /// Trap the guest's writes to ICC_DIR_EL1 (TDIR), or to the page of GICV_DIR, and give them to
    /// [`super::Vgic::deactivate`]: an active interrupt that no list register holds may be the one it ends.
    pub trap_deactivate: bool,
    /// Interrupt while the CPU interface has Group 0, or 1, enabled (VGrp0EIE, VGrp1EIE).
    pub group_enabled: [bool; 2],
    /// Interrupt while the CPU interface has Group 0, or 1, disabled (VGrp0DIE, VGrp1DIE).
    pub group_disabled: [bool; 2],
}

impl Maintenance {
    /// Nothing.
    pub const NONE: Self = Self {
        no_pending: false,
        entry_not_present: false,
        trap_deactivate: false,
        group_enabled: [false; 2],
        group_disabled: [false; 2],
    };

    /// Whether [`ListRegisters::groups`] must be read back.
    pub const fn wants_groups(&self) -> bool {
        let ([enabled_0, enabled_1], [disabled_0, disabled_1]) = (self.group_enabled, self.group_disabled);
        enabled_0 || enabled_1 || disabled_0 || disabled_1
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
    /// Read back: how many interrupts the guest ended that no list register held (EOICount, below 32). It must
    /// be zero in the hardware at each entry.
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

    /// The list register `index`; an empty one beyond [`MAXIMUM_LIST_REGISTERS`].
    pub fn get(&self, index: u8) -> &ListRegister {
        self.registers.get(usize::from(index)).unwrap_or(&ListRegister::EMPTY)
    }

    /// The indices in `used`, in ascending order.
    pub fn used_indices(&self) -> impl Iterator<Item = u8> + use<> {
        bits(self.used.into()).map(|index| index.to_le_bytes()[0])
    }

    /// The index of the list register that holds the interrupt `intid`.
    pub(super) fn find(&self, intid: u32) -> Option<u8> {
        self.used_indices().find(|index| self.get(*index).intid == intid)
    }

    /// Takes over what changed, and nothing else, from the list registers that [`super::Vgic::flush`] gave for the
    /// same vCPU. That is all of them if this was empty when the vCPU was loaded, and was given to
    /// [`super::Vgic::fold`] after each exit since.
    pub fn update_from(&mut self, wanted: &Self) {
        let mut changed = wanted.changed;
        while changed != 0 {
            let index = changed.trailing_zeros() as usize;
            if let (Some(place), Some(register)) = (self.registers.get_mut(index), wanted.registers.get(index)) {
                *place = *register;
            }
            changed &= changed - 1;
        }
        self.used = wanted.used;
        self.changed = wanted.changed;
        self.maintenance = wanted.maintenance;
        self.groups = wanted.groups;
        self.eoi_count = 0;
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
    pub(super) fn note_state(&mut self, index: u8, state: ListRegisterState) {
        let Some(place) = self.registers.get_mut(usize::from(index)) else { return };
        place.state = state;
        if state == ListRegisterState::Empty {
            // An empty one that asks for a maintenance interrupt goes on doing so until it is written.
            self.changed |= u16::from(place.eoi_maintenance) << index;
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
