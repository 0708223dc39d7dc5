//! The controller as plain data, in the specification's terms: to save, compare, carry and restore.

use super::distributor::ROUTE_ANY;
use super::interrupt::{Group, Interrupt, Life, Sources, Trigger};
use super::layout::{Layout, LayoutError, Version};
use super::{CpuInterface, FIRST_PPI, FIRST_SHARED, Vgic};
use crate::vcpu::{VcpuId, VcpuSet};
use alloc::vec::Vec;

/// One interrupt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InterruptState {
    /// Enabled.
    pub enabled: bool,
    /// Group.
    pub group: Group,
    /// Edge-triggered or level-sensitive.
    pub trigger: Trigger,
    /// Priority, 0 the most urgent.
    pub priority: u8,
    /// The pending latch: an edge or a write to GICD_ISPENDR, not yet acknowledged.
    pub latch: bool,
    /// The level of its line.
    pub line: bool,
    /// Active.
    pub active: bool,
    /// For an active SPI, the index of the vCPU it is active on; 0 otherwise.
    pub active_on: u8,
    /// The priority that it was acknowledged with, if it is active; 0 otherwise.
    pub active_priority: u8,
    /// For an SGI of GICv2: a bit for each vCPU it is pending from; 0 otherwise.
    pub sgi_sources: u8,
    /// For an active SGI of GICv2: the index of the vCPU that sent it; 0 otherwise.
    pub sgi_active_source: u8,
    /// For an SPI: GICD_IROUTER (GICv3), or GICD_ITARGETSR in bits 7:0 (GICv2).
    pub route: u64,
}

/// What belongs to one vCPU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VcpuState {
    /// SGIs and PPIs, by INTID.
    pub private: [InterruptState; FIRST_SHARED as usize],
    /// GICR_WAKER.ProcessorSleep; `true` throughout on GICv2.
    pub asleep: bool,
    /// It has run since it was last reset, so that it is chosen for interrupts that any vCPU may take.
    pub online: bool,
    /// Its CPU interface, valid while it is parked.
    pub cpu_interface: CpuInterface,
}

/// A whole controller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// The architecture.
    pub version: Version,
    /// Implemented bits of priority.
    pub priority_bits: u8,
    /// GICD_CTLR.EnableGrp0 and EnableGrp1.
    pub group_enables: [bool; 2],
    /// By vCPU.
    pub vcpus: Vec<VcpuState>,
    /// SPIs, from INTID 32 on.
    pub shared: Vec<InterruptState>,
}

/// Why a [`State`] cannot be restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RestoreError {
    /// The layout itself is wrong.
    Layout(LayoutError),
    /// It is of another architecture.
    Version,
    /// It is of another number of vCPUs.
    Vcpus,
    /// It is of another number of SPIs.
    Spis,
    /// Its priorities have more bits than the hardware's virtual CPU interface.
    PriorityBits,
    /// The interrupt with this INTID is in a state that no controller can reach.
    Interrupt(u32),
}

impl Vgic {
    /// The controller's whole state. Wanted from a VM of which no vCPU is in the guest; otherwise it is what was
    /// known when each was last out of it.
    pub fn state(&self) -> State {
        let ids = VcpuSet::first(self.layout.vcpus);
        State {
            version: self.layout.version,
            priority_bits: self.layout.priority_bits,
            group_enables: self.group_enables,
            vcpus: ids
                .iter()
                .zip(&self.vcpus)
                .map(|(vcpu, per)| VcpuState {
                    private: per.private.map(|interrupt| save(&interrupt)),
                    asleep: self.asleep.contains(vcpu),
                    online: self.online.contains(vcpu),
                    cpu_interface: per.cpu_interface,
                })
                .collect(),
            shared: self.shared.iter().map(save_shared).collect(),
        }
    }

    /// A controller in the state `state`. Links to hardware must be made anew.
    ///
    /// # Errors
    /// If `state` does not fit `layout`, or no controller could be in it.
    pub fn restore(layout: Layout, state: &State) -> Result<Self, RestoreError> {
        layout.check().map_err(RestoreError::Layout)?;
        let mut made = Self::new(layout);
        made.check(state)?;
        made.group_enables = state.group_enables;
        for (vcpu, saved) in VcpuSet::first(layout.vcpus).iter().zip(&state.vcpus) {
            made.restore_vcpu(vcpu, saved)?;
        }
        for (intid, saved) in (FIRST_SHARED..).zip(&state.shared) {
            made.restore_interrupt(VcpuId::BOOT, intid, saved)?;
        }
        made.kicks = VcpuSet::EMPTY;
        Ok(made)
    }

