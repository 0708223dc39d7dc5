//! One physical core, as policy sees it.

use crate::gic::{Gic, KICK, MAIL};
use crate::guest::{self, Features};
use crate::tables::Stage2Tables;
use crate::window::Window;
use crate::{CORES, cpu, memory, sysreg, timer, uart};
use alloc::boxed::Box;
use alloc::vec::Vec;
use bulkhead_vmm::address::{Ipa, Pa, Range};
use bulkhead_vmm::config::board::{Board, Trigger};
use bulkhead_vmm::exit::{RawExit, Syndrome, VectorNumber};
use bulkhead_vmm::lock::lock;
use bulkhead_vmm::platform::{CoreId, Doorbell, PhysicalInterrupt, Platform, VmContext, Vmid};
use bulkhead_vmm::stage2::Stage2;
use bulkhead_vmm::vcpu::{LoadedVcpu, Vcpu};
use bulkhead_vmm::vgic::{CpuInterface, ListRegister, ListRegisters};
use spin::Mutex;

/// The memory for the stage-2 tables of all guests.
static TABLES: Mutex<Stage2Tables> = Mutex::new(Stage2Tables::new());

/// Stage-2 tables in use, by all guests.
pub fn stage2_tables_in_use() -> usize {
    lock(&TABLES).in_use()
}

/// INTIDs of the interrupts that EL2 knows by their purpose.
#[derive(Clone, Copy, Debug)]
struct Interrupts {
    virtual_timer: u32,
    hypervisor_timer: u32,
    maintenance: u32,
    uart: Option<u32>,
}

/// This core.
pub struct Core {
    id: CoreId,
    gic: Gic,
    window: Window,
    features: Features,
    interrupts: Interrupts,
}

impl Core {
    /// Sets this core up: its interrupt controller, timers and the controls of its guests. `window` was made for
    /// it by the first core. `None` if the core is not among the first [`CORES`] of the board or has no interrupt
    /// controller.
    pub fn new(board: &Board, window: Window) -> Option<Self> {
        let index = board.cpus.iter().take(CORES).position(|cpu| cpu.mpidr == cpu::affinity())?;
        let id = CoreId(index);
        let mut gic = Gic::init_core(&board.gic.version)?;
        gic.announce(id);
        let interrupts = Interrupts {
            virtual_timer: board.timer.virtual_timer.intid,
            hypervisor_timer: board.timer.hypervisor.intid,
            maintenance: board.gic.maintenance.intid,
            uart: board.console.and_then(|console| console.interrupt).map(|interrupt| interrupt.intid),
        };
        timer::arm(None);
        for intid in &[interrupts.virtual_timer, interrupts.hypervisor_timer, interrupts.maintenance] {
            gic.enable_private(*intid);
        }
        let features = Features::read();
        guest::init(features);
        Some(Self { id, gic, window, features, interrupts })
    }

    /// How many list registers this core has, 1 to 16.
    pub fn list_register_count(&self) -> usize {
        self.gic.list_register_count()
    }

    /// Bits of priority of the virtual CPU interface.
    pub fn priority_bits(&self) -> u8 {
        self.gic.priority_bits()
    }

    /// Takes the board's UART interrupt on this core, from now on.
    pub fn receive_uart_interrupts(&mut self, board: &Board) {
        if let Some(interrupt) = board.console.and_then(|console| console.interrupt) {
            self.gic.enable_shared_here(interrupt.intid, interrupt.trigger == Trigger::Edge);
            uart::enable_receive_interrupt();
        }
    }

    fn identify(&self, intid: u32) -> PhysicalInterrupt {
        match intid {
            KICK => PhysicalInterrupt::Kick,
            MAIL => PhysicalInterrupt::Mail,
            intid if intid == self.interrupts.virtual_timer => PhysicalInterrupt::VirtualTimer,
            intid if intid == self.interrupts.hypervisor_timer => PhysicalInterrupt::HypervisorTimer,
            intid if intid == self.interrupts.maintenance => PhysicalInterrupt::Maintenance,
            intid if Some(intid) == self.interrupts.uart => PhysicalInterrupt::Uart,
            intid => PhysicalInterrupt::Unknown(intid),
        }
    }
}

impl Platform for Core {
    type Tables = Stage2Tables;

    fn core(&self) -> CoreId {
        self.id
    }

    fn load(
        &mut self,
        vcpu: Box<Vcpu>,
        context: VmContext<'_>,
        interface: &CpuInterface,
        active: &[u32],
    ) -> LoadedVcpu {
        // Exactly as the guest left it: an expiry that nobody took may have left the bit set.
        let timer = self.interrupts.virtual_timer;
        self.gic.set_private_active(timer, active.contains(&timer));
        self.gic.load_interface(interface);
        guest::load(&vcpu, &context, self.features);
        LoadedVcpu::assume_loaded(vcpu)
    }

