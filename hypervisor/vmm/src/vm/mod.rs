//! One virtual machine: its vCPUs, interrupt controller, devices and memory.
//!
//! A VM is shared by the cores that run its vCPUs and by the housekeeping core, behind one lock. It never calls
//! the platform but to set memory up; it says what is to be done, and the run loop does it.

mod build;
mod devices;
mod lifecycle;
mod memory;
mod movement;
mod power;
mod shared;
mod slot;
#[cfg(feature = "gzip")]
mod unpacking;

use build::Blueprint;
pub use build::{BuildError, Hardware};
pub use devices::Device;
pub use lifecycle::{After, Lifecycle, Part, Work};
pub use memory::Memory;
pub use movement::State;
pub(crate) use shared::Shared;
pub use slot::{Run, Slot};

use crate::address::Ipa;
use crate::config::{Policy, VmConfig};
use crate::kernel_image::LoadPlan;
use crate::platform::{CoreId, VmContext};
use crate::stage2::Stage2;
use crate::vcpu::{VcpuId, VcpuSet};
use crate::vgic::Vgic;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// What happened to a VM since the machine booted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Times that it was started.
    pub starts: u64,
    /// Accesses that nothing of its machine answers.
    pub stage2_faults: u64,
    /// Stage-2 faults since it last started: only the first few are worth a message.
    pub faults_told: u64,
    /// Ticks that its memory was zeroed and its modules copied.
    pub preparation_ticks: u64,
    /// Times that it was stopped for what it did.
    pub faults: u64,
}

/// One virtual machine.
#[derive(Debug)]
pub struct Vm {
    blueprint: Arc<Blueprint>,
    slots: Vec<Slot>,
    vgic: Vgic,
    shared: Arc<Shared>,
    memory: Memory,
    stage2: Stage2,
    counter_offset: u64,
    load: LoadPlan,
    /// The kernel's file, if that is packed and half unpacked.
    #[cfg(feature = "gzip")]
    unpacking: Option<alloc::boxed::Box<unpacking::Unpacking>>,
    lifecycle: Lifecycle,
    counters: Counters,
    /// vCPUs that are kicked because of an SGI, and have not yet seen it.
    sgi_kicks: VcpuSet,
    /// Why it was last stopped by policy, for `vm info`.
    reason: Option<String>,
}

impl Vm {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.config().name
    }

    /// What the owner wants of it.
    pub fn config(&self) -> &VmConfig {
        &self.blueprint.plan.vm
    }

    /// Its vCPUs.
    pub fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// Its memory.
    pub fn memory(&self) -> &Memory {
        &self.memory
    }

    /// What happened to it.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// Why it was last stopped by policy.
    pub fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    /// Where it is in its life.
    pub fn lifecycle(&self) -> Lifecycle {
        self.lifecycle
    }

    /// The core that does the work of preparing and scrubbing it: its boot vCPU's.
    pub fn home(&self) -> CoreId {
        self.slots.first().map_or(CoreId(0), |slot| slot.core)
    }

    /// The cores of `vcpus`.
    pub fn cores_of(&self, vcpus: VcpuSet) -> impl Iterator<Item = CoreId> {
        vcpus.iter().filter_map(|vcpu| self.slots.get(vcpu.index())).map(|slot| slot.core)
    }

    /// All its cores.
    pub fn cores(&self) -> impl Iterator<Item = CoreId> {
        self.slots.iter().map(|slot| slot.core)
    }

    pub(crate) fn slot(&self, vcpu: VcpuId) -> Option<&Slot> {
        self.slots.get(vcpu.index())
    }

    pub(crate) fn slot_mut(&mut self, vcpu: VcpuId) -> Option<&mut Slot> {
        self.slots.get_mut(vcpu.index())
    }

    pub(crate) fn vgic(&mut self) -> &mut Vgic {
        &mut self.vgic
    }

    pub(crate) fn counters_mut(&mut self) -> &mut Counters {
        &mut self.counters
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// The guest's counter when the machine's is `counter`.
    pub(crate) fn guest_counter(&self, counter: u64) -> u64 {
        counter.wrapping_sub(self.counter_offset)
    }

    /// What a core needs to run `vcpu`.
    pub(crate) fn context(&self, vcpu: VcpuId) -> VmContext<'_> {
        /// MPIDR_EL1: bit 31 is RES1.
        const RES1: u64 = 1 << 31;
        VmContext {
            stage2: &self.stage2,
            vmid: self.blueprint.vmid,
            mpidr: RES1 | vcpu.affinity(),
            counter_offset: self.counter_offset,
        }
    }

    /// The INTID of the guest's virtual timer.
    pub(crate) fn virtual_timer_intid(&self) -> u32 {
        self.config().layout.virtual_timer_intid
    }

    /// The INTID of the guest's physical timer.
    pub(crate) fn physical_timer_intid(&self) -> u32 {
        self.config().layout.physical_timer_intid
    }

    /// What the owner wants when the guest does what no architecture answers.
    pub(crate) fn fault_policy(&self) -> Policy {
        self.config().on_fault
    }

    /// Whether the guest can begin to run at `address`.
    pub(crate) fn is_ram(&self, address: Ipa) -> bool {
        self.memory.contains(address)
    }
}
