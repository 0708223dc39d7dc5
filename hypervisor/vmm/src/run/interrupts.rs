//! Physical interrupts: for the loaded vCPU, or for us.

use super::{CoreLoop, Machine};
use crate::exit::Cause;
use crate::platform::{PhysicalInterrupt, Platform};
use crate::vm::Vm;
use crate::vtimer::PhysicalTimer;
use core::sync::atomic::Ordering;
use spin::MutexGuard;

/// Interrupts that are dealt with before the core looks again at what it should do: a storm must not keep it from
/// that.
pub(super) const AT_ONCE: usize = 4;

impl CoreLoop {
    /// A physical interrupt made the guest exit: deals with all that are pending.
    pub(super) fn interrupted<P: Platform>(&mut self, platform: &mut P, machine: &Machine, mut vm: MutexGuard<'_, Vm>) {
        let mut cause = Cause::SpuriousInterrupt;
        let mut ours = [None; AT_ONCE];
        // What is pending beyond that makes the guest exit again.
        for place in 0..AT_ONCE {
            // A line that stays up until it is dealt with below comes again at once.
            let Some(interrupt) = platform.acknowledge().filter(|it| !ours.contains(&Some(*it))) else { break };
            cause = cause_of(interrupt);
            self.interrupt_for_guest(platform, &mut vm, interrupt);
            if let Some(place) = ours.get_mut(place) {
                *place = Some(interrupt);
            }
        }
        self.count(&mut vm, cause);
        drop(vm);
        for interrupt in ours.into_iter().flatten() {
            self.interrupt_for_us(platform, machine, interrupt);
        }
    }

    /// What an interrupt means for the loaded vCPU.
    pub(super) fn interrupt_for_guest<P: Platform>(
        &mut self,
        platform: &mut P,
        vm: &mut Vm,
        interrupt: PhysicalInterrupt,
    ) {
        let Some((it, _)) = &self.loaded else { return };
        let vcpu = it.vcpu;
        match interrupt {
            PhysicalInterrupt::VirtualTimer => {
                let intid = vm.virtual_timer_intid();
                vm.vgic().raise_hardware(vcpu, intid);
                vm.counters_mut().timer_expiries += 1;
            }
            PhysicalInterrupt::HypervisorTimer => {
                // Armed again by `interrupt_for_us`, when the console's deadline is no longer in the past.
                let expired = self.follow_physical_timer(platform, vm);
                vm.counters_mut().timer_expiries += u64::from(expired);
            }
            _ => {}
        }
    }

    /// What an interrupt means for the hypervisor. The caller holds no VM's lock.
    pub(super) fn interrupt_for_us<P: Platform>(
        &mut self,
        platform: &mut P,
        machine: &Machine,
        interrupt: PhysicalInterrupt,
    ) {
        let console = match interrupt {
            PhysicalInterrupt::Uart => true,
            PhysicalInterrupt::Kick => machine.console_wanted.load(Ordering::Acquire),
            PhysicalInterrupt::HypervisorTimer => self.console_deadline.is_some(),
            PhysicalInterrupt::Unknown(intid) => {
                log::debug!("core {}: unexpected interrupt, INTID {intid}", self.id.0);
                false
            }
            PhysicalInterrupt::VirtualTimer | PhysicalInterrupt::Maintenance => false,
        };
        if console && self.id == machine.housekeeping {
            self.keep_house(platform, machine);
        } else if interrupt == PhysicalInterrupt::HypervisorTimer {
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
        let Some((it, loaded)) = &mut self.loaded else { return false };
        let now = platform.counter();
        let timer = PhysicalTimer::new(loaded.timers_mut(), vm.guest_counter(now));
        let (line, left) = (timer.line(), timer.ticks_left());
        let intid = vm.physical_timer_intid();
        vm.vgic().set_private_line(it.vcpu, intid, line);
        // A deadline past the end of the machine's counter never comes.
        self.timer_deadline = left.and_then(|left| now.checked_add(left));
        line
    }

    /// Arms the hypervisor timer for the earlier of both deadlines.
    pub(super) fn rearm<P: Platform>(&mut self, platform: &mut P) {
        platform.arm_timer([self.timer_deadline, self.console_deadline].into_iter().flatten().min());
    }
}

fn cause_of(interrupt: PhysicalInterrupt) -> Cause {
    match interrupt {
        PhysicalInterrupt::VirtualTimer => Cause::VirtualTimer,
        PhysicalInterrupt::HypervisorTimer => Cause::HypervisorTimer,
        PhysicalInterrupt::Kick => Cause::Kick,
        PhysicalInterrupt::Maintenance => Cause::Maintenance,
        PhysicalInterrupt::Uart | PhysicalInterrupt::Unknown(_) => Cause::DeviceInterrupt,
    }
}