    fn reset(&mut self, vcpu: &mut LoadedVcpu, interface: &CpuInterface) {
        self.gic.reset_interface(interface);
        guest::load_registers(vcpu.reset(), self.features);
    }

    fn park(&mut self, vcpu: LoadedVcpu, interface: &mut CpuInterface, active: &[u32]) -> Box<Vcpu> {
        let mut vcpu = vcpu.into_storage();
        guest::park(&mut vcpu, self.features);
        self.gic.park_interface(interface);
        active.iter().for_each(|physical| self.gic.set_private_active(*physical, false));
        vcpu
    }

    fn write_list_registers(&mut self, list_registers: &mut ListRegisters) {
        self.gic.write_list_registers(list_registers);
    }

    fn make_pending(&mut self, index: u8, register: ListRegister) {
        self.gic.make_pending(index, register);
    }

    fn read_list_registers(&mut self, list_registers: &mut ListRegisters) {
        self.gic.read_list_registers(list_registers);
    }

    fn enter(&mut self, vcpu: &mut LoadedVcpu) -> VectorNumber {
        guest::enter(vcpu)
    }

    fn describe(&mut self, number: VectorNumber) -> RawExit {
        guest::describe(number)
    }

    fn trap_wait(&mut self, trap: bool) {
        guest::trap_wait(trap);
    }

    fn inject(&mut self, vcpu: &mut LoadedVcpu, syndrome: Syndrome) {
        guest::inject(vcpu, syndrome);
    }

    #[inline(always)]
    fn system_control(&self) -> u64 {
        guest::system_control()
    }

    fn translate(&mut self, address: u64, unprivileged: bool) -> Option<Ipa> {
        guest::translate(address, unprivileged)
    }

    fn main_id(&self) -> u64 {
        sysreg::read!("midr_el1")
    }

    fn acknowledge(&mut self) -> Option<PhysicalInterrupt> {
        let acknowledged = self.gic.acknowledge()?;
        let interrupt = self.identify(acknowledged.intid);
        if interrupt == PhysicalInterrupt::VirtualTimer {
            // The guest deactivates it.
            return Some(interrupt);
        }
        if interrupt == PhysicalInterrupt::HypervisorTimer {
            // Its line must be low before it is deactivated, or it comes again.
            timer::arm(None);
        }
        self.gic.deactivate(acknowledged.whole);
        Some(interrupt)
    }

    fn deactivate(&mut self, physical: u32) {
        self.gic.deactivate(physical);
    }

    fn kick(&mut self, core: CoreId) {
        self.gic.kick(core);
    }

    fn doorbell(&self) -> Doorbell {
        Doorbell(self.gic.doorbell(self.id))
    }

    #[inline(always)]
    fn ring(&mut self, doorbell: Doorbell) {
        self.gic.ring(doorbell.0);
    }

    fn virtual_timer_line(&self) -> bool {
        timer::virtual_line()
    }

    #[inline(always)]
    fn wait_for_interrupt(&mut self, note: impl Fn(bool, u64)) {
        note(true, timer::plain_counter());
        cpu::wait_for_interrupt();
        note(false, timer::plain_counter());
    }

    fn give_way(&mut self) {
        cpu::give_way();
    }

    fn counter(&self) -> u64 {
        timer::counter()
    }

    fn counter_frequency(&self) -> u64 {
        timer::frequency()
    }

    fn arm_timer(&mut self, deadline: Option<u64>) {
        timer::arm(deadline);
    }

    fn with_tables<R>(&mut self, work: impl FnOnce(&mut Stage2Tables) -> R) -> R {
        work(&mut lock(&TABLES))
    }

    fn invalidate_vm(&mut self, stage2: &Stage2, vmid: Vmid) {
        guest::invalidate(stage2, vmid);
    }

    fn synchronize_instructions(&mut self) {
        cpu::invalidate_instructions();
    }

    fn allocate_memory(&mut self, size: u64) -> Option<Vec<Range<Pa>>> {
        memory::allocate(size)
    }

    fn free_memory(&mut self, pieces: &[Range<Pa>]) {
        memory::free(pieces);
    }

    fn zero(&mut self, memory: Range<Pa>) -> u64 {
        self.window.zero(memory)
    }

    fn copy(&mut self, destination: Pa, source: Range<Pa>) -> u64 {
        self.window.copy(destination, source)
    }

    fn write_memory(&mut self, destination: Pa, bytes: &[u8]) {
        self.window.write(destination, bytes);
    }

    fn read_memory(&mut self, source: Pa, bytes: &mut [u8]) {
        self.window.read(source, bytes);
    }

    fn uart_write(&mut self, bytes: &[u8]) -> usize {
        uart::write(bytes)
    }

    fn uart_transmit_interrupt(&mut self, wanted: bool) {
        uart::transmit_interrupt(wanted);
    }

    fn uart_interrupts(&self) -> bool {
        self.interrupts.uart.is_some()
    }

    fn uart_read(&mut self) -> Option<u8> {
        uart::read()
    }
}