    fn check(&self, state: &State) -> Result<(), RestoreError> {
        if state.version != self.layout.version {
            return Err(RestoreError::Version);
        }
        if state.vcpus.len() != self.layout.vcpus {
            return Err(RestoreError::Vcpus);
        }
        if state.shared.len() != self.layout.spis {
            return Err(RestoreError::Spis);
        }
        if state.priority_bits != self.layout.priority_bits {
            return Err(RestoreError::PriorityBits);
        }
        Ok(())
    }

    fn restore_vcpu(&mut self, vcpu: VcpuId, saved: &VcpuState) -> Result<(), RestoreError> {
        if saved.online {
            self.online.insert(vcpu);
        }
        if !saved.asleep {
            self.asleep.remove(vcpu);
        }
        if let Some(per) = self.vcpus.get_mut(vcpu.index()) {
            per.cpu_interface = saved.cpu_interface;
        }
        for (intid, interrupt) in (0..).zip(&saved.private) {
            self.restore_interrupt(vcpu, intid, interrupt)?;
        }
        Ok(())
    }

    fn restore_interrupt(&mut self, vcpu: VcpuId, intid: u32, saved: &InterruptState) -> Result<(), RestoreError> {
        let wrong = RestoreError::Interrupt(intid);
        if !self.is_reachable(intid, saved) {
            return Err(wrong);
        }
        let active_on = if intid < FIRST_SHARED { vcpu } else { VcpuId::new(saved.active_on).ok_or(wrong)? };
        let Some(interrupt) = self.interrupt_mut(vcpu, intid) else { return Err(wrong) };
        *interrupt = Interrupt {
            enabled: saved.enabled,
            group: saved.group,
            priority: saved.priority,
            active_priority: saved.active_priority,
            life: Life { line: saved.line, latch: saved.latch, lent: false, active: saved.active },
            sources: Sources { pending: saved.sgi_sources, lent: 0, active: saved.sgi_active_source },
            route: saved.route,
            ..Interrupt::new(active_on, saved.trigger)
        };
        self.refresh(vcpu, intid);
        Ok(())
    }

    /// Whether a controller of this layout can have the interrupt in this state.
    fn is_reachable(&self, intid: u32, saved: &InterruptState) -> bool {
        let sgi = intid < FIRST_PPI;
        let sgi_v2 = sgi && self.layout.version == Version::V2;
        let targets = self.layout.all_targets();
        let route = match self.layout.version {
            _ if intid < FIRST_SHARED => 0,
            Version::V2 => targets,
            Version::V3 => ROUTE_ANY | 0xFF_00FF_FFFF,
        };
        saved.priority & !self.layout.priority_mask() == 0
            && saved.route & !route == 0
            && usize::from(saved.active_on) < self.layout.vcpus
            && (!sgi || (saved.trigger == Trigger::Edge && !saved.line))
            && if sgi_v2 {
                saved.enabled
                    && !saved.latch
                    && u64::from(saved.sgi_sources) & !targets == 0
                    && usize::from(saved.sgi_active_source) < self.layout.vcpus
            } else {
                saved.sgi_sources == 0 && saved.sgi_active_source == 0
            }
    }
}

fn save(interrupt: &Interrupt) -> InterruptState {
    let Interrupt { enabled, group, trigger, priority, life, active_priority, sources, route, .. } = *interrupt;
    InterruptState {
        enabled,
        group,
        trigger,
        priority,
        latch: life.latch || life.lent,
        line: life.line,
        active: life.active,
        active_on: 0,
        active_priority: if life.active { active_priority } else { 0 },
        sgi_sources: sources.pending | sources.lent,
        sgi_active_source: if life.active { sources.active } else { 0 },
        route,
    }
}

fn save_shared(interrupt: &Interrupt) -> InterruptState {
    let [active_on, ..] = interrupt.active_on.index().to_le_bytes();
    InterruptState { active_on: if interrupt.life.active { active_on } else { 0 }, ..save(interrupt) }
}
