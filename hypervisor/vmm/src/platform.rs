//! The seam: what policy asks of mechanism. el2 implements it for the hardware, tests for a scripted guest.

use crate::address::{Ipa, Pa, Range};
use crate::exit::{RawExit, Syndrome, VectorNumber};
use crate::stage2::Stage2;
use crate::vcpu::{LoadedVcpu, Vcpu};
use crate::vgic::{CpuInterface, ListRegister, ListRegisters};
use alloc::boxed::Box;
use alloc::vec::Vec;

/// A physical core: its index among the cores that run, in the order of `/cpus`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CoreId(pub usize);

/// A VM's tag in the TLB (VTTBR_EL2.VMID), 1 to 255; 0 is nobody's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vmid(pub u8);

/// Memory for translation tables of 512 eight-byte descriptors.
pub trait TableMemory {
    /// A zeroed table, or `None` if there is no more.
    fn allocate(&mut self) -> Option<Pa>;
    /// Takes back a table from [`Self::allocate`] that no walker can reach any more.
    fn free(&mut self, table: Pa);
    /// The descriptor at `index`, below 512.
    fn read(&self, table: Pa, index: usize) -> u64;
    /// Writes the descriptor at `index`, below 512, and makes it visible to every table walker.
    fn write(&mut self, table: Pa, index: usize, descriptor: u64);
}

/// What [`Platform::ring`] must know of a core, whatever that is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Doorbell(pub u64);

/// A physical interrupt, by what it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PhysicalInterrupt {
    /// CNTV of the loaded vCPU. It stays active until the guest ends its virtual counterpart.
    VirtualTimer,
    /// CNTHP, armed by [`Platform::arm_timer`].
    HypervisorTimer,
    /// The virtual CPU interface asks for attention.
    Maintenance,
    /// Another core called [`Platform::kick`].
    Kick,
    /// Another core called [`Platform::ring`].
    Mail,
    /// The board's UART.
    Uart,
    /// Nothing that anyone asked for.
    Unknown(u32),
}

/// What differs between the VMs that share a core, beside their vCPUs.
#[derive(Clone, Copy, Debug)]
pub struct VmContext<'vm> {
    /// The guest's address space.
    pub stage2: &'vm Stage2,
    /// Its tag in the TLB.
    pub vmid: Vmid,
    /// The MPIDR_EL1 that the vCPU reads.
    pub mpidr: u64,
    /// Ticks by which the guest's counter is behind the machine's (CNTVOFF_EL2).
    pub counter_offset: u64,
}

/// One physical core and what of the machine it can reach. All its methods run on that core.
pub trait Platform {
    /// Memory for the stage-2 tables of every VM.
    type Tables: TableMemory;

    /// Which core this is.
    fn core(&self) -> CoreId;

