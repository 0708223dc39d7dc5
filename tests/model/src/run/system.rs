//! System registers of a guest: those that EL1 uses directly, and those that trap.

use super::execute::{Done, trap};
use super::hardware::Hardware;
use super::register::{self, syndrome};
use bulkhead_vmm::exit::SystemRegister;
use bulkhead_vmm::vcpu::GeneralRegisters;

/// What became of an access to a system register.
enum Access {
    Done(u64),
    Undefined,
    Trapped,
}

impl Hardware {
    /// MRS, or MSR, of `register`.
    pub(super) fn system_register(
        &mut self,
        core: usize,
        x: &mut GeneralRegisters,
        register: SystemRegister,
        transfer: u8,
        write: bool,
    ) -> Done {
        let value = x.get(transfer);
        match self.untrapped(core, register, write.then_some(value)) {
            Access::Trapped => {
                self.note_trap(core, register, write.then_some(value), transfer);
                trap(syndrome(register, write, transfer))
            }
            Access::Undefined => self.undefined(core, x),
            Access::Done(value) => {
                if !write {
                    x.set(transfer, value);
                }
                x.pc = x.pc.wrapping_add(4);
                Done::Went
            }
        }
    }

    fn note_trap(&mut self, core: usize, register: SystemRegister, write: Option<u64>, transfer: u8) {
        let live = self.cores[core].live.as_ref().expect("a guest runs only loaded");
        let count = self.now.wrapping_sub(live.counter_offset);
        if let Some(oracle) = self.physical_timer.as_mut().filter(|_| live.root.vmid == 1) {
            oracle.trap(register, write, count, transfer);
        }
    }

    /// The registers that EL1 uses without a trap.
    fn untrapped(&mut self, core: usize, register: SystemRegister, write: Option<u64>) -> Access {
        let now = self.now;
        let v3 = self.shape.v3;
        let live = self.cores[core].live.as_mut().expect("a guest runs only loaded");
        let place = match register {
            register::VBAR_EL1 => &mut live.system.vbar_el1,
            register::ELR_EL1 => &mut live.system.elr_el1,
            register::SPSR_EL1 => &mut live.system.spsr_el1,
            register::ESR_EL1 => &mut live.system.esr_el1,
            register::FAR_EL1 => &mut live.system.far_el1,
            register::TPIDR_EL1 => &mut live.system.tpidr_el1,
            register::TPIDR_EL0 => &mut live.system.tpidr_el0,
            register::CONTEXTIDR_EL1 => &mut live.system.contextidr_el1,
            register::CNTV_CTL_EL0 => &mut live.timers.virtual_control,
            register::CNTV_CVAL_EL0 => &mut live.timers.virtual_compare,
            register::MPIDR_EL1 if write.is_none() => return Access::Done(live.mpidr),
            register::CNTVCT_EL0 if write.is_none() => return Access::Done(now.wrapping_sub(live.counter_offset)),
            _ => return self.cpu_interface(core, register, write, v3),
        };
        if let Some(value) = write {
            *place = if register == register::CNTV_CTL_EL0 { value & 0b11 } else { value };
        }
        Access::Done(*place)
    }

    /// GICv3's CPU interface (IHI 0069 12.2), which does not exist on GICv2.
    fn cpu_interface(&mut self, core: usize, register: SystemRegister, write: Option<u64>, v3: bool) -> Access {
        let interface = &mut self.cores[core].live.as_mut().expect("a guest runs only loaded").interface;
        let (_, _, crn, crm, _) = register.fields();
        let is_icc = matches!((crn, crm), (4, 6) | (12, 8..=12));
        if !v3 {
            return if is_icc { Access::Undefined } else { Access::Trapped };
        }
        let physical = match (register, write) {
            (register::ICC_IAR1_EL1, None) => return Access::Done(u64::from(interface.acknowledge() & 0x3ff)),
            (register::ICC_EOIR1_EL1, Some(value)) => interface.end(value as u32 & 0xff_ffff),
            (register::ICC_DIR_EL1, Some(value)) => {
                if interface.traps_deactivate() {
                    return Access::Trapped;
                }
                match interface.state.split_end_of_interrupt {
                    true => interface.deactivate(value as u32 & 0xff_ffff),
                    false => None,
                }
            }
            (register::ICC_PMR_EL1, Some(value)) => {
                interface.state.priority_mask = value as u8 & 0xf8;
                None
            }
            (register::ICC_IGRPEN1_EL1, Some(value)) => {
                interface.state.group_1_enabled = value & 1 != 0;
                None
            }
            (register::ICC_CTLR_EL1, Some(value)) => {
                interface.state.common_binary_point = value & 1 != 0;
                interface.state.split_end_of_interrupt = value & 2 != 0;
                None
            }
            _ => return Access::Trapped,
        };
        self.deactivate_by_guest(core, physical);
        Access::Done(0)
    }
}
