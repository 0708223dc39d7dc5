//! The virtual interrupt controller of one VM: GICv2 (IHI 0048) or GICv3 (IHI 0069), the same code for both.
//!
//! Pure policy over plain data. The distributor and the redistributors live here; the CPU interfaces are the
//! hardware's, which shows to each running vCPU the interrupts in its list registers. [`Vgic::flush`] chooses
//! what stands there, [`Vgic::fold`] takes back what the guest made of it, which not every exit needs to know
//! ([`Vgic::enter_again`]).
//!
//! - `life`: the states of an interrupt and all its moves, for 32 at once; `bank`: 32 with all that belongs to them
//! - `registers`: the table of register offsets; `lookup`: which an access is to; `frames`, `fields`, `sgi`: what they do
//! - `delivery`: who is to get an interrupt; `mailbox`: SGIs that come again
//! - `slots`: list registers filled (`choice`: by whom) and taken back; `hardware`: physical interrupts behind virtual ones
//! - `interrupts`, `cpu_interface`, `state`: everything as the specification says it, to save, carry and restore

mod bank;
mod choice;
mod cpu_interface;
mod delivery;
mod fields;
mod frames;
mod hardware;
mod interrupts;
mod layout;
mod life;
mod list_register;
mod lookup;
mod mailbox;
mod registers;
mod sgi;
mod slots;
mod state;
#[cfg(test)]
mod tests;

pub use cpu_interface::CpuInterface;
pub use frames::{Part, REDISTRIBUTOR_SIZE};
pub use interrupts::{Detail, Group, Interrupts};
pub use layout::{Layout, LayoutError, Version};
pub use list_register::{ListRegister, ListRegisterState, ListRegisters, MAXIMUM_LIST_REGISTERS, Maintenance};
pub use lookup::Access;
pub use mailbox::{Mail, Mailboxes};
pub use registers::{Field, Frame, Register, SGIR};
pub use state::{RestoreError, State};

use crate::vcpu::{VcpuId, VcpuSet};
use alloc::sync::Arc;
use alloc::vec::Vec;
use bank::Bank;
use choice::Chosen;

/// The first INTID of the private peripheral interrupts; SGIs are below.
const FIRST_PPI: u32 = 16;
/// The first INTID of the shared peripheral interrupts.
const FIRST_SHARED: u32 = 32;

/// The SGIs among a vCPU's private interrupts, a bit each.
const SGIS: u32 = 0xFFFF;

/// What there is of the controller for one vCPU.
#[derive(Clone, Copy, Debug)]
struct PerVcpu {
    list_registers: ListRegisters,
    /// Bit n: list register n is out in the hardware and must be taken back at the next exit.
    recall: u16,
    /// Some candidate has no list register.
    overflow: bool,
    cpu_interface: CpuInterface,
}

/// The interrupt controller of one VM.
#[derive(Debug)]
pub struct Vgic {
    layout: Layout,
    /// GICD_TYPER.
    distributor_type: u64,
    /// GICD_CTLR.EnableGrp0 and EnableGrp1: all ones for one.
    group_enables: [u32; 2],
    vcpus: Vec<PerVcpu>,
    /// Each vCPU's private interrupts, then the shared ones, 32 by 32.
    banks: Vec<Bank>,
    /// Bit n: some interrupt of bank n may be a candidate for list registers; if not, none is.
    busy: u64,
    /// Bit n: some physical interrupt of bank n is to be deactivated.
    released: u64,
    /// GICR_WAKER.ProcessorSleep of each vCPU.
    asleep: VcpuSet,
    /// vCPUs that entered the guest since they were last reset.
    online: VcpuSet,
    /// vCPUs whose list registers are out in the hardware.
    out: VcpuSet,
    /// vCPUs that are in the guest.
    running: VcpuSet,
    /// vCPUs that sleep out of the guest until an interrupt is pending for them.
    waiting: VcpuSet,
    /// vCPUs whose list registers must be chosen anew before they enter.
    dirty: VcpuSet,
    /// vCPUs that must hear of what the call under way changed.
    kicks: VcpuSet,
    mailboxes: Arc<Mailboxes>,
}

