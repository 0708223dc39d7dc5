//! The real controller, the hardware around it and the oracle, taking every step together. Kicks are carried out
//! at once, and so are maintenance and physical interrupts, so that after each step all three must agree.

use super::interface::{Interface, Settings};
use super::oracle::{Interrupt, Oracle, SOMEWHERE};
use super::tally::Tally;
use crate::random::Random;
use bulkhead_vmm::vcpu::{VcpuId, VcpuSet};
use bulkhead_vmm::vgic::{Layout, Maintenance, Version, Vgic};

/// The virtual timer's INTID, linked to the physical interrupt of the same number on each core.
pub const TIMER: u32 = 27;

/// A core's physical timer interrupt.
#[derive(Clone, Copy, Debug, Default)]
pub struct Physical {
    /// Its line.
    pub line: bool,
    /// Active in the physical distributor.
    pub active: bool,
}

/// What a guest has acknowledged.
#[derive(Clone, Debug, Default)]
pub struct InService {
    /// Not yet ended, the latest last.
    pub nested: Vec<u32>,
    /// Ended, not yet deactivated (EOImode = 1).
    pub dropped: Vec<u32>,
}

/// Everything.
#[derive(Debug)]
pub struct World {
    /// The real thing.
    pub vgic: Vgic,
    /// What the architecture says.
    pub oracle: Oracle,
    /// The virtual CPU interface of each vCPU.
    pub interfaces: Vec<Interface>,
    /// The timer of each core.
    pub physical: Vec<Physical>,
    /// What each vCPU's guest has in service.
    pub in_service: Vec<InService>,
    /// Kicks by list registers that were taken back before an entry.
    pub(super) late_kicks: VcpuSet,
    /// Choices.
    pub random: Random,
    /// What happened.
    pub tally: Tally,
}

pub(super) fn id(vcpu: usize) -> VcpuId {
    VcpuId::new(vcpu as u8).expect("the model has few vCPUs")
}

impl World {
    /// Out of reset, each vCPU in the guest.
    ///
    /// # Errors
    /// A disagreement.
    pub fn new(layout: Layout, settings: Settings, random: Random) -> Result<Self, String> {
        let mut world = Self {
            vgic: Vgic::new(layout),
            oracle: Oracle::new(layout.version == Version::V3, layout.vcpus, layout.spis, settings),
            interfaces: (0..layout.vcpus).map(|vcpu| Interface::new(vcpu, settings)).collect(),
            physical: vec![Physical::default(); layout.vcpus],
            in_service: vec![InService::default(); layout.vcpus],
            late_kicks: VcpuSet::EMPTY,
            random,
            tally: Tally::default(),
        };
        for vcpu in 0..layout.vcpus {
            world.vgic.link_hardware(id(vcpu), TIMER, TIMER);
            world.enter(vcpu)?;
        }
        world.settle(VcpuSet::EMPTY)?;
        Ok(world)
    }

    /// How many vCPUs there are.
    pub fn vcpus(&self) -> usize {
        self.interfaces.len()
    }

    pub(super) fn exit(&mut self, vcpu: usize) -> VcpuSet {
        let interface = &mut self.interfaces[vcpu];
        // Where it was not asked for, it is not to be relied on.
        interface.registers.groups = match interface.registers.maintenance.wants_groups() {
            true => interface.settings.enabled,
            false => [self.random.one_in(2), self.random.one_in(2)],
        };
        interface.written = interface.registers;
        let kicks = self.vgic.fold(id(vcpu), &self.interfaces[vcpu].registers);
        kicks.union(self.follow_timer(vcpu))
    }

    /// The line of a timer that is active in the physical distributor is looked at.
    fn follow_timer(&mut self, vcpu: usize) -> VcpuSet {
        match self.vgic.holds_hardware(id(vcpu)) {
            true => self.vgic.follow_hardware(id(vcpu), TIMER, self.physical[vcpu].line),
            false => VcpuSet::EMPTY,
        }
    }

    /// `vcpu` leaves the guest for what need not know its list registers: they may stay out.
    pub(super) fn leave(&mut self, vcpu: usize) -> VcpuSet {
        if self.random.one_in(4) {
            return self.exit(vcpu);
        }
        self.vgic.leave(id(vcpu));
        VcpuSet::EMPTY
    }

    pub(super) fn enter(&mut self, vcpu: usize) -> Result<(), String> {
        let again = self.vgic.enter_again(id(vcpu));
        if !again && self.vgic.is_out(id(vcpu)) {
            let kicks = self.exit(vcpu);
            self.late_kicks = self.late_kicks.union(kicks);
        }
        self.release(vcpu)?;
        if again { Ok(()) } else { self.fill(vcpu) }
    }

