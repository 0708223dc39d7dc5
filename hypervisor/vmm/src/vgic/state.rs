//! The controller as plain data, in the specification's terms: to save, compare, carry and restore.

use super::bank::{Bank, all_if};
use super::frames::ROUTE_WRITABLE;
use super::interrupts::{Detail, Interrupts};
use super::layout::{Layout, LayoutError, Version};
use super::life::Lives;
use super::{CpuInterface, FIRST_SHARED, SGIS, Vgic};
use crate::vcpu::VcpuSet;
use alloc::vec::Vec;

/// A whole controller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// The architecture.
    pub version: Version,
    /// Implemented bits of priority.
    pub priority_bits: u8,
    /// GICD_CTLR.EnableGrp0 and EnableGrp1.
    pub group_enables: [bool; 2],
    /// Each vCPU's SGIs and PPIs, then the SPIs, 32 by 32.
    pub interrupts: Vec<Interrupts>,
    /// GICR_WAKER.ProcessorSleep by vCPU; all of them throughout on GICv2.
    pub asleep: VcpuSet,
    /// vCPUs that have run since they were last reset, so that they are chosen for interrupts that several may take.
    pub online: VcpuSet,
    /// Each vCPU's CPU interface, valid while it is parked.
    pub cpu_interfaces: Vec<CpuInterface>,
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
        State {
            version: self.layout.version,
            priority_bits: self.layout.priority_bits,
            group_enables: self.group_enables.map(|enable| enable != 0),
            interrupts: self.banks.iter().map(Bank::save).collect(),
            asleep: self.asleep,
            online: self.online,
            cpu_interfaces: self.vcpus.iter().map(|per| per.cpu_interface).collect(),
        }
    }

    /// A controller in the state `state`, wherever that is from. Links to hardware must be made anew.
    ///
    /// # Errors
    /// If `state` does not fit `layout`, or no controller could be in it.
    pub fn restore(layout: Layout, state: &State) -> Result<Self, RestoreError> {
        layout.check().map_err(RestoreError::Layout)?;
        let mut made = Self::new(layout);
        made.check(state)?;
        for (bank, saved) in made.banks.iter().zip(&state.interrupts) {
            let wrong = unreachable(&layout, bank.first, saved);
            if wrong != 0 {
                return Err(RestoreError::Interrupt(bank.first + wrong.trailing_zeros()));
            }
        }
        made.adopt(state);
        Ok(made)
    }

    /// Becomes a new controller in the state `state`, which is from a controller of the same layout. Links to hardware
    /// must be made anew.
    pub fn adopt(&mut self, state: &State) {
        *self = Self::new(self.layout);
        self.group_enables = state.group_enables.map(all_if);
        self.online = state.online;
        self.asleep = state.asleep;
        self.busy = u64::MAX >> (64 - self.banks.len());
        for (per, saved) in self.vcpus.iter_mut().zip(&state.cpu_interfaces) {
            per.cpu_interface = *saved;
        }
        for (index, (bank, saved)) in self.banks.iter_mut().zip(&state.interrupts).enumerate() {
            bank.adopt(saved);
            if bank.first < FIRST_SHARED {
                bank.belong_to(index.to_le_bytes()[0]);
            }
        }
    }

    fn check(&self, state: &State) -> Result<(), RestoreError> {
        if state.version != self.layout.version {
            return Err(RestoreError::Version);
        }
        let all = VcpuSet::first(self.vcpus.len());
        if state.cpu_interfaces.len() != self.vcpus.len() || state.online.union(state.asleep).union(all) != all {
            return Err(RestoreError::Vcpus);
        }
        if state.interrupts.len() != self.banks.len() {
            return Err(RestoreError::Spis);
        }
        if state.priority_bits != self.layout.priority_bits {
            return Err(RestoreError::PriorityBits);
        }
        Ok(())
    }
}

impl Bank {
    /// What the specification keeps, with what list registers hold of it; fields that mean nothing for an interrupt
    /// that is not active are 0.
    fn save(&self) -> Interrupts {
        let lives = &self.lives;
        let mut saved = Interrupts {
            group: self.group,
            enabled: self.enabled,
            edge: lives.edge,
            line: lives.line(),
            latch: lives.latched(),
            active: lives.active(),
            details: self.details,
        };
        for (position, detail) in (0..).zip(&mut saved.details) {
            detail.sources = self.sources(position);
            if saved.active & 1 << position == 0 {
                (detail.active_priority, detail.owner, detail.active_source) = (0, 0, 0);
                detail.active_by_register = false;
            }
        }
        saved
    }

    /// Becomes what was saved.
    fn adopt(&mut self, saved: &Interrupts) {
        (self.group, self.enabled, self.details) = (saved.group, saved.enabled, saved.details);
        self.lives = Lives::new(saved);
    }
}

/// The interrupts, from `first` on, that cannot be in these states in a controller of the shape `layout`.
fn unreachable(layout: &Layout, first: u32, saved: &Interrupts) -> u32 {
    let sgis = if first < FIRST_SHARED { SGIS } else { 0 };
    let v2_sgis = if layout.version == Version::V2 { sgis } else { 0 };
    let route = match layout.version {
        _ if first < FIRST_SHARED => 0,
        Version::V2 => layout.all_targets().into(),
        Version::V3 => ROUTE_WRITABLE,
    };
    let edge_fixed = if first < FIRST_SHARED { saved.edge ^ SGIS } else { 0 };
    let mut wrong = edge_fixed | sgis & saved.line | v2_sgis & !saved.enabled;
    for (position, detail) in saved.details.iter().enumerate() {
        let bit = 1 << position;
        let (most, sources) = if v2_sgis & bit != 0 { (layout.vcpus, layout.all_targets()) } else { (1, 0) };
        let Detail { priority, active_priority, owner, active_source, .. } = *detail;
        let fits = (priority | active_priority) & !layout.priority_mask() == 0
            && usize::from(owner) < layout.vcpus
            && usize::from(active_source) < most
            && detail.route & !route == 0
            && detail.sources & !sources == 0
            && (v2_sgis & bit == 0 || (detail.sources != 0) == (saved.latch & bit != 0));
        wrong |= if fits { 0 } else { bit };
    }
    wrong
}