impl Vgic {
    /// A controller out of reset. Whoever makes a layout checks it: see [`Layout::check`].
    pub fn new(layout: Layout) -> Self {
        assert!(layout.check().is_ok(), "an unchecked layout of an interrupt controller");
        let all = VcpuSet::first(layout.vcpus);
        let cpu_interface = CpuInterface::new(layout.priority_bits);
        let per = PerVcpu { list_registers: ListRegisters::EMPTY, recall: 0, overflow: false, cpu_interface };
        let mut banks = alloc::vec![Bank::new(0); layout.vcpus + layout.spis / 32];
        let (private, shared) = banks.split_at_mut(layout.vcpus);
        for (index, bank) in private.iter_mut().enumerate() {
            bank.belong_to(index.to_le_bytes()[0]);
            bank.lives.edge = SGIS;
            // GICv2: SGIs are always enabled (IHI 0048 4.3.5 leaves it to the implementation; GIC-400 does so).
            bank.enabled = if layout.version == Version::V2 { SGIS } else { 0 };
        }
        for (bank, first) in shared.iter_mut().zip((FIRST_SHARED..).step_by(32)) {
            bank.first = first;
        }
        Self {
            layout,
            distributor_type: frames::distributor_type(&layout),
            group_enables: [0; 2],
            vcpus: alloc::vec![per; layout.vcpus],
            banks,
            busy: 0,
            released: 0,
            asleep: all,
            online: VcpuSet::EMPTY,
            out: VcpuSet::EMPTY,
            running: VcpuSet::EMPTY,
            waiting: VcpuSet::EMPTY,
            dirty: all,
            kicks: VcpuSet::EMPTY,
            mailboxes: Arc::new(Mailboxes::new(layout.version, layout.vcpus)),
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
            self.set_line(vcpu.index(), intid, level);
        }
        self.take_kicks()
    }

    /// The line of shared interrupt `intid` (32 and above) is at `level`. Returns whom to kick.
    pub fn set_shared_line(&mut self, intid: u32, level: bool) -> VcpuSet {
        let (index, position) = self.locate(VcpuId::BOOT, intid);
        if intid >= FIRST_SHARED {
            self.set_line(index, position, level);
        }
        self.take_kicks()
    }

    /// Ends interrupt `intid` for `vcpu`, which wrote it to ICC_DIR_EL1 or GICC_DIR and was trapped. Returns the
    /// other vCPUs to kick.
    pub fn deactivate(&mut self, vcpu: VcpuId, intid: u32) -> VcpuSet {
        let (index, position) = self.locate(vcpu, intid);
        self.write_active(vcpu, index, 1 << position, false);
        self.take_kicks()
    }

    /// Whether `vcpu` has yet to see a change of what it has in the hardware.
    fn recalling_from(&self, vcpu: VcpuId) -> bool {
        self.vcpus.get(vcpu.index()).is_some_and(|per| per.recall != 0)
    }

    /// The CPU interface of a parked `vcpu`; of a loaded one, what it was when last parked.
    pub fn cpu_interface(&self, vcpu: VcpuId) -> Option<&CpuInterface> {
        self.vcpus.get(vcpu.index()).map(|per| &per.cpu_interface)
    }

    /// Of `vcpu`, which is not in the guest and is parked or reset, nothing stays in list registers. Returns its CPU interface,
    /// to be set to what the hardware had.
    pub fn cpu_interface_mut(&mut self, vcpu: VcpuId) -> Option<&mut CpuInterface> {
        self.take_out_all_but(vcpu, &Chosen::new(0));
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
        self.reconsider_routes();
        self.take_kicks()
    }

    /// `vcpu` was reset, and its list registers are empty in the hardware. If no interrupt wants one, it can enter with
    /// them as they are ([`Self::enter_again`]) once it is switched on, unless something changes meanwhile.
    pub fn settle(&mut self, vcpu: VcpuId) {
        let idle = self.candidates(vcpu).next().is_none();
        if idle && let Some(per) = self.vcpus.get_mut(vcpu.index()) {
            per.list_registers.changed = 0;
            per.list_registers.maintenance = Maintenance::NONE;
            per.overflow = false;
            self.dirty.remove(vcpu);
        }
    }

    /// `vcpu`, which was reset when it was switched off, is switched on. Returns the other vCPUs to kick.
    pub fn switch_on(&mut self, vcpu: VcpuId) -> VcpuSet {
        // Another may have woken its redistributor meanwhile.
        self.asleep.insert(vcpu);
        self.online.insert(vcpu);
        self.reconsider_routes();
        self.take_kicks()
    }

    /// Resets the whole controller. No vCPU may be in the guest. Lines are low and must be driven again; links to
    /// hardware stay, and what was active for them is left to [`Self::take_released`].
    pub fn reset(&mut self) {
        let before = core::mem::replace(self, Self::new(self.layout));
        for (index, (bank, before)) in self.banks.iter_mut().zip(&before.banks).enumerate() {
            bank.physical = before.physical;
            bank.lives.inherit(&before.lives);
            self.released |= u64::from(bank.lives.released() != 0) << index;
        }
    }
}