    /// The doorbell of `vcpu` was rung: it takes its mail, or its list registers are taken back before it can.
    pub(super) fn answer(&mut self, vcpu: usize) -> Result<VcpuSet, String> {
        if self.random.one_in(4) {
            let kicks = self.exit(vcpu);
            return self.enter(vcpu).map(|()| kicks);
        }
        let mut mail = self.vgic.mailboxes().take(id(vcpu));
        while let Some((intid, rest)) = mail.next() {
            if !self.interfaces[vcpu].make_pending(intid, false)? {
                return Err(format!("vCPU {vcpu} is to have INTID {intid} again, which has no list register"));
            }
            self.tally.mailed += 1;
            mail = rest;
        }
        Ok(VcpuSet::EMPTY)
    }

    fn release(&mut self, vcpu: usize) -> Result<(), String> {
        while let Some(physical) = self.vgic.take_released(id(vcpu)) {
            if physical != TIMER || !self.physical[vcpu].active {
                return Err(format!("vCPU {vcpu} released physical {physical}, which was not active"));
            }
            self.physical[vcpu].active = false;
            self.tally.released += 1;
        }
        Ok(())
    }

    fn fill(&mut self, vcpu: usize) -> Result<(), String> {
        let count = self.vgic.layout().list_registers;
        self.interfaces[vcpu].write(self.vgic.flush(id(vcpu)), count)?;
        let wanted = self.interfaces[vcpu].registers.maintenance;
        self.tally.pending_left_out += u64::from(wanted.has(Maintenance::NO_PENDING));
        self.tally.active_left_out += u64::from(wanted.has(Maintenance::ENTRY_NOT_PRESENT));
        Ok(())
    }

    /// Carries out kicks, maintenance and physical interrupts until there are none.
    pub(super) fn settle(&mut self, mut kicks: VcpuSet) -> Result<(), String> {
        for _ in 0..200 {
            kicks = kicks.union(core::mem::take(&mut self.late_kicks));
            let mut attention = VcpuSet::EMPTY;
            for vcpu in 0..self.vcpus() {
                self.expire_again(vcpu)?;
                let maintenance = self.interfaces[vcpu].maintenance();
                self.tally.maintenance += u64::from(maintenance);
                if maintenance || self.timer_fires(vcpu) {
                    attention.insert(id(vcpu));
                }
            }
            let Some(next) = kicks.union(attention).iter().next() else { return Ok(()) };
            kicks.remove(next);
            self.tally.kicks += 1;
            let vcpu = next.index();
            kicks = kicks.union(if attention.contains(next) { self.exit(vcpu) } else { self.leave(vcpu) });
            if self.timer_fires(vcpu) {
                self.physical[vcpu].active = true;
                self.tally.physical += 1;
                self.vgic.raise_hardware(next, TIMER);
            }
            self.enter(vcpu)?;
        }
        Err("kicks, maintenance and physical interrupts without end".into())
    }

    /// The timer of `vcpu` shows in its list register again, if it still has one and chance wants it.
    fn expire_again(&mut self, vcpu: usize) -> Result<(), String> {
        if self.timer_fires(vcpu) && !self.random.one_in(4) && self.interfaces[vcpu].make_pending(TIMER, true)? {
            self.physical[vcpu].active = true;
            self.tally.physical += 1;
            self.tally.again += 1;
        }
        Ok(())
    }

    fn timer_fires(&self, vcpu: usize) -> bool {
        self.physical[vcpu].line && !self.physical[vcpu].active
    }

    /// `vcpu` leaves the guest, its list registers are taken back, `work` is done for it, and it enters again.
    pub(super) fn while_out<R>(
        &mut self,
        vcpu: usize,
        work: impl FnOnce(&mut Self) -> (R, VcpuSet),
    ) -> Result<R, String> {
        let kicks = self.exit(vcpu);
        self.work(vcpu, kicks, work)
    }

    pub(super) fn work<R>(
        &mut self,
        vcpu: usize,
        kicks: VcpuSet,
        work: impl FnOnce(&mut Self) -> (R, VcpuSet),
    ) -> Result<R, String> {
        let (result, more) = work(self);
        let mut kicks = kicks.union(more);
        kicks.remove(id(vcpu));
        self.enter(vcpu)?;
        self.settle(kicks)?;
        Ok(result)
    }

    /// Every vCPU leaves and enters, so that the controller knows all.
    ///
    /// # Errors
    /// A disagreement.
    pub fn synchronize(&mut self) -> Result<(), String> {
        for vcpu in 0..self.vcpus() {
            self.while_out(vcpu, |_| ((), VcpuSet::EMPTY))?;
        }
        for vcpu in 0..self.vcpus() {
            let held: Vec<u32> = self.vgic.hardware_active(id(vcpu)).collect();
            if held.contains(&TIMER) != self.physical[vcpu].active {
                return Err(format!("vCPU {vcpu} holds {held:?}, the hardware says {:?}", self.physical[vcpu]));
            }
        }
        Ok(())
    }

