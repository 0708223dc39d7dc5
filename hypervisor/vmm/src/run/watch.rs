//! The guests' own sleep, timed while their owner watches.
//!
//! A pinned vCPU sleeps in its own WFI, which takes no exit, so nobody outside knows how long. While it is watched, its
//! WFI is trapped, but only to note the time: the guest then carries it out itself.

use super::alone::Alone;
use crate::exit::Vector;
use crate::platform::Platform;
use core::sync::atomic::{AtomicBool, Ordering};

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

    /// Traps the next WFI, or no longer, as the owner wants it: to be told when a vCPU begins to run on this core and
    /// after interrupts, because whoever wants it otherwise kicks.
    #[inline(always)]
    pub(super) fn follow<P: Platform>(&mut self, platform: &mut P, wanted: &AtomicBool) {
        let wanted = wanted.load(Ordering::Relaxed);
        if wanted != self.trapping && !self.is_timing() {
            self.trap(platform, wanted);
        }
    }

    #[inline(never)]
    fn trap<P: Platform>(&mut self, platform: &mut P, trap: bool) {
        self.trapping = trap;
        platform.trap_wait(trap);
    }
}

impl<P: Platform> Alone<'_, P> {
    /// The vCPU is about to sleep in its WFI.
    #[inline(never)]
    pub(super) fn begin_wait(&mut self) {
        let now = self.platform.counter();
        self.watch.under_way = Some((now, self.loaded.vcpu.general().pc));
        if let Some(core) = self.machine.core(self.core) {
            core.fall_asleep(now);
        }
        self.watch.trap(self.platform, false);
    }

    /// The vCPU left the guest by `vector`. It slept until now if an interrupt found it behind its WFI. If not, something
    /// that was pending for it ended its WFI, nobody knows when: it is taken not to have slept.
    #[inline(never)]
    pub(super) fn end_wait(&mut self, vector: Vector) {
        let Some((since, address)) = self.watch.under_way.take() else { return };
        let pc = self.loaded.vcpu.general().pc;
        let slept = matches!(vector, Vector::Irq | Vector::Fiq) && pc == address.wrapping_add(4);
        if let Some(core) = self.machine.core(self.core) {
            if slept { core.wake(self.platform.counter()) } else { core.stay_awake(since) }
        }
        self.watch.follow(self.platform, &self.machine.watching);
    }
}
