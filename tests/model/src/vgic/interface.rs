//! The hardware's virtual CPU interface, as far as guests and hypervisors see it work on list registers (GICv3
//! IHI 0069 chapter 5 "Virtual interrupt handling"; GICv2 IHI 0048 chapter 5).

use crate::random::Random;
use bulkhead_vmm::vgic::{ListRegisterState, ListRegisters, Maintenance};

/// One interrupt as the guest gets it from an acknowledge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Acknowledged {
    /// INTID.
    pub intid: u32,
    /// GICv2: the vCPU that sent the SGI.
    pub source: u8,
    /// Of Group 1.
    pub group_1: bool,
}

/// The guest's settings of a CPU interface.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Only lower values are signalled.
    pub priority_mask: u8,
    /// Binary points of Group 0 (2 to 7) and Group 1 (3 to 7).
    pub binary_point: [u8; 2],
    /// Groups enabled.
    pub enabled: [bool; 2],
    /// EOImode = 1.
    pub split: bool,
    /// CBPR = 1.
    pub common: bool,
}

impl Settings {
    /// Everything is let through.
    pub const OPEN: Self =
        Self { priority_mask: 0xFF, binary_point: [2, 3], enabled: [true; 2], split: false, common: false };
}

/// One virtual CPU interface.
#[derive(Clone, Debug)]
pub struct Interface {
    /// The list registers, as the hardware has them.
    pub registers: ListRegisters,
    /// What the hypervisor wrote there or read back last.
    pub written: ListRegisters,
    /// What the guest has set.
    pub settings: Settings,
    /// Active preemption levels, a bit each, by group.
    active_levels: [u32; 2],
    /// It takes "Group 0 disabled" from the enable bit of Group 1 too, as QEMU's GICv3 does.
    mistaken: bool,
}

impl Interface {
    /// That of `vcpu`, with empty list registers. Every second one is mistaken: what the hypervisor waits for must come
    /// where the specification alone holds, and end where QEMU's interrupts for more.
    pub fn new(vcpu: usize, settings: Settings) -> Self {
        Self {
            registers: ListRegisters::EMPTY,
            written: ListRegisters::EMPTY,
            settings,
            active_levels: [0; 2],
            mistaken: vcpu % 2 == 1,
        }
    }

    /// The highest preemption level in service; 32 if there is none.
    fn running_level(&self) -> u32 {
        (self.active_levels[0] | self.active_levels[1]).trailing_zeros()
    }

    fn level(&self, priority: u8, group_1: bool) -> u32 {
        let low_bits = match (group_1, self.settings.common) {
            (true, false) => self.settings.binary_point[1],
            _ => self.settings.binary_point[0] + 1,
        };
        (u32::from(priority) >> low_bits << low_bits) >> 3
    }

    /// The guest acknowledges; of equally urgent list registers any is taken.
    pub fn acknowledge(&mut self, random: &mut Random) -> Option<Acknowledged> {
        let enabled = self.settings.enabled;
        let pending = self.registers.used_indices().map(usize::from).filter(|index| {
            let register = &self.registers.registers[*index];
            register.state() == ListRegisterState::Pending && enabled[usize::from(register.group().bit())]
        });
        let pending: Vec<usize> = pending.collect();
        let best = pending.iter().map(|index| self.registers.registers[*index].priority()).min()?;
        let equal: Vec<usize> =
            pending.into_iter().filter(|index| self.registers.registers[*index].priority() == best).collect();
        let index = random.pick(&equal);
        let register = self.registers.registers[index];
        let group_1 = register.group().bit();
        let level = self.level(register.priority(), group_1);
        if register.priority() >= self.settings.priority_mask || level >= self.running_level() {
            return None;
        }
        self.active_levels[usize::from(group_1)] |= 1 << level;
        self.registers.registers[index].set_state(ListRegisterState::Active);
        Some(Acknowledged { intid: register.intid(), source: register.source(), group_1 })
    }

    /// The guest writes the end-of-interrupt register. Returns a physical interrupt that this deactivates.
    pub fn end(&mut self, intid: u32) -> Option<u32> {
        let level = self.running_level();
        for levels in &mut self.active_levels {
            if level < 32 && *levels & 1 << level != 0 {
                *levels &= !(1 << level);
                break;
            }
        }
        if self.settings.split { None } else { self.deactivate(intid) }
    }

