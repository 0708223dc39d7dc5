//! The machine: everything that the cores share, and each core's own part.

use super::interface::Interface;
use super::machine::{Shape, VIRTUAL_TIMER};
use super::memory::Memory;
use super::physical_timer::Oracle;
use super::program::Program;
use super::tables::Tables;
use super::translate::{Root, Tlb};
use super::uart::Uart;
use crate::random::Random;
use bulkhead_vmm::address::{Pa, Range};
use bulkhead_vmm::platform::PhysicalInterrupt;
use bulkhead_vmm::vcpu::{FloatingPoint, SystemRegisters, Timers, Vcpu};
use bulkhead_vmm::vgic::CpuInterface;
use std::collections::BTreeMap;

/// Where a core waits for an interrupt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asleep {
    /// In a guest.
    Guest,
    /// In the hypervisor.
    Hypervisor,
}

/// A vCPU's state while it lives in a core.
#[derive(Clone, Debug)]
pub(super) struct Live {
    pub system: SystemRegisters,
    pub floating_point: FloatingPoint,
    /// The virtual one's registers and CNTKCTL_EL1; the physical one is not in hardware.
    pub timers: Timers,
    pub interface: Interface,
    pub root: Root,
    pub mpidr: u64,
    pub counter_offset: u64,
    /// HCR_EL2.TWI.
    pub trap_wait: bool,
}

impl Live {
    /// Whether nothing of a vCPU's former life is left here.
    pub fn is_out_of_reset(&self) -> bool {
        let system = SystemRegisters { sctlr_el1: 0x30d0_0800, ..Default::default() };
        let (floating_point, timers) = (FloatingPoint::default(), Timers::default());
        (&self.system, &self.floating_point, &self.timers) == (&system, &floating_point, &timers)
            && self.interface.is_out_of_reset()
    }
}

/// One core.
#[derive(Debug, Default)]
pub(super) struct CoreHardware {
    pub live: Option<Live>,
    pub tlb: Tlb,
    /// GICv2: a bit for each core that kicked it. GICv3: bit 0.
    pub kicked: u64,
    /// When the kicks arrive.
    pub kicked_at: u64,
    /// Who rang its doorbell, likewise, and when that arrives.
    pub rung: u64,
    pub rung_at: u64,
    /// The active bit of the virtual timer's physical interrupt.
    pub timer_active: bool,
    pub hypervisor_timer: Option<u64>,
    pub asleep: Option<Asleep>,
    pub in_guest: bool,
    /// Ticks slept in the guest, and how many times.
    pub slept_in_guest: (u64, u64),
}

/// What a vCPU was when it was last parked, or loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Parked {
    pub vcpu: Vcpu,
    pub interface: CpuInterface,
    pub active: Vec<u32>,
}

/// What happened, to know that a test has tried it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Instructions of guests.
    pub instructions: u64,
    /// Returns of `CoreLoop::step`.
    pub steps: u64,
    /// vCPUs loaded exactly as they were parked.
    pub loaded_again: u64,
    /// vCPUs loaded otherwise: out of reset.
    pub loaded_anew: u64,
    /// vCPUs that were reset in the core where they live.
    pub reset_in_place: u64,
    /// vCPUs parked or loaded with the timer's physical interrupt active.
    pub carried_active: u64,
    /// Physical interrupts that were deactivated by the hypervisor.
    pub released: u64,
    /// Maintenance interrupts that made a guest exit.
    pub maintenance: u64,
    /// Kernels that were loaded into RAM found zeroed.
    pub kernels_loaded: u64,
    /// Interrupts that guests took.
    pub taken: u64,
    /// Interrupts of the housekeeping core's hypervisor timer.
    pub housekeeping_timers: u64,
    /// Interrupts of the other cores' hypervisor timers.
    pub hypervisor_timers: u64,
    /// Interrupts of the UART.
    pub uart_interrupts: u64,
    /// Doorbells rung.
    pub rung: u64,
    /// Loads that were told wrong.
    pub misreported: u64,
}

