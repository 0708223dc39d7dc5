//! The virtual interrupt controller of one VM: GICv2 (IHI 0048) or GICv3 (IHI 0069), the same code for both.
//!
//! Pure policy over plain data. The distributor and the redistributors live here; the CPU interfaces are the
//! hardware's, which shows to each running vCPU the interrupts in its list registers. [`Vgic::flush`] chooses
//! what stands there, [`Vgic::fold`] takes back what the guest made of it.
//!
//! - `interrupt`: one interrupt's life, and the table of its moves
//! - `registers`: the table of register offsets; `bank`, `distributor`, `redistributor`, `sgi`: what they do
//! - `delivery`: who is to get an interrupt; `candidates`: the sets that makes cheap
//! - `slots`: list registers filled (`choice`: by whom, `lend`: with what) and taken back; `hardware`: physical interrupts behind virtual ones
//! - `cpu_interface`, `state`: everything as the specification says it, to save, carry and restore

mod bank;
mod candidates;
mod choice;
mod cpu_interface;
mod delivery;
mod distributor;
mod hardware;
mod interrupt;
mod layout;
mod lend;
mod list_register;
mod redistributor;
mod registers;
mod sgi;
mod slots;
mod state;
#[cfg(test)]
mod tests;

pub use cpu_interface::CpuInterface;
pub use interrupt::{Group, Trigger};
pub use layout::{Layout, LayoutError, Version};
pub use list_register::{ListRegister, ListRegisterState, ListRegisters, MAXIMUM_LIST_REGISTERS, Maintenance};
pub use redistributor::REDISTRIBUTOR_SIZE;
pub use state::{InterruptState, RestoreError, State, VcpuState};

use crate::vcpu::{VcpuId, VcpuSet};
use alloc::vec::Vec;
use candidates::Candidates;
use interrupt::{Interrupt, Move};

/// The first INTID of the private peripheral interrupts; SGIs are below.
const FIRST_PPI: u32 = 16;
/// The first INTID of the shared peripheral interrupts.
const FIRST_SHARED: u32 = 32;

/// What there is of the controller for one vCPU.
#[derive(Clone, Debug)]
struct PerVcpu {
    private: [Interrupt; FIRST_SHARED as usize],
    candidates: Candidates,
    list_registers: ListRegisters,
    /// Bit n: list register n is out in the hardware and must be taken back at the next exit.
    recall: u16,
    /// Some candidate has no list register.
    overflow: bool,
    /// Bit n: private interrupt n is linked to a physical one.
    linked: u32,
    cpu_interface: CpuInterface,
}

impl PerVcpu {
    fn new(vcpu: VcpuId, layout: Layout) -> Self {
        let mut private = [Interrupt::new(vcpu, Trigger::Level); FIRST_SHARED as usize];
        for sgi in private.iter_mut().take(FIRST_PPI as usize) {
            sgi.trigger = Trigger::Edge;
            // GICv2: SGIs are always enabled (IHI 0048 4.3.5 leaves it to the implementation; GIC-400 does so).
            sgi.enabled = layout.version == Version::V2;
        }
        Self {
            private,
            candidates: Candidates::EMPTY,
            list_registers: ListRegisters::EMPTY,
            recall: 0,
            overflow: false,
            linked: 0,
            cpu_interface: CpuInterface::new(layout.priority_bits),
        }
    }
}

/// The interrupt controller of one VM.
#[derive(Clone, Debug)]
pub struct Vgic {
    layout: Layout,
    /// GICD_CTLR.EnableGrp0 and EnableGrp1.
    group_enables: [bool; 2],
    vcpus: Vec<PerVcpu>,
    shared: Vec<Interrupt>,
    /// GICR_WAKER.ProcessorSleep of each vCPU.
    asleep: VcpuSet,
    /// vCPUs that entered the guest since they were last reset.
    online: VcpuSet,
    /// vCPUs whose list registers are out in the hardware.
    running: VcpuSet,
    /// vCPUs that sleep out of the guest until an interrupt is pending for them.
    waiting: VcpuSet,
    /// vCPUs whose list registers must be chosen anew before they enter.
    dirty: VcpuSet,
    /// vCPUs that must hear of what the call under way changed.
    kicks: VcpuSet,
    /// Physical interrupts to deactivate: private ones with their vCPU.
    released: Vec<(Option<VcpuId>, u32)>,
}

