//! The seam: [`Platform`] on the simulated hardware.

use super::baton::Baton;
use super::hardware::{Asleep, Hardware, Live, Parked};
use super::interface::Interface;
use super::machine::{Guest, VIRTUAL_TIMER};
use super::tables::Tables;
use super::translate::Root;
use bulkhead_vmm::address::{Ipa, Pa, Range};
use bulkhead_vmm::exit::{RawExit, Syndrome, VectorNumber, exception_entry};
use bulkhead_vmm::platform::{CoreId, Doorbell, PhysicalInterrupt, Platform, VmContext, Vmid};
use bulkhead_vmm::run::Machine;
use bulkhead_vmm::stage2::Stage2;
use bulkhead_vmm::vcpu::{LoadedVcpu, SystemRegisters, Vcpu};
use bulkhead_vmm::vgic::{CpuInterface, ListRegister, ListRegisters};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// Bytes that are zeroed or copied at a time.
const PIECE: u64 = 1 << 20;

/// What a loaded vCPU's storage holds of what lives in the core: nobody may read it.
const POISON: u64 = 0xdead_dead_dead_dead;

/// What all threads of a world share.
#[derive(Debug)]
pub struct Shared {
    hardware: Mutex<Hardware>,
    pub(super) baton: Baton,
    pub(super) machine: OnceLock<Machine>,
    messages: Mutex<Vec<String>>,
    pub(super) news: AtomicBool,
}

impl Shared {
    pub(super) fn new(hardware: Hardware) -> Self {
        let cores = hardware.cores.len();
        Self {
            hardware: Mutex::new(hardware),
            baton: Baton::new(cores + 1, cores),
            machine: OnceLock::new(),
            messages: Mutex::new(Vec::new()),
            news: AtomicBool::new(false),
        }
    }

    pub(super) fn hardware(&self) -> MutexGuard<'_, Hardware> {
        self.hardware.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every message so far.
    pub(super) fn messages(&self) -> Vec<String> {
        self.messages.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn log(&self, message: String) {
        if let Some(machine) = self.machine.get()
            && let Some(port) = machine.ports.get(machine.log_port())
        {
            let mut port = port.lock();
            message.bytes().chain([b'\n']).for_each(|byte| {
                port.push(byte);
            });
            self.news.store(true, Ordering::Relaxed);
        }
        self.messages.lock().unwrap_or_else(PoisonError::into_inner).push(message);
    }
}

/// One core.
#[derive(Debug)]
pub struct Core {
    pub(super) id: CoreId,
    pub(super) shared: Arc<Shared>,
    /// Its last exit, until it is described.
    exit: Option<RawExit>,
}

impl Core {
    pub(super) fn new(id: CoreId, shared: &Arc<Shared>) -> Self {
        Self { id, shared: Arc::clone(shared), exit: None }
    }

    pub(super) fn hardware(&self) -> MutexGuard<'_, Hardware> {
        self.shared.hardware()
    }

    /// Lets others go on, if chance wants it and no lock is held that they could wait for.
    pub(super) fn breathe(&self) {
        let Some(machine) = self.shared.machine.get() else { return };
        let wanted = {
            let mut hardware = self.hardware();
            hardware.tick();
            hardware.random.one_in(4)
        };
        let free = || {
            machine.vms.iter().all(|vm| vm.try_lock().is_some())
                && machine.ports.iter().all(|port| port.try_lock().is_some())
                && machine.log.try_lock().is_some()
        };
        if wanted && free() {
            self.pass();
        }
    }

    /// Gives the baton to whoever is chosen, and waits to get it back.
    pub(super) fn pass(&self) {
        let next = self.hardware().choose_next();
        self.shared.baton.pass(self.id.0, next);
    }

