//! The whole of a VM but its RAM, as plain data: taken out of one VM, put into another.

use super::{After, BuildError, Lifecycle, Run, Slot, Vm};
use crate::device::pl011::{self, Pl011};
use crate::lock::lock;
use crate::platform::{CoreId, Platform};
use crate::tell::text;
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
            uart: lock(&self.shared.serial).uart().state().clone(),
            counter: self.guest_counter(now),
        })
    }

    /// Goes on from `state`, which was taken out of a VM of this blueprint with this RAM, at the machine's counter value
    /// `now`. The registers of the vCPUs are moved out of `state`.
    ///
    /// # Errors
    /// Something comes out otherwise than it was put in.
    fn adopt(&mut self, state: &mut State, now: u64) -> Result<(), BuildError> {
        self.vgic.adopt(&state.vgic);
        self.link_timers();
        self.replace_uart(Pl011::adopt(state.uart.clone()));
        self.counter_offset = now.wrapping_sub(state.counter);
        for (slot, (run, registers)) in self.slots.iter_mut().zip(&mut state.vcpus) {
            (slot.run, slot.parked) = (*run, registers.take());
        }
        let same = self.vgic.state() == state.vgic && *lock(&self.shared.serial).uart().state() == state.uart;
        if same && self.guest_counter(now) == state.counter { Ok(()) } else { Err(BuildError::STATE) }
    }

    /// What the owner counts of it goes on with the VM that takes its place.
    fn bequeath(&mut self, heir: &mut Self) {
        heir.counters = self.counters;
        for (slot, new) in self.slots.iter_mut().zip(&mut heir.slots) {
            new.exits = core::mem::take(&mut slot.exits);
        }
    }

    /// Gives back what it has of the machine besides its RAM: no core may use it any more.
    fn destroy<P: Platform>(self, platform: &mut P) {
        platform.invalidate_vm(&self.stage2, self.blueprint.vmid);
        platform.with_tables(|tables| self.stage2.free(tables));
    }

    /// Takes the VM's state out, destroys the VM, and goes on as a new one on `core`, which has nothing of the old one but
    /// that state, the RAM, and what the owner counts.
    ///
    /// # Errors
    /// A vCPU is loaded, or there are no tables for two address spaces at a time: nothing has changed, and the VM goes on
    /// where it was. Or the state does not come out of the new VM as it was put in: it is being stopped.
    pub(crate) fn move_to<P: Platform>(&mut self, platform: &mut P, core: CoreId) -> Result<(), BuildError> {
        self.lifecycle = Lifecycle::Running;
        let mut fresh = Self::around(platform, &self.blueprint, alloc::vec![Slot::new(core)], &self.memory)?;
        let now = platform.counter();
        let Some(mut state) = self.take_state(now) else {
            fresh.destroy(platform);
            return Err(BuildError::STATE);
        };
        fresh.lifecycle = Lifecycle::Running;
        self.bequeath(&mut fresh);
        core::mem::replace(self, fresh).destroy(platform);
        self.adopt(&mut state, now).inspect_err(|error| {
            self.stop(After::Off, Some(text(format_args!("its move failed: {error}"))));
        })
    }
}
