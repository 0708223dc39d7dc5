//! What all cores share.

use super::Console;
use crate::config::WhenAllOff;
use crate::console::Port;
use crate::lock::lock;
use crate::monitor::LogRing;
use crate::platform::{CoreId, Platform};
use crate::vcpu::{VcpuId, VcpuSet};
use crate::vm::Vm;
use alloc::string::String;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use spin::Mutex;

/// A vCPU by its VM's index and its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// Index of the VM.
    pub vm: usize,
    /// The vCPU.
    pub vcpu: VcpuId,
}

/// What all may know of one core.
#[derive(Debug, Default)]
pub struct CoreState {
    /// Whether it came up.
    running: AtomicBool,
    /// [`Assignment`]: 0 for none, else VM's index + 1 in bits 31:8 and the vCPU's in 7:0.
    assignment: AtomicU32,
    /// Times that it was woken from sleep.
    wake_ups: AtomicU64,
    /// How long it slept, up to now. While it is awake: ticks slept. While it sleeps: [`ASLEEP`], and the counter less
    /// ticks slept, which stands still meanwhile. One word, so that nobody sees a sleep twice or not at all.
    slept: AtomicU64,
}

/// In [`CoreState::slept`]: the core sleeps. No counter gets there: at 1 GHz it would take 292 years.
const ASLEEP: u64 = 1 << 63;

impl CoreState {
    /// Notes that the core came up.
    pub fn set_running(&self) {
        self.running.store(true, Ordering::Release);
    }

    /// Whether the core came up.
    pub fn is_running(&self) -> bool {
        self.running.load(Ordering::Acquire)
    }

    /// Which vCPU the core runs.
    pub fn assignment(&self) -> Option<Assignment> {
        let [vcpu, vm @ ..] = self.assignment.load(Ordering::Acquire).to_le_bytes();
        let [low, middle, high] = vm;
        let vm = u32::from_le_bytes([low, middle, high, 0]).checked_sub(1)?;
        Some(Assignment { vm: usize::try_from(vm).ok()?, vcpu: VcpuId::new(vcpu)? })
    }

    /// Sets which vCPU the core runs.
    pub fn assign(&self, assignment: Option<Assignment>) {
        let packed = assignment.and_then(|it| {
            let (vm, vcpu) = (u32::try_from(it.vm).ok()?, u32::try_from(it.vcpu.index()).ok()?);
            Some((vm + 1) << 8 | vcpu)
        });
        self.assignment.store(packed.unwrap_or(0), Ordering::Release);
    }

    /// The core, which is the caller's own, falls asleep when the machine's counter is `now`.
    pub(super) fn fall_asleep(&self, now: u64) {
        self.slept.store(ASLEEP | now.saturating_sub(self.slept(now)), Ordering::Relaxed);
    }

    /// The core, which is the caller's own, wakes when the machine's counter is `now`.
    pub(super) fn wake(&self, now: u64) {
        self.wake_ups.fetch_add(1, Ordering::Relaxed);
        self.stay_awake(now);
    }

    /// It did not fall asleep after all when the machine's counter was `since`.
    pub(super) fn stay_awake(&self, since: u64) {
        self.slept.store(self.slept(since), Ordering::Relaxed);
    }

    /// Times that it was woken from sleep in the hypervisor or, while that is watched, in its guest.
    pub fn wake_ups(&self) -> u64 {
        self.wake_ups.load(Ordering::Relaxed)
    }

    /// Ticks that it slept in the hypervisor or, while that is watched, in its guest, with the sleep under way, when
    /// the machine's counter is `now`.
    pub fn slept(&self, now: u64) -> u64 {
        match self.slept.load(Ordering::Relaxed) {
            asleep if asleep & ASLEEP != 0 => now.saturating_sub(asleep & !ASLEEP),
            slept => slept,
        }
    }
}

