//! The hardware's virtual CPU interface (GICv2 IHI 0048 chapter 5, GICv3 IHI 0069 chapter 5): list registers, and
//! what the guest's acknowledging and ending makes of them.

use bulkhead_vmm::vgic::{CpuInterface, ListRegister, ListRegisterState, ListRegisters, Maintenance};

/// No interrupt.
pub const SPURIOUS: u32 = 1023;

/// One core's virtual CPU interface.
#[derive(Clone, Debug)]
pub struct Interface {
    /// What the guest has set, and its active priorities.
    pub state: CpuInterface,
    v3: bool,
    count: usize,
    registers: [ListRegister; 16],
    maintenance: Maintenance,
    eoi_count: u8,
}

impl Interface {
    /// `count` list registers, all empty.
    pub fn new(state: CpuInterface, v3: bool, count: usize) -> Self {
        let registers = [ListRegister::EMPTY; 16];
        Self { state, v3, count, registers, maintenance: Maintenance::NONE, eoi_count: 0 }
    }

    /// Whether all of it is as after a reset: every interrupt masked, five bits of preemption, nothing in service or in a
    /// list register.
    pub fn is_out_of_reset(&self) -> bool {
        let state = self.state;
        let enabled = [state.group_0_enabled, state.group_1_enabled, state.split_end_of_interrupt];
        let active = [state.active_priorities_0, state.active_priorities_1];
        (state.priority_mask, state.binary_point_0, state.binary_point_1) == (0, 2, 3)
            && (enabled, active) == ([false; 3], [[0; 4]; 2])
            && self.registers.iter().all(|register| register.state() == ListRegisterState::Empty)
    }

    /// Before a guest is entered: takes what `wanted` says has changed, and asserts that all is then as wanted.
    pub fn write(&mut self, wanted: &ListRegisters) {
        for index in 0..16 {
            let used = wanted.used & 1 << index != 0;
            if wanted.changed & 1 << index != 0 {
                self.registers[index] = if used { wanted.registers[index] } else { ListRegister::EMPTY };
            }
            let register = self.registers[index];
            if !used {
                let empty = register.state() == ListRegisterState::Empty;
                assert!(empty, "list register {index} stays {register:?}, wanted empty");
                continue;
            }
            assert!(index < self.count, "list register {index} of {} is used", self.count);
            let want = wanted.registers[index];
            assert_eq!(register, want, "list register {index} was not said to be changed");
            let both = want.state() == ListRegisterState::PendingAndActive || want.eoi_maintenance();
            assert!(want.hardware().is_none() || !both, "list register {index} is linked to hardware: {want:?}");
        }
        self.maintenance = wanted.maintenance;
        self.eoi_count = 0;
    }

    /// Makes the interrupt of a list register pending, which `written` was put into before.
    pub fn make_pending(&mut self, index: usize, written: ListRegister) {
        let before = self.registers[index];
        let mut emptied = written;
        emptied.set_state(before.state());
        assert_eq!(before, emptied, "list register {index} was written otherwise");
        let ended = before.state() == ListRegisterState::Empty;
        assert!(written.hardware().is_none() || ended, "list register {index} is linked to hardware: {before:?}");
        self.registers[index].set_state(ListRegisterState::new(true, before.state().active()));
    }

    /// After an exit: gives back what the guest made of it. What asks for maintenance is quiet from now on, but
    /// for the ends of single interrupts.
    pub fn read(&mut self, into: &mut ListRegisters) {
        for index in (0..16).filter(|index| into.used & 1 << index != 0) {
            into.registers[index].set_state(self.registers[index].state());
        }
        if self.maintenance.has(Maintenance::ENTRY_NOT_PRESENT) {
            into.eoi_count = self.eoi_count;
        }
        if self.maintenance.wants_groups() {
            into.groups = [self.state.group_0_enabled, self.state.group_1_enabled];
        }
        self.maintenance = Maintenance::NONE;
        self.eoi_count = 0;
    }

