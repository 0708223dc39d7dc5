//! The whole of a VM but its RAM, as plain data: taken out of one VM, put into another.

use super::{BuildError, Lifecycle, Run, Slot, Vm, build};
use crate::device::pl011::{self, Pl011};
use crate::platform::{CoreId, Platform};
use crate::vcpu::Vcpu;
use crate::vgic;
use alloc::boxed::Box;
use alloc::vec::Vec;

/// Everything that a guest could see of its machine, but its RAM.
#[derive(Debug, PartialEq, Eq)]
pub struct State {
    /// Each vCPU: what it does, and its registers if it has any.
    pub vcpus: Vec<(Run, Option<Box<Vcpu>>)>,
    /// The interrupt controller.
    pub vgic: vgic::State,
    /// The PL011.
    pub uart: pl011::State,
    /// The guest's counter.
    pub counter: u64,
}

impl Vm {
    /// Takes the VM's state out at the machine's counter value `now`: its vCPUs have no registers then. `None` while a
    /// vCPU is loaded: the state is incomplete then.
    pub fn take_state(&mut self, now: u64) -> Option<State> {
        if !self.all_parked() {
            return None;
        }
        Some(State {
            vcpus: self.slots.iter_mut().map(|slot| (slot.run, slot.parked.take())).collect(),
            vgic: self.vgic.state(),
            uart: self.uart.state().clone(),
            counter: self.guest_counter(now),
        })
    }

    /// Makes this VM anew, on `cores`, out of nothing but `state`, which was taken out of it, and its RAM: address space,
    /// interrupt controller, devices and vCPUs of before are gone. The guest's counter goes on from `state` at the machine's `now`. The
    /// registers of the vCPUs are moved out of `state`; all else must come out as it was put in.
    ///
    /// # Errors
    /// There are no tables, or something came out otherwise; the VM must then be stopped.
    fn rebuild<P: Platform>(
        &mut self,
        platform: &mut P,
        state: &mut State,
        cores: &[CoreId],
        now: u64,
    ) -> Result<(), BuildError> {
        self.remap(platform)?;
        self.vgic.adopt(&state.vgic);
        self.link_timers();
        self.uart = Pl011::adopt(state.uart.clone());
        self.counter_offset = now.wrapping_sub(state.counter);
        for ((slot, core), (run, registers)) in self.slots.iter_mut().zip(cores).zip(&mut state.vcpus) {
            let exits = core::mem::take(&mut slot.exits);
            *slot = Slot { run: *run, parked: registers.take(), exits, ..Slot::new(*core) };
        }
        let same = self.vgic.state() == state.vgic && *self.uart.state() == state.uart;
        if same && self.guest_counter(now) == state.counter { Ok(()) } else { Err(BuildError::STATE) }
    }

    /// Makes the address space anew.
    fn remap<P: Platform>(&mut self, platform: &mut P) -> Result<(), BuildError> {
        platform.invalidate_vm(&self.stage2, self.vmid);
        platform.with_tables(|tables| {
            let fresh = build::stage2(self.stage2.geometry(), &self.memory, self.interface.as_ref(), tables)?;
            core::mem::replace(&mut self.stage2, fresh).free(tables);
            Ok(())
        })
    }

    /// Takes the state out and makes the VM anew on `core` from it.
    ///
    /// # Errors
    /// As for [`Vm::rebuild`].
    pub(crate) fn move_to<P: Platform>(&mut self, platform: &mut P, core: CoreId) -> Result<(), BuildError> {
        let now = platform.counter();
        let mut state = self.take_state(now).ok_or(BuildError::STATE)?;
        self.rebuild(platform, &mut state, &[core], now)?;
        self.lifecycle = Lifecycle::Running;
        Ok(())
    }
}