impl Vgic {
    /// A controller out of reset. Whoever makes a layout checks it: see [`Layout::check`].
    pub fn new(layout: Layout) -> Self {
        let Layout { vcpus, spis, priority_bits, list_registers, .. } = layout;
        assert!(
            layout.check().is_ok(),
            "an unchecked layout: {vcpus} vCPUs, {spis} SPIs, {priority_bits} priority bits, {list_registers} list registers"
        );
        let ids = VcpuSet::first(layout.vcpus);
        Self {
            layout,
            group_enables: [false; 2],
            vcpus: ids.iter().map(|vcpu| PerVcpu::new(vcpu, layout)).collect(),
            shared: alloc::vec![Interrupt::new(VcpuId::BOOT, Trigger::Level); layout.spis],
            asleep: ids,
            online: VcpuSet::EMPTY,
            running: VcpuSet::EMPTY,
            waiting: VcpuSet::EMPTY,
            dirty: ids,
            kicks: VcpuSet::EMPTY,
            released: Vec::new(),
        }
    }

    /// What the controller was made with.
    pub const fn layout(&self) -> Layout {
        self.layout
    }

    /// The line of private interrupt `intid` (16 to 31) of `vcpu` is at `level`. Returns whom to kick: that is
    /// `vcpu` or nobody.
    pub fn set_private_line(&mut self, vcpu: VcpuId, intid: u32, level: bool) -> VcpuSet {
        if (FIRST_PPI..FIRST_SHARED).contains(&intid) {
            self.update(vcpu, intid, |it| it.step(if level { Move::Raise } else { Move::Lower }));
        }
        self.take_kicks()
    }

    /// The line of shared interrupt `intid` (32 and above) is at `level`. Returns whom to kick.
    pub fn set_shared_line(&mut self, intid: u32, level: bool) -> VcpuSet {
        if intid >= FIRST_SHARED {
            self.update(VcpuId::BOOT, intid, |it| it.step(if level { Move::Raise } else { Move::Lower }));
        }
        self.take_kicks()
    }

    /// Ends interrupt `intid` for `vcpu`, which wrote it to ICC_DIR_EL1 or GICC_DIR and was trapped. Returns the
    /// other vCPUs to kick.
    pub fn deactivate(&mut self, vcpu: VcpuId, intid: u32) -> VcpuSet {
        self.write_active(vcpu, intid, false);
        self.take_kicks()
    }

    /// The CPU interface of a parked `vcpu`; of a loaded one, what it was when last parked.
    pub fn cpu_interface(&self, vcpu: VcpuId) -> Option<&CpuInterface> {
        self.vcpus.get(vcpu.index()).map(|per| &per.cpu_interface)
    }

    /// Parks `vcpu`, which is not in the guest: nothing of it stays in list registers. Returns its CPU interface,
    /// to be set to what the hardware had.
    pub fn cpu_interface_mut(&mut self, vcpu: VcpuId) -> Option<&mut CpuInterface> {
        self.take_out_all(vcpu);
        self.waiting.remove(vcpu);
        self.vcpus.get_mut(vcpu.index()).map(|per| &mut per.cpu_interface)
    }

    /// Resets what belongs to `vcpu`'s power domain when it is switched off or on (PSCI DEN0022 5.4 and 5.6):
    /// its CPU interface, and its redistributor sleeps. Its private interrupts keep their state, as they do in a
    /// redistributor that stays powered. It must not be in the guest. Returns the other vCPUs to kick.
    pub fn reset_vcpu(&mut self, vcpu: VcpuId) -> VcpuSet {
        let priority_bits = self.layout.priority_bits;
        if let Some(interface) = self.cpu_interface_mut(vcpu) {
            *interface = CpuInterface::new(priority_bits);
        }
        self.running.remove(vcpu);
        self.online.remove(vcpu);
        self.asleep.insert(vcpu);
        self.dirty.insert(vcpu);
        self.refresh_shared();
        self.take_kicks()
    }

    /// Resets the whole controller. No vCPU may be in the guest. Lines are low and must be driven again; links to
    /// hardware stay, and what was active for them is left to [`Self::take_released`].
    pub fn reset(&mut self) {
        let links = self.take_links();
        let released = core::mem::take(&mut self.released);
        *self = Self::new(self.layout);
        self.released = released;
        for (vcpu, intid, physical) in links {
            self.link_hardware(vcpu, intid, physical);
        }
    }
}