    /// Whether the guest's writes to the deactivate register are trapped.
    pub fn traps_deactivate(&self) -> bool {
        self.maintenance.has(Maintenance::TRAP_DEACTIVATE)
    }

    /// The level of the maintenance interrupt's line.
    pub fn maintenance(&self) -> bool {
        let wanted = self.maintenance;
        let ended = |it: &ListRegister| it.state() == ListRegisterState::Empty && it.eoi_maintenance();
        let pending = |it: &ListRegister| it.state() == ListRegisterState::Pending;
        let groups = [self.state.group_0_enabled, self.state.group_1_enabled];
        self.registers.iter().any(ended)
            || (wanted.has(Maintenance::NO_PENDING) && !self.registers.iter().any(pending))
            || (wanted.has(Maintenance::ENTRY_NOT_PRESENT) && self.eoi_count > 0)
            || (0..2).any(|it| {
                wanted.has(if groups[it] { Maintenance::GROUP_ENABLED[it] } else { Maintenance::GROUP_DISABLED[it] })
            })
    }

    /// The list register that would be acknowledged now, if its priority lets it through.
    fn best(&self) -> Option<usize> {
        let enabled = [self.state.group_0_enabled, self.state.group_1_enabled];
        let pending = (0..16).filter(|index| {
            let it = &self.registers[*index];
            it.state() == ListRegisterState::Pending && enabled[usize::from(it.group().bit())]
        });
        let best = pending.min_by_key(|index| self.registers[*index].priority())?;
        let it = &self.registers[best];
        let through = it.priority() < self.state.priority_mask && self.level(it) < self.running_level();
        through.then_some(best)
    }

    /// The preemption level of an interrupt: 32 levels, 0 the most urgent.
    fn level(&self, it: &ListRegister) -> u32 {
        let ignored = match (it.group().bit(), self.state.common_binary_point) {
            (true, false) => u32::from(self.state.binary_point_1),
            _ => u32::from(self.state.binary_point_0) + 1,
        };
        (u32::from(it.priority()) >> ignored << ignored) >> 3
    }

    fn running_level(&self) -> u32 {
        (self.state.active_priorities_0[0] | self.state.active_priorities_1[0]).trailing_zeros()
    }

    /// Whether the virtual IRQ is asserted. On GICv3 Group 0 is signalled as FIQ, which our guests mask.
    pub fn signals(&self) -> bool {
        self.best().is_some_and(|best| !self.v3 || self.registers[best].group().bit())
    }

    /// The guest acknowledges: INTID, on GICv2 with an SGI's source above it.
    pub fn acknowledge(&mut self) -> u32 {
        let Some(best) = self.best() else { return SPURIOUS };
        let it = self.registers[best];
        let group_1 = it.group().bit();
        if group_1 != self.v3 {
            return SPURIOUS;
        }
        let level = 1 << self.level(&it);
        match group_1 {
            true => self.state.active_priorities_1[0] |= level,
            false => self.state.active_priorities_0[0] |= level,
        }
        self.registers[best].set_state(ListRegisterState::Active);
        it.intid() | u32::from(it.source()) << 10
    }

    /// The guest ends an interrupt. Returns the physical one that is deactivated with it.
    pub fn end(&mut self, intid: u32) -> Option<u32> {
        let level = self.running_level();
        if level == 32 || intid >= 1020 {
            return None;
        }
        let bit = 1 << level;
        match self.state.active_priorities_0[0] & bit {
            0 => self.state.active_priorities_1[0] &= !bit,
            _ => self.state.active_priorities_0[0] &= !bit,
        }
        if self.state.split_end_of_interrupt { None } else { self.deactivate(intid) }
    }

    /// The guest deactivates an interrupt.
    pub fn deactivate(&mut self, intid: u32) -> Option<u32> {
        let found = self.registers.iter_mut().find(|it| it.intid() == intid && it.state().active());
        let Some(it) = found else {
            self.eoi_count = (self.eoi_count + 1).min(31);
            return None;
        };
        it.set_state(ListRegisterState::new(it.state().pending(), false));
        it.hardware().filter(|_| it.state() == ListRegisterState::Empty)
    }
}
