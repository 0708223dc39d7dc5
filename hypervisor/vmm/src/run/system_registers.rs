//! Trapped system registers.

use super::alone::{Alone, Left};
use super::loaded::Loaded;
use super::{CoreLoop, Machine, Next};
use crate::exit::{Cause, Exit, Syndrome, SystemRegister, SystemRegisterAccess};
use crate::platform::Platform;
use crate::vcpu::VcpuSet;
use crate::vgic::Version;
use crate::vm::Vm;
use crate::vtimer::PhysicalTimer;

const ACTLR_EL1: SystemRegister = SystemRegister::new(3, 0, 1, 0, 1);
const ICC_DIR_EL1: SystemRegister = SystemRegister::new(3, 0, 12, 11, 1);
const ICC_SGI1R_EL1: SystemRegister = SystemRegister::new(3, 0, 12, 11, 5);
const ICC_ASGI1R_EL1: SystemRegister = SystemRegister::new(3, 0, 12, 11, 6);
const ICC_SGI0R_EL1: SystemRegister = SystemRegister::new(3, 0, 12, 11, 7);
const CNTPCT_EL0: SystemRegister = SystemRegister::new(3, 3, 14, 0, 1);
const CNTPCTSS_EL0: SystemRegister = SystemRegister::new(3, 3, 14, 0, 5);
const CNTP_TVAL_EL0: SystemRegister = SystemRegister::new(3, 3, 14, 2, 0);
const CNTP_CTL_EL0: SystemRegister = SystemRegister::new(3, 3, 14, 2, 1);
const CNTP_CVAL_EL0: SystemRegister = SystemRegister::new(3, 3, 14, 2, 2);
const OSLSR_EL1: SystemRegister = SystemRegister::new(2, 0, 1, 1, 4);
/// OSLSR_EL1: an OS lock exists (OSLM = 0b10) and is not locked.
const OSLSR_VALUE: u64 = 1 << 3;

impl<P: Platform> Alone<'_, P> {
    /// Carries out a trapped MRS or MSR, if it rests on nothing but what is loaded here or sends SGIs. What the guest's
    /// machine does not have is UNDEFINED.
    #[inline(always)]
    pub(super) fn own_register(&mut self, access: SystemRegisterAccess) -> Left {
        if access.writes(ICC_SGI1R_EL1)
            && let Some(done) = self.sgi1r(access)
        {
            return done.into();
        }
        let register = access.register();
        let known = if access.write() { None } else { self.loaded.shared.identity.read(register) };
        let value = match known {
            Some(value) => Some(value),
            None => match register {
                ICC_SGI1R_EL1 | ICC_ASGI1R_EL1 | ICC_SGI0R_EL1 | ICC_DIR_EL1 => {
                    return Left::Exit(Exit::SystemRegister(access));
                }
                CNTP_TVAL_EL0 | CNTP_CTL_EL0 | CNTP_CVAL_EL0 => return Left::Exit(Exit::SystemRegister(access)),
                CNTPCT_EL0 | CNTPCTSS_EL0 if !access.write() => {
                    Some(self.loaded.guest_counter(self.platform.counter()))
                }
                OSLSR_EL1 if !access.write() => Some(OSLSR_VALUE),
                // Read as zero, ignore writes.
                _ => (is_debug(register) || register == ACTLR_EL1).then_some(0),
            },
        };
        match value {
            Some(_) if access.write() => self.loaded.vcpu.skip_instruction(),
            Some(value) => self.loaded.load(access.transfer(), value),
            None => self.loaded.inject(self.platform, Syndrome::Undefined),
        }
        self.loaded.exits.count(Cause::SystemRegister);
        Left::Nothing
    }
}

impl CoreLoop {
    /// Carries out any other trapped MRS or MSR: those of the physical timer and of the interrupt controller.
    pub(super) fn system_register<P: Platform>(
        &mut self,
        platform: &mut P,
        machine: &Machine,
        vm: &mut Vm,
        access: SystemRegisterAccess,
    ) -> (Cause, Next) {
        match access.register() {
            CNTP_TVAL_EL0 | CNTP_CTL_EL0 | CNTP_CVAL_EL0 => {
                // Now rather than at the expiry, where it would be in the way.
                self.take_back(platform, machine, vm);
                (Cause::SystemRegister, self.physical_timer(platform, vm, access))
            }
            _ => self.interrupt_controller(platform, machine, vm, access),
        }
    }

