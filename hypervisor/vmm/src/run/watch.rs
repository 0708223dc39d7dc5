//! The guests' own sleep, timed while their owner watches.
//!
//! A pinned vCPU sleeps in its own WFI, which takes no exit, so nobody outside knows how long. While it is watched, its
//! WFI is trapped, but only to note the time: the guest then carries it out itself.

use super::{CoreLoop, Machine};
use crate::exit::Vector;
use crate::platform::Platform;
use core::sync::atomic::Ordering;

/// What a core knows of the WFI of its vCPU.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// Whether it is trapped.
    trapping: bool,
    /// The one under way: when it began, in the machine's counter, and its address.
    under_way: Option<(u64, u64)>,
}

impl Watch {
    /// Whether the vCPU sleeps, for all that is known, and is timed.
    pub(super) const fn is_timing(&self) -> bool {
        self.under_way.is_some()
    }
}

impl CoreLoop {
    /// Traps the next WFI, or no longer, as the owner wants it: to be asked when a vCPU begins to run on this core and
    /// after interrupts, because whoever wants it otherwise kicks.
    #[inline(always)]
    pub(super) fn watch<P: Platform>(&mut self, platform: &mut P, machine: &Machine) {
        let wanted = machine.watching.load(Ordering::Relaxed);
        if wanted != self.watch.trapping && !self.watch.is_timing() {
            self.trap_wait(platform, wanted);
        }
    }

    #[inline(never)]
    fn trap_wait<P: Platform>(&mut self, platform: &mut P, trap: bool) {
        self.watch.trapping = trap;
        platform.trap_wait(trap);
    }

    /// The vCPU is about to sleep in its WFI.
    pub(super) fn begin_wait<P: Platform>(&mut self, platform: &mut P, machine: &Machine) -> Option<()> {
        let (loaded, core) = (self.loaded.as_ref()?, machine.core(self.id)?);
        let now = platform.counter();
        self.watch.under_way = Some((now, loaded.vcpu.general().pc));
        core.fall_asleep(now);
        self.trap_wait(platform, false);
        Some(())
    }

    /// The vCPU left the guest by `vector`. It slept until now if an interrupt found it behind its WFI. If not, something
    /// that was pending for it ended its WFI, nobody knows when: it is taken not to have slept.
    pub(super) fn end_wait<P: Platform>(&mut self, platform: &mut P, machine: &Machine, vector: Vector) {
        let Some((since, address)) = self.watch.under_way.take() else { return };
        let pc = self.loaded.as_ref().map(|loaded| loaded.vcpu.general().pc);
        let slept = matches!(vector, Vector::Irq | Vector::Fiq) && pc == Some(address.wrapping_add(4));
        if let Some(core) = machine.core(self.id) {
            if slept { core.wake(platform.counter()) } else { core.stay_awake(since) }
        }
        self.watch(platform, machine);
    }
}