    /// Sleeps until a physical interrupt is pending.
    pub(super) fn sleep(&self, where_: Asleep) {
        let since = self.counter();
        self.hardware().cores[self.id.0].asleep = Some(where_);
        while !self.hardware().is_pending(self.id.0) {
            self.pass();
        }
        let ticks = self.counter() - since;
        let core = &mut self.hardware().cores[self.id.0];
        core.asleep = None;
        if where_ == Asleep::Guest {
            core.slept_in_guest = (core.slept_in_guest.0 + ticks, core.slept_in_guest.1 + 1);
        }
    }
}

fn poisoned() -> SystemRegisters {
    SystemRegisters { vbar_el1: POISON, ..Default::default() }
}

/// The virtual timer's active bit, out of a list of physical interrupts that can be active for a guest.
fn timer_in(active: &[u32]) -> bool {
    assert!(active.iter().all(|intid| *intid == VIRTUAL_TIMER), "only the virtual timer is linked: {active:?}");
    !active.is_empty()
}

/// As much of `memory` as is zeroed or copied before others may have their turn.
fn first_piece(memory: Range<Pa>) -> Range<Pa> {
    Range::<Pa>::new(memory.start(), memory.size().min(PIECE)).expect("a part of a range is one")
}

impl Platform for Core {
    type Tables = Tables;

    fn core(&self) -> CoreId {
        self.id
    }

    fn load(
        &mut self,
        mut vcpu: Box<Vcpu>,
        context: VmContext<'_>,
        interface: &CpuInterface,
        active: &[u32],
    ) -> LoadedVcpu {
        let mut hardware = self.hardware();
        let (v3, count) = (hardware.shape.v3, hardware.shape.list_registers);
        let vmid = context.vmid.0;
        let was = hardware.parked.remove(&(vmid, context.mpidr));
        let is = Parked { vcpu: Vcpu::clone(&vcpu), interface: *interface, active: active.to_vec() };
        match was.as_ref() == Some(&is) {
            true => hardware.tally.loaded_again += 1,
            false => hardware.tally.loaded_anew += 1,
        }
        hardware.loaded.insert((vmid, context.mpidr), is);
        hardware.tally.carried_active += u64::from(!active.is_empty());
        let core = &mut hardware.cores[self.id.0];
        assert!(core.live.is_none(), "two vCPUs are loaded on core {}", self.id.0);
        core.timer_active = timer_in(active);
        core.tlb.invalidate(vmid);
        core.live = Some(Live {
            system: core::mem::replace(&mut vcpu.system, poisoned()),
            floating_point: core::mem::take(&mut vcpu.floating_point),
            timers: vcpu.timers.clone(),
            interface: Interface::new(*interface, v3, count),
            root: Root { table: context.stage2.root().get(), bits: context.stage2.geometry().bits(), vmid },
            mpidr: context.mpidr,
            counter_offset: context.counter_offset,
            trap_wait: false,
        });
        (vcpu.timers.virtual_compare, vcpu.timers.virtual_control) = (POISON, POISON);
        LoadedVcpu::assume_loaded(vcpu)
    }

    fn reset(&mut self, vcpu: &mut LoadedVcpu, interface: &CpuInterface) {
        let mut hardware = self.hardware();
        let (v3, count) = (hardware.shape.v3, hardware.shape.list_registers);
        hardware.tally.reset_in_place += 1;
        let core = &mut hardware.cores[self.id.0];
        let live = core.live.as_mut().expect("only a loaded vCPU is reset in place");
        let storage = vcpu.reset();
        live.system = core::mem::replace(&mut storage.system, poisoned());
        live.floating_point = core::mem::take(&mut storage.floating_point);
        live.timers = storage.timers.clone();
        (storage.timers.virtual_compare, storage.timers.virtual_control) = (POISON, POISON);
        live.interface = Interface::new(*interface, v3, count);
        core.tlb.invalidate(live.root.vmid);
    }