/// Everything that the cores share.
#[derive(Debug)]
pub struct Machine {
    /// The VMs. Console port n is VM n's.
    pub vms: Vec<Mutex<Vm>>,
    /// Names of the VMs that were refused, for `vm list`.
    pub refused: Vec<String>,
    /// The consoles: the VMs', then the log's and the monitor's.
    pub ports: Vec<Mutex<Port>>,
    /// The cores, by index in `/cpus`.
    pub cores: Vec<CoreState>,
    /// The core that does the hypervisor's own work.
    pub housekeeping: CoreId,
    /// What only that core uses.
    pub console: Mutex<Console>,
    /// A port wants that core's attention.
    pub console_wanted: AtomicBool,
    /// Whether the guests' sleep is timed, which takes an exit for each.
    pub watching: AtomicBool,
    /// The newest messages of the hypervisor.
    pub log: &'static Mutex<LogRing>,
    /// What happens when no VM runs any more.
    pub when_all_off: WhenAllOff,
    /// The machine's counter when it booted.
    pub booted: u64,
    /// Bytes of memory that the hypervisor keeps to itself: its image with tables, heap and stacks.
    pub kept: u64,
    /// Ticks from the hypervisor's first instruction to the first guest's, but for zeroing and copying. 0 before.
    pub first_guest: AtomicU64,
    /// The ticks that zeroing and copying took until then.
    pub first_guest_copying: AtomicU64,
}

impl Machine {
    /// Index of the log's port.
    pub fn log_port(&self) -> usize {
        self.vms.len()
    }

    /// Index of the monitor's port.
    pub fn monitor_port(&self) -> usize {
        self.vms.len() + 1
    }

    /// The state of `core`.
    pub fn core(&self, core: CoreId) -> Option<&CoreState> {
        self.cores.get(core.0)
    }

    /// Wakes the cores of `vcpus` of `vm`: mostly of none.
    #[inline(always)]
    pub(super) fn kick<P: Platform>(&self, platform: &mut P, vm: &Vm, vcpus: VcpuSet) {
        if !vcpus.is_empty() {
            Self::kick_some(platform, vm, vcpus);
        }
    }

    #[inline(never)]
    fn kick_some<P: Platform>(platform: &mut P, vm: &Vm, vcpus: VcpuSet) {
        vm.cores_of(vcpus).for_each(|core| platform.kick(core));
    }

    /// Wakes all cores of `vm`.
    pub(super) fn kick_all<P: Platform>(&self, platform: &mut P, vm: &Vm) {
        vm.cores().for_each(|core| platform.kick(core));
    }

    /// Asks the housekeeping core to look at the consoles.
    pub fn want_console<P: Platform>(&self, platform: &mut P) {
        if !self.console_wanted.swap(true, Ordering::AcqRel) {
            platform.kick(self.housekeeping);
        }
    }

    /// `vm` is about to run its first instruction since it was loaded. The machine's counter is `now`, if that is asked for.
    pub(super) fn note_first_guest(&self, vm: &Vm, now: impl FnOnce() -> u64) {
        if self.first_guest.load(Ordering::Relaxed) != 0 {
            return;
        }
        let copying = vm.counters().preparation_ticks;
        let ticks = now().saturating_sub(self.booted).saturating_sub(copying);
        if self.first_guest.compare_exchange(0, ticks, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
            self.first_guest_copying.store(copying, Ordering::Relaxed);
        }
    }

    /// Whether every VM is off for good, and the owner wants the machine to be so too.
    pub fn is_over(&self) -> bool {
        self.when_all_off == WhenAllOff::PowerOff && self.find(&|vm| !vm.lifecycle().is_over()).is_none()
    }

    /// Index of the first VM that is `wanted`. The caller holds no VM's lock.
    pub(super) fn find(&self, wanted: &dyn Fn(&Vm) -> bool) -> Option<usize> {
        self.vms.iter().position(|vm| wanted(&lock(vm)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_assignment_is_kept() {
        let core = CoreState::default();
        assert_eq!(core.assignment(), None);
        let assignment = Assignment { vm: 0, vcpu: VcpuId::new(31).unwrap() };
        core.assign(Some(assignment));
        assert_eq!(core.assignment(), Some(assignment));
        core.assign(None);
        assert_eq!(core.assignment(), None);
    }

    #[test]
    fn a_sleep_counts_while_it_lasts() {
        let core = CoreState::default();
        assert_eq!((core.wake_ups(), core.slept(5)), (0, 0));
        core.fall_asleep(10);
        // Who asks read the counter before the core fell asleep.
        assert_eq!((core.wake_ups(), core.slept(9)), (0, 0));
        assert_eq!((core.slept(10), core.slept(25)), (0, 15));
        core.wake(30);
        assert_eq!((core.wake_ups(), core.slept(30), core.slept(99)), (1, 20, 20));
        core.fall_asleep(100);
        assert_eq!((core.slept(100), core.slept(101)), (20, 21));
        core.wake(105);
        assert_eq!((core.wake_ups(), core.slept(200)), (2, 25));
        core.fall_asleep(300);
        core.stay_awake(300);
        assert_eq!((core.wake_ups(), core.slept(400)), (2, 25));
    }
}
