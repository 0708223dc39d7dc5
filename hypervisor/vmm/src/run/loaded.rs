//! The vCPU that lives in a core, and what the core must know of it without asking its VM.

use super::machine::Assignment;
use crate::errata;
use crate::exit::{Access, Cause, Counters, Syndrome};
use crate::platform::{Doorbell, Platform};
use crate::vcpu::LoadedVcpu;
use crate::vgic::Mailboxes;
use crate::vm::{Shared, Vm};
use alloc::sync::Arc;

/// A vCPU in a core. What is shared with its VM does not change while it is loaded, but for counters and the UART, which
/// has a lock of its own.
#[derive(Debug)]
pub(super) struct Loaded {
    /// Which it is.
    pub it: Assignment,
    /// Its registers.
    pub vcpu: LoadedVcpu,
    /// Its exits.
    pub exits: Arc<Counters>,
    /// Its identification registers, its devices.
    pub shared: Arc<Shared>,
    /// Its own mailbox, and those of the vCPUs that it can send SGIs to.
    pub mailboxes: Arc<Mailboxes>,
    /// Ticks by which its counter is behind the machine's.
    pub counter_offset: u64,
    /// The INTID of its virtual timer.
    pub virtual_timer_intid: u32,
    /// Where it would take an exception that it was last given; a fault there cannot be reflected.
    pub vector: Option<u64>,
    /// It is off, and out of reset.
    pub rests: bool,
    /// The core's errata are such that [some loads](crate::errata::misreports_loads) are told wrong.
    pub misreports_loads: bool,
}

impl Loaded {
    /// `vcpu`, which was loaded into the core with the `doorbell`, and the MIDR_EL1 `main_id`, for `it`, one of the vCPUs of
    /// `vm`.
    pub fn new(it: Assignment, vcpu: LoadedVcpu, vm: &mut Vm, doorbell: Doorbell, main_id: u64) -> Self {
        let exits = vm.slot(it.vcpu).map(|slot| slot.exits.clone()).unwrap_or_default();
        let counter_offset = vm.context(it.vcpu).counter_offset;
        let (virtual_timer_intid, shared) = (vm.virtual_timer_intid(), vm.shared().clone());
        let mailboxes = vm.vgic().mailboxes();
        mailboxes.set_doorbell(it.vcpu, doorbell);
        Self {
            it,
            vcpu,
            exits,
            shared,
            mailboxes,
            counter_offset,
            virtual_timer_intid,
            vector: None,
            rests: false,
            misreports_loads: errata::misreports_loads(main_id),
        }
    }

    /// It is off, and has just been reset.
    pub fn rest(&mut self) {
        (self.rests, self.vector) = (true, None);
    }

    /// The guest's counter when the machine's is `now`.
    pub fn guest_counter(&self, now: u64) -> u64 {
        now.wrapping_sub(self.counter_offset)
    }

    /// Answers its call, with X0.
    pub fn answer(&mut self, value: u64) {
        self.vcpu.general_mut().set(0, value);
    }

    /// Ends its trapped instruction, which reads `value` into the general register `register`.
    pub fn load(&mut self, register: u8, value: u64) {
        let general = self.vcpu.general_mut();
        general.set(register, value);
        general.skip_instruction();
    }

    /// What its trapped store puts on the bus.
    #[inline(always)]
    pub fn stored(&self, access: Access) -> u64 {
        access.store(self.vcpu.general().get(access.register()))
    }

    /// Ends its trapped load, which reads `value`, or store, and counts it.
    #[inline(always)]
    pub fn complete(&mut self, access: Access, value: u64, cause: Cause) {
        let general = self.vcpu.general_mut();
        if !access.write() {
            general.set(access.register(), access.load(value));
        }
        general.skip_instruction();
        self.exits.count(cause);
    }

    /// Whether its last exit, told to be by a load of up to `size` bytes that stage 2 refuses at the virtual address `far`, came
    /// of its own stage 1, and is [misreported](crate::errata::misreports_loads). That load is to be tried again, until it is told right.
    #[inline(never)]
    pub fn is_misreported<P: Platform>(&self, platform: &mut P, far: u64, size: u64) -> bool {
        self.misreports_loads
            && errata::may_cross(far, size)
            && platform.translate(far, self.vcpu.general().is_unprivileged()).is_none()
    }

    /// Gives it an exception.
    pub fn inject<P: Platform>(&mut self, platform: &mut P, syndrome: Syndrome) {
        platform.inject(&mut self.vcpu, syndrome);
        self.vector = Some(self.vcpu.general().pc);
    }
}