    fn park(&mut self, vcpu: LoadedVcpu, interface: &mut CpuInterface, active: &[u32]) -> Box<Vcpu> {
        let mut hardware = self.hardware();
        let core = &mut hardware.cores[self.id.0];
        let live = core.live.take().expect("a vCPU that is parked was loaded");
        let held = timer_in(active);
        assert_eq!(core.timer_active, held, "the timer's active bit and what is to be cleared differ");
        core.timer_active = false;
        let mut vcpu = vcpu.into_storage();
        vcpu.system = live.system;
        vcpu.floating_point = live.floating_point;
        vcpu.timers.virtual_compare = live.timers.virtual_compare;
        vcpu.timers.virtual_control = live.timers.virtual_control;
        *interface = live.interface.state;
        hardware.tally.carried_active += u64::from(held);
        let parked = Parked { vcpu: Vcpu::clone(&vcpu), interface: *interface, active: active.to_vec() };
        hardware.parked.insert((live.root.vmid, live.mpidr), parked);
        vcpu
    }

    fn write_list_registers(&mut self, list_registers: &mut ListRegisters) {
        self.breathe();
        let mut hardware = self.hardware();
        let live = hardware.cores[self.id.0].live.as_mut();
        live.expect("a vCPU that is to be entered is loaded").interface.write(list_registers);
    }

    fn make_pending(&mut self, index: u8, register: ListRegister) {
        self.breathe();
        let mut hardware = self.hardware();
        let live = hardware.cores[self.id.0].live.as_mut();
        live.expect("it stays loaded").interface.make_pending(index.into(), register);
    }

    fn read_list_registers(&mut self, list_registers: &mut ListRegisters) {
        self.breathe();
        let mut hardware = self.hardware();
        hardware.cores[self.id.0].live.as_mut().expect("it stays loaded").interface.read(list_registers);
    }

    fn enter(&mut self, vcpu: &mut LoadedVcpu) -> VectorNumber {
        self.breathe();
        let mut hardware = self.hardware();
        hardware.cores[self.id.0].in_guest = true;
        if self.id.0 == hardware.shape.housekeeping {
            hardware.uart.burst = 0;
        }
        drop(hardware);
        let exit = self.run_guest(vcpu);
        self.hardware().cores[self.id.0].in_guest = false;
        self.breathe();
        self.exit = Some(exit);
        VectorNumber::new(exit.vector as u64)
    }

    fn describe(&mut self, number: VectorNumber) -> RawExit {
        let exit = self.exit.take().expect("each exit is asked for once");
        assert_eq!(exit.vector, number.vector());
        exit
    }

    fn trap_wait(&mut self, trap: bool) {
        let mut hardware = self.hardware();
        hardware.cores[self.id.0].live.as_mut().expect("only a loaded vCPU has its WFI trapped").trap_wait = trap;
    }

    fn inject(&mut self, vcpu: &mut LoadedVcpu, syndrome: Syndrome) {
        let mut hardware = self.hardware();
        let live = hardware.cores[self.id.0].live.as_mut().expect("only a loaded vCPU takes an exception");
        let general = vcpu.general_mut();
        let entry = exception_entry(general.pstate, live.system.vbar_el1, live.system.sctlr_el1);
        live.system.elr_el1 = general.pc;
        live.system.spsr_el1 = general.pstate;
        live.system.esr_el1 = syndrome.esr(general.pstate);
        live.system.far_el1 = syndrome.far().unwrap_or(live.system.far_el1);
        (general.pc, general.pstate) = (entry.pc, entry.pstate);
    }

    fn system_control(&self) -> u64 {
        let hardware = self.hardware();
        hardware.cores[self.id.0].live.as_ref().expect("a guest is loaded").system.sctlr_el1
    }

    fn translate(&mut self, address: u64, _unprivileged: bool) -> Option<Ipa> {
        (!self.hardware().is_closed(address)).then_some(Ipa::new(address))
    }

    fn main_id(&self) -> u64 {
        self.hardware().shape.main_id()
    }

    fn acknowledge(&mut self) -> Option<PhysicalInterrupt> {
        self.breathe();
        self.hardware().acknowledge(self.id.0)
    }

