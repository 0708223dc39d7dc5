//! Physical interrupts: for the loaded vCPU, or for us.

use super::{CoreLoop, Machine};
use crate::exit::Cause;
use crate::platform::{PhysicalInterrupt, Platform};
use crate::vm::Vm;
use crate::vtimer::PhysicalTimer;
use core::sync::atomic::Ordering;

/// When a deadline that there is not would come: past the end of the machine's counter.
pub(super) const NEVER: u64 = u64::MAX;

impl CoreLoop {
    /// Does what the acknowledged `interrupt` means for the loaded vCPU, whose VM `vm` is, and says what an exit for it is
    /// counted as. The caller must see to what it means for the hypervisor.
    pub(super) fn interrupt<P: Platform>(
        &mut self,
        platform: &mut P,
        machine: &Machine,
        vm: &mut Vm,
        interrupt: PhysicalInterrupt,
    ) -> Cause {
        let Some(vcpu) = self.loaded_vcpu() else { return Cause::Other };
        match interrupt {
            PhysicalInterrupt::Kick if vm.take_sgi(vcpu) => Cause::SgiReceived,
            PhysicalInterrupt::Kick => Cause::Kick,
            // While the list registers are out they are shown what came, but here they come back anyway before long.
            PhysicalInterrupt::Mail => {
                self.take_back(platform, machine, vm);
                Cause::SgiReceived
            }
            PhysicalInterrupt::VirtualTimer => {
                // Its last expiry may still have the list register.
                self.take_back(platform, machine, vm);
                let intid = vm.virtual_timer_intid();
                vm.vgic().raise_hardware(vcpu, intid);
                Cause::VirtualTimer
            }
            // Armed again by the caller, when the console's deadline is no longer in the past.
            PhysicalInterrupt::HypervisorTimer => {
                self.take_back(platform, machine, vm);
                let expired = self.follow_physical_timer(platform, vm);
                if expired { Cause::PhysicalTimer } else { Cause::HypervisorTimer }
            }
            PhysicalInterrupt::Maintenance => {
                self.take_back(platform, machine, vm);
                Cause::Maintenance
            }
            PhysicalInterrupt::Uart | PhysicalInterrupt::Unknown(_) => Cause::DeviceInterrupt,
        }
    }

    /// Whether an interrupt asks for [`Self::keep_house`], which the caller must call without a VM's lock.
    #[inline(always)]
    pub(super) fn is_housework(&self, machine: &Machine, interrupt: PhysicalInterrupt) -> bool {
        let wanted = match interrupt {
            PhysicalInterrupt::Kick => machine.console_wanted.load(Ordering::Acquire),
            PhysicalInterrupt::HypervisorTimer => self.console_deadline != NEVER,
            PhysicalInterrupt::Uart | PhysicalInterrupt::Unknown(_) => true,
            PhysicalInterrupt::Mail | PhysicalInterrupt::VirtualTimer | PhysicalInterrupt::Maintenance => false,
        };
        wanted && self.id == machine.housekeeping
    }

    /// Arms the hypervisor timer again if it was the interrupt. Keeping house does so too.
    #[inline(always)]
    pub(super) fn timed<P: Platform>(&mut self, platform: &mut P, interrupt: PhysicalInterrupt) {
        if interrupt == PhysicalInterrupt::HypervisorTimer {
            self.rearm(platform);
        }
    }

    /// Brings the emulated physical timer's line up to date, and arms its next expiry.
    pub(super) fn refresh_physical_timer<P: Platform>(&mut self, platform: &mut P, vm: &mut Vm) {
        self.follow_physical_timer(platform, vm);
        self.rearm(platform);
    }

    /// Brings the emulated physical timer's line and deadline up to date. Whether the line is up.
    fn follow_physical_timer<P: Platform>(&mut self, platform: &mut P, vm: &mut Vm) -> bool {
        let Some(loaded) = &mut self.loaded else { return false };
        let (now, vcpu) = (platform.counter(), loaded.it.vcpu);
        let guest_now = loaded.guest_counter(now);
        let timer = PhysicalTimer::new(loaded.vcpu.timers_mut(), guest_now);
        let (line, left) = (timer.line(), timer.ticks_left());
        let intid = vm.physical_timer_intid();
        vm.vgic().set_private_line(vcpu, intid, line);
        self.timer_deadline = left.map_or(NEVER, |left| now.saturating_add(left));
        line
    }

    /// Arms the hypervisor timer for the earlier of both deadlines.
    pub(super) fn rearm<P: Platform>(&mut self, platform: &mut P) {
        let deadline = self.timer_deadline.min(self.console_deadline);
        platform.arm_timer((deadline != NEVER).then_some(deadline));
    }
}
