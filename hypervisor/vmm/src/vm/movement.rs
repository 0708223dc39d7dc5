//! The whole of a VM but its RAM, as plain data: taken out of one VM, put into another.

use super::{BuildError, Lifecycle, Run, Slot, Vm, build};
use crate::device::pl011::{self, Pl011};
use crate::platform::{CoreId, Platform};
use crate::vcpu::Vcpu;
use crate::vgic::{self, Vgic};
use alloc::boxed::Box;
use alloc::vec::Vec;

/// Everything that a guest could see of its machine, but its RAM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// Each vCPU: what it does, and its registers if it has any.
    pub vcpus: Vec<(Run, Option<Vcpu>)>,
    /// The interrupt controller.
    pub vgic: vgic::State,
    /// The PL011.
    pub uart: pl011::State,
    /// The guest's counter.
    pub counter: u64,
}

impl Vm {
    /// The VM's state at the machine's counter value `now`. `None` while a vCPU is loaded: it is incomplete then.
    pub fn state(&self, now: u64) -> Option<State> {
        if self.slots.iter().any(|slot| slot.loaded) {
            return None;
        }
        Some(State {
            vcpus: self.slots.iter().map(|slot| (slot.run, slot.parked.as_deref().cloned())).collect(),
            vgic: self.vgic.state(),
            uart: self.uart.state().clone(),
            counter: self.guest_counter(now),
        })
    }

    /// Makes this VM anew, on `cores`, out of nothing but `state` and its RAM: address space, interrupt controller,
    /// devices and vCPUs of before are gone. The guest's counter goes on from `state` at the machine's `now`.
    ///
    /// # Errors
    /// The state does not fit the machine, or there are no tables; the VM is then as it was, or has no address
    /// space and must be stopped.
    pub fn rebuild<P: Platform>(
        &mut self,
        platform: &mut P,
        state: &State,
        cores: &[CoreId],
        now: u64,
    ) -> Result<(), BuildError> {
        let mut vgic = Vgic::restore(self.vgic.layout(), &state.vgic).map_err(|_| BuildError::State)?;
        self.link_timers(&mut vgic);
        let uart = Pl011::restore(state.uart.clone()).ok_or(BuildError::State)?;
        platform.invalidate_vm(&self.stage2, self.vmid);
        let geometry = self.stage2.geometry();
        let interface = build::interface_pages(&self.config, self.vgic.layout().version, &self.hardware)?;
        let fresh = platform.with_tables(|tables| build::stage2(geometry, &self.memory, interface, tables))?;
        let old = core::mem::replace(&mut self.stage2, fresh);
        platform.with_tables(|tables| old.free(tables));
        self.slots = state
            .vcpus
            .iter()
            .zip(cores)
            .zip(&self.slots)
            .map(|((vcpu, core), old)| revive(vcpu, *core, old))
            .collect();
        self.vgic = vgic;
        self.uart = uart;
        self.counter_offset = now.wrapping_sub(state.counter);
        Ok(())
    }
}

impl Vm {
    /// Takes the state out, makes the VM anew on `core` from it, and checks that it is the same.
    ///
    /// # Errors
    /// As for [`Vm::rebuild`].
    pub(crate) fn move_to<P: Platform>(&mut self, platform: &mut P, core: CoreId) -> Result<(), BuildError> {
        let now = platform.counter();
        let state = self.state(now).ok_or(BuildError::State)?;
        self.rebuild(platform, &state, &[core], now)?;
        if self.state(now).as_ref() != Some(&state) {
            return Err(BuildError::State);
        }
        self.lifecycle = Lifecycle::Running;
        Ok(())
    }
}

fn revive((run, registers): &(Run, Option<Vcpu>), core: CoreId, old: &Slot) -> Slot {
    Slot { run: *run, parked: registers.clone().map(Box::new), exits: old.exits.clone(), ..Slot::new(core) }
}