    fn deactivate(&mut self, physical: u32) {
        assert_eq!(physical, VIRTUAL_TIMER);
        let mut hardware = self.hardware();
        let active = core::mem::take(&mut hardware.cores[self.id.0].timer_active);
        assert!(active, "a physical interrupt is deactivated that is not active");
        hardware.tally.released += 1;
    }

    fn kick(&mut self, core: CoreId) {
        self.hardware().kick(self.id.0, core.0);
        self.breathe();
    }

    fn doorbell(&self) -> Doorbell {
        Doorbell(self.id.0 as u64)
    }

    fn ring(&mut self, doorbell: Doorbell) {
        self.breathe();
        self.hardware().ring(self.id.0, doorbell.0 as usize);
        self.breathe();
    }

    fn virtual_timer_line(&self) -> bool {
        self.hardware().timer_line(self.id.0)
    }

    fn give_way(&mut self) {
        self.hardware().tick();
        self.pass();
    }

    fn wait_for_interrupt(&mut self, note: impl Fn(bool, u64)) {
        note(true, self.counter());
        self.breathe();
        self.sleep(Asleep::Hypervisor);
        note(false, self.counter());
    }

    fn counter(&self) -> u64 {
        self.hardware().now
    }

    fn counter_frequency(&self) -> u64 {
        100_000
    }

    fn arm_timer(&mut self, deadline: Option<u64>) {
        self.hardware().cores[self.id.0].hypervisor_timer = deadline;
        self.breathe();
    }

    fn with_tables<R>(&mut self, work: impl FnOnce(&mut Tables) -> R) -> R {
        let mut hardware = self.hardware();
        hardware.note_reachable();
        work(&mut hardware.tables)
    }

    fn invalidate_vm(&mut self, _stage2: &Stage2, vmid: Vmid) {
        self.hardware().cores.iter_mut().for_each(|core| core.tlb.invalidate(vmid.0));
    }

    fn synchronize_instructions(&mut self) {}

    fn allocate_memory(&mut self, size: u64) -> Option<Vec<Range<Pa>>> {
        self.hardware().memory.allocate(size)
    }

    fn free_memory(&mut self, memory: &[Range<Pa>]) {
        self.hardware().memory.free(memory);
    }

    fn zero(&mut self, memory: Range<Pa>) -> u64 {
        self.breathe();
        let piece = first_piece(memory);
        self.hardware().memory.zero(piece);
        self.breathe();
        piece.size()
    }

    fn copy(&mut self, destination: Pa, source: Range<Pa>) -> u64 {
        let source = first_piece(source);
        let mut hardware = self.hardware();
        let vm = hardware.owner(destination.get()).expect("modules are copied into guests' RAM");
        if source.start() == Guest::module(vm) {
            let zero = hardware.guests[vm].iter().all(|piece| hardware.memory.is_zero(*piece));
            assert!(zero, "VM {vm} is loaded into RAM that is not all zero");
            hardware.tally.kernels_loaded += 1;
        }
        let mut bytes = vec![0; source.size() as usize];
        hardware.memory.read(source.start().get(), &mut bytes);
        hardware.memory.write(destination.get(), &bytes);
        drop(hardware);
        self.breathe();
        source.size()
    }

    fn write_memory(&mut self, destination: Pa, bytes: &[u8]) {
        let mut hardware = self.hardware();
        assert!(hardware.owner(destination.get()).is_some(), "{destination:?} is no guest's");
        hardware.memory.write(destination.get(), bytes);
    }

    fn read_memory(&mut self, source: Pa, bytes: &mut [u8]) {
        self.hardware().memory.read(source.get(), bytes);
    }

    fn uart_write(&mut self, bytes: &[u8]) -> usize {
        self.breathe();
        let mut hardware = self.hardware();
        let now = hardware.now;
        hardware.uart.write(bytes, now)
    }

    fn uart_transmit_interrupt(&mut self, wanted: bool) {
        self.hardware().uart.want_transmit(wanted);
        self.breathe();
    }

    fn uart_read(&mut self) -> Option<u8> {
        self.breathe();
        self.hardware().uart.read()
    }
}
