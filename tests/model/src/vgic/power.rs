//! What becomes of a controller as its vCPUs and its VM are parked, switched off, reset and carried elsewhere.

use super::interface::{Interface, Settings};
use super::oracle::Oracle;
use super::world::{InService, TIMER, World, id};
use bulkhead_vmm::vcpu::VcpuSet;
use bulkhead_vmm::vgic::{ListRegisters, Vgic};

impl World {
    /// `vcpu` is parked, and loaded again on a core whose list registers are empty.
    ///
    /// # Errors
    /// A disagreement.
    pub fn park(&mut self, vcpu: usize) -> Result<(), String> {
        self.while_out(vcpu, |world| {
            let parked = world.vgic.cpu_interface_mut(id(vcpu)).is_some();
            assert!(parked, "vCPU {vcpu} has a CPU interface");
            world.interfaces[vcpu].registers = ListRegisters::EMPTY;
            world.physical[vcpu].active = world.vgic.hardware_active(id(vcpu)).any(|physical| physical == TIMER);
            ((), VcpuSet::EMPTY)
        })
    }

    /// `vcpu` is switched off in the middle of anything, and on again; it stayed in its core, or not.
    ///
    /// # Errors
    /// A disagreement.
    pub fn switch_off_and_on(&mut self, vcpu: usize, rests: bool) -> Result<(), String> {
        let settings = self.interfaces[vcpu].settings;
        self.oracle.running[vcpu].clear();
        self.oracle.asleep[vcpu] = true;
        self.in_service[vcpu] = InService::default();
        self.while_out(vcpu, |world| {
            let mut kicks = world.vgic.reset_vcpu(id(vcpu));
            world.interfaces[vcpu] = Interface::new(vcpu, settings);
            if rests {
                world.vgic.settle(id(vcpu));
                kicks = kicks.union(world.vgic.switch_on(id(vcpu)));
            }
            ((), kicks)
        })
    }

    /// The VM is reset; its second life must begin like its first.
    ///
    /// # Errors
    /// A disagreement.
    pub fn reset(&mut self) -> Result<(), String> {
        for vcpu in 0..self.vcpus() {
            let _ = self.exit(vcpu);
        }
        self.vgic.reset();
        let layout = self.vgic.layout();
        if self.vgic.state() != Vgic::new(layout).state() {
            return Err("the state after a reset is not the first state".into());
        }
        let settings = Settings { split: self.interfaces[0].settings.split, ..Settings::OPEN };
        self.oracle = Oracle::new(self.oracle.v3, self.vcpus(), layout.spis, settings);
        for vcpu in 0..self.vcpus() {
            self.oracle.line(vcpu, TIMER, self.physical[vcpu].line);
            self.in_service[vcpu] = InService::default();
            self.interfaces[vcpu] = Interface::new(vcpu, settings);
            self.enter(vcpu)?;
        }
        self.settle(VcpuSet::EMPTY)
    }

    /// Saves the controller, makes a new one of the state and goes on with that.
    ///
    /// # Errors
    /// A disagreement.
    pub fn carry(&mut self) -> Result<(), String> {
        for vcpu in 0..self.vcpus() {
            let _ = self.exit(vcpu);
        }
        let state = self.vgic.state();
        let mut carried = Vgic::restore(self.vgic.layout(), &state).map_err(|error| format!("{error:?}"))?;
        for vcpu in 0..self.vcpus() {
            carried.link_hardware(id(vcpu), TIMER, TIMER);
            self.interfaces[vcpu].registers = ListRegisters::EMPTY;
        }
        if carried.state() != state {
            return Err("state out differs from state in".into());
        }
        self.vgic = carried;
        for vcpu in 0..self.vcpus() {
            self.physical[vcpu].active = self.vgic.hardware_active(id(vcpu)).next().is_some();
            self.enter(vcpu)?;
        }
        self.settle(VcpuSet::EMPTY)
    }
}