/// The whole machine.
#[derive(Debug)]
pub struct Hardware {
    pub(super) shape: Shape,
    pub(super) now: u64,
    pub(super) memory: Memory,
    pub(super) tables: Tables,
    pub(super) cores: Vec<CoreHardware>,
    pub(super) uart: Uart,
    pub(super) random: Random,
    pub(super) programs: Vec<Program>,
    /// The RAM of each VM.
    pub(super) guests: Vec<Vec<Range<Pa>>>,
    /// By VMID and MPIDR.
    pub(super) parked: BTreeMap<(u8, u64), Parked>,
    pub(super) loaded: BTreeMap<(u8, u64), Parked>,
    /// Judges the physical timer of the first VM, which has one vCPU.
    pub(super) physical_timer: Option<Oracle>,
    pub(super) tally: Tally,
    /// What the cores may still do before the baton comes back.
    pub(super) budget: u64,
    pub(super) idle: bool,
    pub(super) powered_off: bool,
    pub(super) panic: Option<String>,
}

impl Hardware {
    /// A machine of this shape, just switched on.
    pub fn new(shape: Shape, random: Random) -> Self {
        Self {
            shape,
            now: 1_000_000,
            memory: Memory::new(),
            tables: Tables::new(shape.tables),
            cores: (0..shape.cores).map(|_| CoreHardware::default()).collect(),
            uart: Uart::default(),
            random,
            programs: Vec::new(),
            guests: Vec::new(),
            parked: BTreeMap::new(),
            loaded: BTreeMap::new(),
            physical_timer: None,
            tally: Tally::default(),
            budget: 0,
            idle: false,
            powered_off: false,
            panic: None,
        }
    }

    /// Lets one tick pass.
    pub(super) fn tick(&mut self) {
        self.advance(self.now + 1);
    }

    fn advance(&mut self, to: u64) {
        self.now = to;
        self.uart.advance(to);
    }

    /// Whether the line of the virtual timer in `core` is high.
    pub(super) fn timer_line(&self, core: usize) -> bool {
        const ENABLE_AND_MASK: u64 = 0b11;
        self.cores[core].live.as_ref().is_some_and(|live| {
            let count = self.now.wrapping_sub(live.counter_offset);
            live.timers.virtual_control & ENABLE_AND_MASK == 1 && count >= live.timers.virtual_compare
        })
    }

    /// The physical interrupts that are pending at `core`.
    pub(super) fn pending(&self, core: usize) -> Vec<PhysicalInterrupt> {
        let it = &self.cores[core];
        let maintenance = it.live.as_ref().is_some_and(|live| live.interface.maintenance());
        let lines = [
            (it.kicked != 0 && it.kicked_at <= self.now, PhysicalInterrupt::Kick),
            (it.rung != 0 && it.rung_at <= self.now, PhysicalInterrupt::Mail),
            (maintenance, PhysicalInterrupt::Maintenance),
            (it.hypervisor_timer.is_some_and(|at| at <= self.now), PhysicalInterrupt::HypervisorTimer),
            (self.timer_line(core) && !it.timer_active, PhysicalInterrupt::VirtualTimer),
            (core == self.shape.housekeeping && self.uart.line(), PhysicalInterrupt::Uart),
        ];
        lines.into_iter().filter(|(pending, _)| *pending).map(|(_, interrupt)| interrupt).collect()
    }

    /// Whether any is.
    pub(super) fn is_pending(&self, core: usize) -> bool {
        !self.pending(core).is_empty()
    }

    /// The core acknowledges one of them: all have the same priority.
    pub(super) fn acknowledge(&mut self, core: usize) -> Option<PhysicalInterrupt> {
        let pending = self.pending(core);
        if pending.is_empty() {
            return None;
        }
        let interrupt = self.random.pick(&pending);
        let it = &mut self.cores[core];
        match interrupt {
            PhysicalInterrupt::Kick => it.kicked &= it.kicked - 1,
            PhysicalInterrupt::Mail => it.rung &= it.rung - 1,
            PhysicalInterrupt::VirtualTimer => it.timer_active = true,
            PhysicalInterrupt::HypervisorTimer => {
                it.hypervisor_timer = None;
                match core == self.shape.housekeeping {
                    true => self.tally.housekeeping_timers += 1,
                    false => self.tally.hypervisor_timers += 1,
                }
            }
            PhysicalInterrupt::Uart => self.tally.uart_interrupts += 1,
            _ => {}
        }
        Some(interrupt)
    }

