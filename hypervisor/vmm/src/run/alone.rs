//! What a core does by itself: enters its guest, again and again, and deals with the exits that need no more of the VM than
//! the core has at hand.

use super::loaded::Loaded;
use super::watch::Watch;
use super::{CoreLoop, Done, Machine};
use crate::exit::{self, Cause, Exit, RawExit, Syndrome};
use crate::platform::{CoreId, PhysicalInterrupt, Platform};
use crate::vgic::ListRegisters;
use crate::vm::Vm;
use spin::Mutex;

/// What a core has at hand while its VM is not locked.
pub(super) struct Alone<'a, P> {
    pub platform: &'a mut P,
    pub machine: &'a Machine,
    pub core: CoreId,
    /// The vCPU that lives in the core.
    pub loaded: &'a mut Loaded,
    /// Its VM, for what takes the lock only for a moment.
    pub vm: &'a Mutex<Vm>,
    pub list_registers: &'a ListRegisters,
    pub watch: &'a mut Watch,
}

/// What is left of an exit, to be done with the VM locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// Nothing: the guest may go on.
    Nothing,
    /// What stands in the list registers must be chosen anew before it does.
    Choice,
    /// To see to this physical interrupt, which has been acknowledged.
    Interrupt(PhysicalInterrupt),
    /// The exit as it came.
    Exit(Exit),
}

impl From<Done> for Left {
    #[inline(always)]
    fn from(done: Done) -> Self {
        match done {
            Done::Wholly => Self::Nothing,
            Done::Choose => Self::Choice,
        }
    }
}

impl<'a, P: Platform> Alone<'a, P> {
    /// `None` if no vCPU lives in the core. `vm` is the VM of the one that does.
    #[inline(always)]
    pub fn new(core: &'a mut CoreLoop, platform: &'a mut P, machine: &'a Machine, vm: &'a Mutex<Vm>) -> Option<Self> {
        let CoreLoop { id, loaded, list_registers, watch, .. } = core;
        Some(Self { platform, machine, core: *id, loaded: loaded.as_mut()?, vm, list_registers, watch })
    }

    /// Enters the guest until it exits for what takes more than what is at hand, and gives that exit, and what is left of
    /// it.
    #[inline(always)]
    pub fn stay(mut self) -> (RawExit, Left) {
        loop {
            let number = self.platform.enter(&mut self.loaded.vcpu);
            if self.watch.is_timing() {
                self.end_wait(number.vector());
            }
            let raw = self.platform.describe(number);
            // A change of what this core should do comes with a kick, and so with an exit of its own.
            match self.handle(exit::decode(&raw, || self.platform.system_control())) {
                Left::Nothing => {}
                left => return (raw, left),
            }
        }
    }

    /// Deals with an exit: one line for each kind.
    #[inline(always)]
    fn handle(&mut self, exit: Exit) -> Left {
        let cause = match exit {
            Exit::Access(ipa, access) => {
                return self.access(ipa, access).map_or(Left::Exit(exit), Left::from);
            }
            Exit::SystemRegister(access) => return self.own_register(access),
            Exit::Hvc(immediate) => self.loaded.own_call(immediate).then_some(Cause::Hvc),
            Exit::Smc(immediate) => self.loaded.own_secure_call(immediate).then_some(Cause::Smc),
            Exit::Interrupt => match self.platform.acknowledge() {
                Some(PhysicalInterrupt::VirtualTimer) if self.expired_again() => Some(Cause::VirtualTimer),
                Some(PhysicalInterrupt::Mail) => {
                    self.take_mail();
                    Some(Cause::SgiReceived)
                }
                Some(interrupt) => return Left::Interrupt(interrupt),
                None => Some(Cause::SpuriousInterrupt),
            },
            Exit::Wait => {
                self.begin_wait();
                Some(Cause::Wait)
            }
            Exit::Undefined => {
                self.loaded.inject(self.platform, Syndrome::Undefined);
                Some(Cause::Other)
            }
            _ => None,
        };
        let Some(cause) = cause else { return Left::Exit(exit) };
        self.loaded.exits.count(cause);
        Left::Nothing
    }

    /// The virtual timer expired while its interrupt still has a list register: that of its last expiry, which the guest
    /// has ended, or it could not expire again. It shows there once more. Whether that was all.
    #[inline(always)]
    fn expired_again(&mut self) -> bool {
        let lent = self.list_registers.lent(self.loaded.virtual_timer_intid);
        let Some((index, register)) = lent.filter(|(_, register)| register.hardware().is_some()) else { return false };
        self.platform.make_pending(index, register);
        true
    }
}