    /// The write-only registers of GICv3's CPU interface that need the distributor.
    fn interrupt_controller<P: Platform>(
        &mut self,
        platform: &mut P,
        machine: &Machine,
        vm: &mut Vm,
        access: SystemRegisterAccess,
    ) -> (Cause, Next) {
        let Some(Loaded { it, vcpu: loaded, .. }) = &self.loaded else { return (Cause::Other, Next::Resume) };
        if !access.write() || vm.vgic().layout().version == Version::V2 {
            return (Cause::SystemRegister, Next::Inject(Syndrome::Undefined, false));
        }
        let (vcpu, value) = (it.vcpu, loaded.general().get(access.transfer()));
        let register = access.register();
        if register == ICC_DIR_EL1 {
            self.take_back(platform, machine, vm);
            let kicks = deactivate(vm, vcpu, value);
            machine.kick(platform, vm, kicks);
            return (Cause::InterruptController, Next::Skip);
        }
        // ICC_SGI0R_EL1, and ICC_ASGI1R_EL1, which with a single Security state is the same (IHI 0069 8.1.10).
        let kicks = vm.vgic().send_group_0(vcpu, value);
        machine.kick(platform, vm, kicks);
        vm.sent_sgi(kicks);
        (Cause::SgiSent, Next::Skip)
    }

    /// CNTP_TVAL_EL0, CNTP_CTL_EL0, CNTP_CVAL_EL0.
    fn physical_timer<P: Platform>(&mut self, platform: &mut P, vm: &mut Vm, access: SystemRegisterAccess) -> Next {
        let Some(loaded) = &mut self.loaded else { return Next::Resume };
        let value = loaded.vcpu.general().get(access.transfer());
        let now = loaded.guest_counter(platform.counter());
        let mut timer = PhysicalTimer::new(loaded.vcpu.timers_mut(), now);
        match (access.register(), access.write()) {
            (CNTP_TVAL_EL0, false) => return Next::Load(access.transfer(), timer.value()),
            (CNTP_CTL_EL0, false) => return Next::Load(access.transfer(), timer.control()),
            (_, false) => return Next::Load(access.transfer(), timer.compare()),
            (CNTP_TVAL_EL0, true) => timer.set_value(value),
            (CNTP_CTL_EL0, true) => timer.set_control(value),
            (_, true) => timer.set_compare(value),
        }
        self.refresh_physical_timer(platform, vm);
        Next::Skip
    }
}

fn deactivate(vm: &mut Vm, vcpu: crate::vcpu::VcpuId, value: u64) -> VcpuSet {
    /// ICC_DIR_EL1.INTID, 24 bits (GICv3 IHI 0069 12.2.11).
    const INTID: u64 = 0xff_ffff;
    u32::try_from(value & INTID).map_or(VcpuSet::EMPTY, |intid| vm.vgic().deactivate(vcpu, intid))
}

/// The self-hosted debug registers of the least processor that is allowed (see [`crate::identity`]): breakpoints
/// and watchpoints that never match, an OS lock that is open, no claim (Arm ARM DDI 0487 D19.3).
fn is_debug(register: SystemRegister) -> bool {
    match register.fields() {
        // MDCCINT, MDSCR, OSDTRRX, OSDTRTX, OSECCR; DBGBVR, DBGBCR, DBGWVR, DBGWCR 0 and 1.
        (2, 0, 0, crm, op2) => (crm < 2 && (4..=7).contains(&op2)) || matches!((crm, op2), (2, 0 | 2) | (0 | 3 | 6, 2)),
        // MDRAR, OSLAR, OSDLR, DBGPRCR.
        (2, 0, 1, crm, op2) => matches!((crm, op2), (0, 0 | 4) | (3 | 4, 4)),
        // DBGCLAIMSET, DBGCLAIMCLR, DBGAUTHSTATUS.
        (2, 0, 7, crm, 6) => matches!(crm, 8 | 9 | 14),
        // MDCCSR, DBGDTR, DBGDTRRX/TX.
        (2, 3, 0, crm, 0) => matches!(crm, 1 | 4 | 5),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_registers_of_the_least_debug_exist() {
        assert!(is_debug(SystemRegister::new(2, 0, 0, 2, 2)), "MDSCR_EL1");
        assert!(is_debug(SystemRegister::new(2, 0, 0, 1, 7)), "DBGWCR1_EL1");
        assert!(!is_debug(SystemRegister::new(2, 0, 0, 2, 7)), "DBGWCR2_EL1");
        assert!(!is_debug(SystemRegister::new(2, 1, 0, 0, 0)), "trace");
        assert!(!is_debug(SystemRegister::new(3, 3, 9, 12, 0)), "PMCR_EL0");
    }
}