    /// A device's line, private to `vcpu` or shared, changes, while any vCPU may be in the guest.
    ///
    /// # Errors
    /// A disagreement.
    pub fn line(&mut self, vcpu: usize, intid: u32, level: bool) -> Result<(), String> {
        self.oracle.line(vcpu, intid, level);
        let kicks = match intid {
            0..32 => self.vgic.set_private_line(id(vcpu), intid, level),
            _ => self.vgic.set_shared_line(intid, level),
        };
        self.settle(kicks)
    }

    /// The physical timer's line changes. That it went low is seen at an exit.
    ///
    /// # Errors
    /// A disagreement.
    pub fn timer(&mut self, vcpu: usize, level: bool) -> Result<(), String> {
        self.oracle.line(vcpu, TIMER, level);
        self.physical[vcpu].line = level;
        match level && self.random.one_in(2) {
            true => self.settle(VcpuSet::EMPTY),
            false => self.while_out(vcpu, |_| ((), VcpuSet::EMPTY)),
        }
    }

    /// The guest on `vcpu` acknowledges.
    ///
    /// # Errors
    /// A disagreement.
    pub fn acknowledge(&mut self, vcpu: usize) -> Result<bool, String> {
        let got = self.interfaces[vcpu].acknowledge(&mut self.random);
        self.oracle.acknowledged(vcpu, got)?;
        if let Some(got) = got {
            self.tally.acknowledged += 1;
            self.tally.nested += u64::from(!self.in_service[vcpu].nested.is_empty());
            self.in_service[vcpu].nested.push(got.intid);
        }
        self.settle(VcpuSet::EMPTY)?;
        Ok(got.is_some())
    }

    /// The guest on `vcpu` ends what it acknowledged last.
    ///
    /// # Errors
    /// A disagreement.
    pub fn end(&mut self, vcpu: usize) -> Result<(), String> {
        let Some(intid) = self.in_service[vcpu].nested.pop() else { return Ok(()) };
        self.oracle.end(vcpu, intid);
        let physical = self.interfaces[vcpu].end(intid);
        self.deactivate_physical(vcpu, physical);
        if self.interfaces[vcpu].settings.split {
            self.in_service[vcpu].dropped.push(intid);
        }
        self.settle(VcpuSet::EMPTY)
    }

    fn deactivate_physical(&mut self, vcpu: usize, physical: Option<u32>) {
        if physical == Some(TIMER) {
            self.physical[vcpu].active = false;
        }
    }

    /// The guest on `vcpu` deactivates one of the interrupts that it has ended, unless somebody else did.
    ///
    /// # Errors
    /// A disagreement.
    pub fn deactivate(&mut self, vcpu: usize, index: usize) -> Result<(), String> {
        let intid = self.in_service[vcpu].dropped.swap_remove(index);
        let mine = self.oracle.get(vcpu, intid).is_some_and(|it| it.active && it.active_on == vcpu);
        if !mine || self.in_service[vcpu].dropped.contains(&intid) || self.in_service[vcpu].nested.contains(&intid) {
            return Ok(());
        }
        self.oracle.deactivate(vcpu, intid);
        // GICC_DIR always traps.
        if !self.oracle.v3 || self.interfaces[vcpu].registers.maintenance.has(Maintenance::TRAP_DEACTIVATE) {
            return self.while_out(vcpu, |world| ((), world.vgic.deactivate(id(vcpu), intid)));
        }
        let physical = self.interfaces[vcpu].deactivate(intid);
        self.deactivate_physical(vcpu, physical);
        self.settle(VcpuSet::EMPTY)
    }

    /// Whether an interrupt is in service on `vcpu`, or was left so.
    pub fn serves(&self, vcpu: usize) -> bool {
        let here = |interrupt: &Interrupt| [vcpu, SOMEWHERE].contains(&interrupt.active_on);
        self.oracle.shared.iter().any(|interrupt| interrupt.active && here(interrupt))
            || self.oracle.private[vcpu].iter().any(|interrupt| interrupt.active)
            || !self.in_service[vcpu].nested.is_empty()
    }

    /// The guest on `vcpu` sets its CPU interface.
    ///
    /// # Errors
    /// A disagreement.
    pub fn set(&mut self, vcpu: usize, settings: Settings) -> Result<(), String> {
        self.tally.modes += u64::from(self.interfaces[vcpu].settings.split != settings.split);
        self.interfaces[vcpu].settings = settings;
        self.oracle.settings[vcpu] = settings;
        self.settle(VcpuSet::EMPTY)
    }
}