    /// Makes `vcpu` live in this core: registers, timers, CPU interface, stage 2, and the active bit of each
    /// physical interrupt in `active`, which a virtual one that is still in service is linked to.
    fn load(&mut self, vcpu: Box<Vcpu>, context: VmContext<'_>, interface: &CpuInterface, active: &[u32])
    -> LoadedVcpu;

    /// Makes the loaded vCPU one out of reset, where it is: registers, timers, translations, `interface`, no list register
    /// in use. The active bits of physical interrupts stay.
    fn reset(&mut self, vcpu: &mut LoadedVcpu, interface: &CpuInterface);

    /// Takes the vCPU out of this core, with its CPU interface; clears the active bit of each physical
    /// interrupt in `active`.
    fn park(&mut self, vcpu: LoadedVcpu, interface: &mut CpuInterface, active: &[u32]) -> Box<Vcpu>;

    /// Puts the list registers that changed into the hardware, where they are the guest's until they are read back.
    fn write_list_registers(&mut self, list_registers: &mut ListRegisters);

    /// Makes the interrupt in list register `index` pending, whatever else it is; `register` was pending, too, when it
    /// was written there. One linked to hardware has been ended since.
    fn make_pending(&mut self, index: u8, register: ListRegister);

    /// Reads back those in use.
    fn read_list_registers(&mut self, list_registers: &mut ListRegisters);

    /// Runs the guest until its next exit. The list registers are in the hardware.
    fn enter(&mut self, vcpu: &mut LoadedVcpu) -> VectorNumber;

    /// What the last exit left in the core's syndrome registers, which was by `number`.
    fn describe(&mut self, number: VectorNumber) -> RawExit;

    /// Whether the loaded vCPU leaves the guest instead of sleeping in its WFI. After [`Self::load`] it does not.
    fn trap_wait(&mut self, trap: bool);

    /// Makes the loaded vCPU take an exception at its EL1 when it is entered next.
    fn inject(&mut self, vcpu: &mut LoadedVcpu, syndrome: Syndrome);

    /// SCTLR_EL1 of the loaded vCPU.
    fn system_control(&self) -> u64;

    /// Where the virtual `address` leads the loaded vCPU by its own tables, at its EL0 (`unprivileged`) or its EL1, if it may
    /// read there.
    fn translate(&mut self, address: u64, unprivileged: bool) -> Option<Ipa>;

    /// MIDR_EL1 of this core, by which its errata are known.
    fn main_id(&self) -> u64;

    /// Acknowledges the most urgent physical interrupt that is pending, if any, and drops its priority. All but
    /// [`PhysicalInterrupt::VirtualTimer`] are also deactivated.
    fn acknowledge(&mut self) -> Option<PhysicalInterrupt>;

    /// Deactivates a physical interrupt that this core acknowledged and that no guest will end.
    fn deactivate(&mut self, physical: u32);

    /// Wakes `core` out of its guest or its sleep, so that it looks again at what it should do.
    fn kick(&mut self, core: CoreId);

    /// This core's doorbell.
    fn doorbell(&self) -> Doorbell;

    /// Makes the core with the `doorbell` look into the mailbox of the vCPU that is loaded there
    /// ([`crate::vgic::Mailboxes`]): that, and not what else it should do.
    fn ring(&mut self, doorbell: Doorbell);

    /// The level of the loaded vCPU's virtual timer: it is enabled, expired and not masked.
    fn virtual_timer_line(&self) -> bool;

    /// Sleeps until an interrupt is pending. `note` is given [the counter](Self::counter) before (`true`) and after, for
    /// statistics.
    fn wait_for_interrupt(&mut self, note: impl Fn(bool, u64));

    /// Waits a moment for another core, which has been kicked.
    fn give_way(&mut self);

    /// The machine's counter, in ticks of CNTFRQ_EL0.
    fn counter(&self) -> u64;

    /// Ticks of the counter in a second.
    fn counter_frequency(&self) -> u64;

    /// Arms this core's hypervisor timer for the counter value `deadline`; `None` stops it.
    fn arm_timer(&mut self, deadline: Option<u64>);

    /// Runs `work` with the memory for stage-2 tables, which all cores share.
    fn with_tables<R>(&mut self, work: impl FnOnce(&mut Self::Tables) -> R) -> R;

    /// Forgets every translation tagged with `vmid`, on all cores.
    fn invalidate_vm(&mut self, stage2: &Stage2, vmid: Vmid);

    /// Makes instructions just written to guest memory visible to every core's instruction fetch.
    fn synchronize_instructions(&mut self);

    /// Physical memory for a guest: `size` bytes (a multiple of 4 KiB) in naturally aligned pieces, largest
    /// first; `None` if there is not so much.
    fn allocate_memory(&mut self, size: u64) -> Option<Vec<Range<Pa>>>;

    /// Takes back memory from [`Self::allocate_memory`].
    fn free_memory(&mut self, memory: &[Range<Pa>]);

    /// Zeroes a guest's memory and cleans it to the point of coherency. Returns how many bytes from its start: all, or
    /// at least one if an interrupt is pending, for which nobody waits longer than for a megabyte.
    fn zero(&mut self, memory: Range<Pa>) -> u64;

    /// Copies `source` to guest memory at `destination`, and cleans it to the point of coherency. The two must
    /// not overlap. Returns how many bytes, as [`Self::zero`].
    fn copy(&mut self, destination: Pa, source: Range<Pa>) -> u64;

    /// Copies `bytes` to guest memory at `destination`, and cleans them to the point of coherency.
    fn write_memory(&mut self, destination: Pa, bytes: &[u8]);

    /// Copies memory from `source` into `bytes`.
    fn read_memory(&mut self, source: Pa, bytes: &mut [u8]);

    /// Gives bytes to the UART until it takes no more; returns how many it took. While some are left, the UART
    /// interrupts when it has room again.
    fn uart_write(&mut self, bytes: &[u8]) -> usize;

    /// Asks for an interrupt when the UART has room (`true`), or no longer.
    fn uart_transmit_interrupt(&mut self, wanted: bool);

    /// Whether the UART interrupts at all. If not it is looked at by the clock.
    fn uart_interrupts(&self) -> bool {
        true
    }

    /// The next byte that the UART received.
    fn uart_read(&mut self) -> Option<u8>;
}

/// Where guest addresses lead: the VM's RAM as pieces of physical memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemoryPiece {
    /// The guest's address.
    pub guest: Ipa,
    /// The machine's memory behind it.
    pub physical: Range<Pa>,
}