    /// `from` kicks `to`, which takes some time.
    pub(super) fn kick(&mut self, from: usize, to: usize) {
        let source = if self.shape.v3 { 0 } else { from };
        let arrives = self.now + self.random.below(8);
        let core = &mut self.cores[to];
        if core.kicked == 0 {
            core.kicked_at = arrives;
        }
        core.kicked |= 1 << source;
    }

    /// `from` rings the doorbell of `to`, which takes some time.
    pub(super) fn ring(&mut self, from: usize, to: usize) {
        self.tally.rung += 1;
        let source = if self.shape.v3 { 0 } else { from };
        let arrives = self.now + self.random.below(8);
        let core = &mut self.cores[to];
        if core.rung == 0 {
            core.rung_at = arrives;
        }
        core.rung |= 1 << source;
    }

    /// Whether anything will wake `core` that is not of its own making.
    pub(super) fn will_wake(&self, core: usize) -> bool {
        let core_hardware = &self.cores[core];
        core_hardware.kicked != 0 || core_hardware.rung != 0 || self.is_pending(core)
    }

    /// A physical interrupt that a guest's end of a virtual one deactivates.
    pub(super) fn deactivate_by_guest(&mut self, core: usize, physical: Option<u32>) {
        match physical {
            None => {}
            Some(VIRTUAL_TIMER) => self.cores[core].timer_active = false,
            Some(other) => panic!("physical interrupt {other} was linked"),
        }
    }

    /// Who has the baton next: one of the cores that can go on. If none can, time passes until one can. If none
    /// ever will, or enough has happened, the one who watches, who has the number after the cores'.
    pub(super) fn choose_next(&mut self) -> usize {
        let watcher = self.cores.len();
        if self.powered_off || self.panic.is_some() || self.budget == 0 {
            return watcher;
        }
        self.budget -= 1;
        loop {
            let can = |core: &usize| self.cores[*core].asleep.is_none() || self.is_pending(*core);
            let ready: Vec<usize> = (0..watcher).filter(can).collect();
            if !ready.is_empty() {
                return self.random.pick(&ready);
            }
            match self.next_event() {
                Some(event) => self.advance(event.max(self.now + 1)),
                None => {
                    self.idle = true;
                    return watcher;
                }
            }
        }
    }

    /// When something will happen with every core asleep.
    fn next_event(&self) -> Option<u64> {
        let cores = self.cores.iter().flat_map(|core| {
            let virtual_timer = core.live.as_ref().filter(|live| live.timers.virtual_control & 0b11 == 1);
            let expiry = virtual_timer.filter(|_| !core.timer_active).and_then(|live| {
                let count = self.now.wrapping_sub(live.counter_offset);
                self.now.checked_add(live.timers.virtual_compare.checked_sub(count)?)
            });
            let kick = (core.kicked != 0).then_some(core.kicked_at);
            [core.hypervisor_timer, expiry, kick, (core.rung != 0).then_some(core.rung_at)]
        });
        cores.chain([self.uart.next_event()]).flatten().filter(|event| *event < u64::MAX / 2).min()
    }

    /// Notes which tables a walker could still reach.
    pub(super) fn note_reachable(&mut self) {
        let roots = self.cores.iter().filter_map(|core| core.live.as_ref().map(|live| live.root.table));
        let walked = self.cores.iter().flat_map(|core| core.tlb.tables());
        self.tables.reachable = roots.chain(walked).collect();
    }

    /// Which VM's RAM holds `address`.
    pub(super) fn owner(&self, address: u64) -> Option<usize> {
        self.guests.iter().position(|pieces| pieces.iter().any(|piece| piece.contains(Pa::new(address))))
    }
}
