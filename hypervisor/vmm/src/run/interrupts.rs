//! Physical interrupts: for the loaded vCPU, or for us.

use super::{CoreLoop, Machine};
use crate::exit::Cause;
use crate::platform::{PhysicalInterrupt, Platform};
use crate::vm::Vm;
use crate::vtimer::PhysicalTimer;
use core::sync::atomic::Ordering;

/// Interrupts that are dealt with before the core looks again at what it should do: a storm must not keep it from
/// that.
const AT_ONCE: usize = 4;

/// When a deadline that there is not would come: past the end of the machine's counter.
pub(super) const NEVER: u64 = u64::MAX;

/// In [`Seen::kinds`], where no [`Cause`] has its bit: a timer of the loaded vCPU expired.
const EXPIRED: u32 = 31;

/// The kinds of interrupts that were acknowledged, a bit each by [`Cause`].
#[derive(Clone, Copy)]
pub(super) struct Seen {
    kinds: u32,
    /// The kind of the last one.
    pub(super) last: Cause,
}

impl Seen {
    /// 1 if a timer of the loaded vCPU expired, or more than one; else 0.
    pub(super) const fn expiries(self) -> u64 {
        (self.kinds >> EXPIRED) as u64
    }

    const fn has(self, kind: Cause) -> bool {
        self.kinds & 1 << kind as u32 != 0
    }
}

impl CoreLoop {
    /// Acknowledges the physical interrupts that are pending, and does what they mean for the loaded vCPU, whose VM
    /// `vm` is; the caller must see to what they mean for the hypervisor.
    pub(super) fn acknowledge<P: Platform>(&mut self, platform: &mut P, mut vm: Option<&mut Vm>) -> Seen {
        let mut seen = Seen { kinds: 0, last: Cause::SpuriousInterrupt };
        // What is pending beyond that makes the guest exit again.
        for _ in 0..AT_ONCE {
            let Some(interrupt) = platform.acknowledge() else { break };
            let kind = cause_of(interrupt);
            // A line that stays up until it is dealt with comes again at once.
            if seen.has(kind) {
                break;
            }
            (seen.kinds, seen.last) = (seen.kinds | 1 << kind as u32, kind);
            if let Some(vm) = &mut vm {
                seen.kinds |= u32::from(self.interrupt_for_guest(platform, vm, interrupt)) << EXPIRED;
            }
        }
        // An exit for a timer too is the timer's: it must not be explained twice.
        if seen.has(Cause::Kick)
            && let (Some(vm), Some(vcpu)) = (vm, self.loaded_vcpu())
            && vm.take_sgi(vcpu)
            && seen.last == Cause::Kick
            && seen.expiries() == 0
        {
            seen.last = Cause::SgiReceived;
        }
        seen
    }

    /// Whether interrupts ask for [`Self::keep_house`], which the caller must call without a VM's lock.
    #[inline(always)]
    pub(super) fn is_housework(&self, machine: &Machine, seen: Seen) -> bool {
        let wanted = seen.has(Cause::DeviceInterrupt)
            || seen.has(Cause::Kick) && machine.console_wanted.load(Ordering::Acquire)
            || seen.has(Cause::HypervisorTimer) && self.console_deadline != NEVER;
        wanted && self.id == machine.housekeeping
    }

    /// Arms the hypervisor timer again if it was among the interrupts. Keeping house does so too.
    #[inline(always)]
    pub(super) fn timed<P: Platform>(&mut self, platform: &mut P, seen: Seen) {
        if seen.has(Cause::HypervisorTimer) {
            self.rearm(platform);
        }
    }

    /// What an interrupt means for the loaded vCPU. Whether a timer of its expired.
    fn interrupt_for_guest<P: Platform>(
        &mut self,
        platform: &mut P,
        vm: &mut Vm,
        interrupt: PhysicalInterrupt,
    ) -> bool {
        let Some(vcpu) = self.loaded_vcpu() else { return false };
        match interrupt {
            PhysicalInterrupt::VirtualTimer => {
                let intid = vm.virtual_timer_intid();
                vm.vgic().raise_hardware(vcpu, intid);
                true
            }
            // Armed again by the caller, when the console's deadline is no longer in the past.
            PhysicalInterrupt::HypervisorTimer => self.follow_physical_timer(platform, vm),
            _ => false,
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

fn cause_of(interrupt: PhysicalInterrupt) -> Cause {
    match interrupt {
        PhysicalInterrupt::VirtualTimer => Cause::VirtualTimer,
        PhysicalInterrupt::HypervisorTimer => Cause::HypervisorTimer,
        PhysicalInterrupt::Kick => Cause::Kick,
        PhysicalInterrupt::Maintenance => Cause::Maintenance,
        PhysicalInterrupt::Uart | PhysicalInterrupt::Unknown(_) => Cause::DeviceInterrupt,
    }
}