    /// The guest writes the deactivate register and is not trapped, or the end-of-interrupt register in one.
    pub fn deactivate(&mut self, intid: u32) -> Option<u32> {
        let found = self.registers.used_indices().map(usize::from).find(|index| {
            let register = &self.registers.registers[*index];
            register.intid() == intid && register.state().active()
        });
        let Some(index) = found else {
            self.registers.eoi_count += 1;
            return None;
        };
        let register = &mut self.registers.registers[index];
        register.set_state(ListRegisterState::new(register.state().pending(), false));
        register.hardware().filter(|_| register.state() == ListRegisterState::Empty)
    }

    /// Whether a maintenance interrupt is asserted.
    pub fn maintenance(&self) -> bool {
        let registers = || self.registers.used_indices().map(|index| self.registers.registers[usize::from(index)]);
        // Whether the hypervisor still counts on it or not: only writing an empty list register quietens it.
        let ended = self.registers.registers.iter().any(|register| {
            register.state() == ListRegisterState::Empty && register.eoi_maintenance() && register.hardware().is_none()
        });
        let wanted = self.registers.maintenance;
        let no_pending = !registers().any(|register| register.state() == ListRegisterState::Pending);
        ended
            || (wanted.has(Maintenance::NO_PENDING) && no_pending)
            || (wanted.has(Maintenance::ENTRY_NOT_PRESENT) && self.registers.eoi_count > 0)
            || self.group_maintenance()
            || self.registers.eoi_count == 31
    }

    /// Whether one is for the groups that the interface has enabled (IHI 0069 12.4.6).
    fn group_maintenance(&self) -> bool {
        let wanted = self.registers.maintenance;
        let [_, one] = self.settings.enabled;
        (self.mistaken && !one && wanted.has(Maintenance::GROUP_DISABLED[0]))
            || self.settings.enabled.into_iter().enumerate().any(|(group, enabled)| {
                wanted.has(if enabled { Maintenance::GROUP_ENABLED[group] } else { Maintenance::GROUP_DISABLED[group] })
            })
    }

    /// The hypervisor makes the interrupt `intid`, linked to `hardware` or not, pending where it was written as
    /// pending, if it has such a list register. Whether it has.
    ///
    /// # Errors
    /// One linked to hardware has not been ended.
    pub fn make_pending(&mut self, intid: u32, hardware: bool) -> Result<bool, String> {
        let written = self.written.lent(intid).filter(|(_, register)| register.hardware().is_some() == hardware);
        let Some((index, _)) = written else { return Ok(false) };
        let register = &mut self.registers.registers[usize::from(index)];
        if hardware && register.state() != ListRegisterState::Empty {
            return Err(format!("list register {index} becomes pending though it is {register:?}"));
        }
        register.set_state(ListRegisterState::new(true, register.state().active()));
        Ok(true)
    }

    /// The hypervisor writes the list registers that changed, and all must then be as it wanted them.
    ///
    /// # Errors
    /// What differs, or is forbidden.
    pub fn write(&mut self, wanted: &ListRegisters, count: usize) -> Result<(), String> {
        self.registers.update_from(wanted);
        self.written = *wanted;
        for index in 0..wanted.registers.len() {
            let (have, want) = (&self.registers.registers[index], &wanted.registers[index]);
            if wanted.used & 1 << index == 0 {
                if have.state() != ListRegisterState::Empty {
                    return Err(format!("list register {index} stays {have:?}, wanted empty"));
                }
                continue;
            }
            if have != want {
                return Err(format!("list register {index} is {have:?}, wanted {want:?}, not said to be changed"));
            }
            let forbidden = want.hardware().is_some()
                && (want.state() == ListRegisterState::PendingAndActive
                    || want.eoi_maintenance()
                    || want.source() != 0);
            if index >= count || want.state() == ListRegisterState::Empty || forbidden {
                return Err(format!("list register {index} is given {want:?}"));
            }
            let same = (0..index)
                .any(|other| wanted.used & 1 << other != 0 && wanted.registers[other].intid() == want.intid());
            if same {
                return Err(format!("two list registers hold INTID {}", want.intid()));
            }
        }
        Ok(())
    }
}
