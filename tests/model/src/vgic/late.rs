//! Races between cores: kicks and maintenance interrupts arrive late, so that guests acknowledge and end what a
//! list register shows while the controller knows no better. After each edge the interrupt must be taken, and not
//! more often than there were edges.

use super::interface::{Interface, Settings};
use super::shape::Shape;
use crate::random::Random;
use bulkhead_vmm::vcpu::{VcpuId, VcpuSet};
use bulkhead_vmm::vgic::{ListRegister, Maintenance, Part, Version, Vgic};
use std::collections::BTreeMap;

/// Edge-triggered shared interrupts that devices pulse.
const SHARED: [u32; 4] = [33, 40, 63, 64];

/// One thing that can happen: who is to get it (any vCPU, for a shared interrupt), INTID, and the sending vCPU.
type Event = (Option<usize>, u32, u8);

/// What is owed for an event.
#[derive(Clone, Copy, Debug, Default)]
struct Owed {
    /// It happened since it was last taken, so it must be taken.
    fresh: bool,
    /// How often it may be taken. Edges run together until the first is taken; one that came while the interrupt
    /// stood in a list register may count as before or as after that.
    credit: u64,
}

struct Race {
    vgic: Vgic,
    v3: bool,
    interfaces: Vec<Interface>,
    nested: Vec<Vec<u32>>,
    kicked: VcpuSet,
    /// Whose doorbells were rung.
    rung: VcpuSet,
    /// SGIs that were cleared, whose vCPU has not heard of it yet: how often it may take them until then.
    cleared: BTreeMap<(usize, u32), u64>,
    owed: BTreeMap<Event, Owed>,
    random: Random,
    taken: u64,
    mailed: u64,
}

fn id(vcpu: usize) -> VcpuId {
    VcpuId::new(vcpu as u8).expect("the model has few vCPUs")
}

/// Runs one sequence of late kicks; tells how many interrupts were taken, and how many SGIs sent by mail.
///
/// # Errors
/// An interrupt that was lost, or taken though there was none.
pub fn run(shape: Shape, seed: u64) -> Result<(u64, u64), String> {
    let vcpus = shape.layout.vcpus;
    let settings = Settings { split: shape.split, ..Settings::OPEN };
    let mut race = Race {
        vgic: Vgic::new(shape.layout),
        v3: shape.layout.version == Version::V3,
        interfaces: (0..vcpus).map(|vcpu| Interface::new(vcpu, settings)).collect(),
        nested: vec![Vec::new(); vcpus],
        kicked: VcpuSet::first(vcpus),
        rung: VcpuSet::EMPTY,
        cleared: BTreeMap::new(),
        owed: BTreeMap::new(),
        random: Random::new(seed),
        taken: 0,
        mailed: 0,
    };
    race.set_up();
    (0..vcpus).try_for_each(|vcpu| race.enter(vcpu))?;
    for _ in 0..shape.steps {
        race.step()?;
    }
    race.drain()?;
    Ok((race.taken, race.mailed))
}

impl Race {
    fn set_up(&mut self) {
        self.write(0, 0, 3);
        for vcpu in 0..self.interfaces.len() {
            for index in 0..4 {
                let priorities = self.random.bits();
                self.write_private(vcpu, 0x400 + 4 * index, priorities & 0xFFFF_FFFF);
            }
            self.write_private(vcpu, 0x100, 0xFFFF);
        }
        for word in [1, 2] {
            self.write(0, 0x100 + 4 * word, 0xFFFF_FFFF);
            self.write(0, 0xC00 + 8 * word, 0xAAAA_AAAA);
            self.write(0, 0xC04 + 8 * word, 0xAAAA_AAAA);
        }
        SHARED.into_iter().for_each(|intid| self.route(0, intid));
    }

    fn write(&mut self, vcpu: usize, offset: u64, value: u64) {
        self.access(vcpu, Part::Distributor, (offset, 4), value);
    }

    /// A guest writes; its own list registers stay out in the hardware.
    fn access(&mut self, vcpu: usize, part: Part, (offset, size): (u64, u8), value: u64) {
        let access = self.vgic.find(id(vcpu), part, offset, size).expect("GICD and GICR answer");
        assert!(!self.vgic.rests(access, true), "{offset:#x} rests on list registers");
        self.vgic.write(access, value);
        self.kicked = self.kicked.union(self.vgic.take_kicks());
    }

    fn write_private(&mut self, vcpu: usize, offset: u64, value: u64) {
        if self.v3 {
            self.access(vcpu, Part::Redistributor(id(vcpu)), (0x1_0000 + offset, 4), value);
        } else {
            self.write(vcpu, offset, value);
        }
    }

    fn route(&mut self, vcpu: usize, intid: u32) {
        let target = self.random.below(self.interfaces.len() as u64);
        let (offset, size, value) = match self.v3 {
            true => (0x6000 + 8 * u64::from(intid), 8, target),
            false => (0x800 + u64::from(intid), 1, 1 << target),
        };
        self.access(vcpu, Part::Distributor, (offset, size), value);
    }

    fn exit(&mut self, vcpu: usize) {
        self.kicked.remove(id(vcpu));
        let interface = &mut self.interfaces[vcpu];
        interface.registers.groups = interface.settings.enabled;
        interface.written = interface.registers;
        let kicks = self.vgic.fold(id(vcpu), &interface.registers);
        self.kicked = self.kicked.union(kicks);
        let mut cleared = core::mem::take(&mut self.cleared);
        cleared.retain(|(target, intid), credit| {
            if *target == vcpu {
                self.owed.entry((Some(vcpu), *intid, 0)).or_default().credit -= *credit;
            }
            *target != vcpu
        });
        self.cleared = cleared;
    }

    fn enter(&mut self, vcpu: usize) -> Result<(), String> {
        let count = self.vgic.layout().list_registers;
        if self.vgic.enter_again(id(vcpu)) {
            self.kicked.remove(id(vcpu));
            return Ok(());
        }
        if self.vgic.is_out(id(vcpu)) {
            self.exit(vcpu);
        }
        self.kicked.remove(id(vcpu));
        self.interfaces[vcpu].write(self.vgic.flush(id(vcpu)), count)
    }

    fn step(&mut self) -> Result<(), String> {
        let vcpu = self.random.below(self.interfaces.len() as u64) as usize;
        match self.random.below(20) {
            0..5 => self.acknowledge(vcpu),
            5..9 => self.end(vcpu),
            9 => self.send_again(vcpu),
            10 => self.event(vcpu, Self::send),
            16 | 17 => self.send_again(vcpu),
            18 if self.v3 => {
                self.write_pending(vcpu);
                if self.kicked.contains(id(vcpu)) { self.event(vcpu, |_, _| ()) } else { Ok(()) }
            }
            19 if self.random.one_in(4) => {
                self.reprioritise(vcpu);
                if self.kicked.contains(id(vcpu)) { self.event(vcpu, |_, _| ()) } else { Ok(()) }
            }
            11 => {
                let intid = self.random.pick(&SHARED);
                self.route(vcpu, intid);
                if self.kicked.contains(id(vcpu)) { self.event(vcpu, |_, _| ()) } else { Ok(()) }
            }
            12 | 13 => {
                let intid = self.random.pick(&SHARED);
                self.happened((None, intid, 0));
                let up = self.vgic.set_shared_line(intid, true);
                let down = self.vgic.set_shared_line(intid, false);
                self.kicked = self.kicked.union(up).union(down);
                Ok(())
            }
            _ => self.arrive(vcpu),
        }
    }

    /// What was on its way to `vcpu` reaches it.
    fn arrive(&mut self, vcpu: usize) -> Result<(), String> {
        if self.rung.contains(id(vcpu)) && self.random.one_in(2) {
            self.take_mail(vcpu)?;
        }
        if self.interfaces[vcpu].maintenance() {
            return self.event(vcpu, |_, _| ());
        }
        if self.kicked.contains(id(vcpu)) {
            self.vgic.leave(id(vcpu));
            self.enter(vcpu)?;
        }
        Ok(())
    }

    /// The doorbell reaches `vcpu`, which looks for nothing else.
    fn take_mail(&mut self, vcpu: usize) -> Result<(), String> {
        self.rung.remove(id(vcpu));
        let mut mail = self.vgic.mailboxes().take(id(vcpu));
        while let Some((intid, rest)) = mail.next() {
            if !self.interfaces[vcpu].make_pending(intid, false)? {
                return Err(format!("vCPU {vcpu} has mail of INTID {intid}, which has no list register"));
            }
            mail = rest;
        }
        Ok(())
    }

    fn event(&mut self, vcpu: usize, work: impl FnOnce(&mut Self, usize)) -> Result<(), String> {
        self.exit(vcpu);
        work(self, vcpu);
        self.enter(vcpu)
    }

    fn happened(&mut self, event: Event) {
        let owed = self.owed.entry(event).or_default();
        owed.fresh = true;
        owed.credit += 1;
    }

    /// `vcpu` sends an SGI to some.
    fn send(&mut self, vcpu: usize) {
        let (list, intid) = (self.random.below(1 << self.interfaces.len()), self.random.below(4));
        for target in (0..self.interfaces.len()).filter(|target| list >> target & 1 == 1) {
            let source = if self.v3 { 0 } else { vcpu as u8 };
            self.happened((Some(target), intid as u32, source));
        }
        let kicks = self.vgic.send(id(vcpu), VcpuSet::from_bits(list as u32), intid as u32);
        self.kicked = self.kicked.union(kicks);
    }

    /// `vcpu` sends one vCPU an SGI that may still have a list register there.
    fn send_again(&mut self, vcpu: usize) -> Result<(), String> {
        let (intid, target) = (self.random.below(4) as u32, self.random.below(self.interfaces.len() as u64) as usize);
        let source = if self.v3 { 0 } else { vcpu as u8 };
        if target != vcpu {
            let Some(doorbell) = self.vgic.mailboxes().post(id(vcpu), id(target), intid) else {
                return self.event(vcpu, Self::send);
            };
            if doorbell.is_some() {
                self.rung.insert(id(target));
            }
            self.mailed += 1;
        } else {
            let mine = |register: ListRegister| register.source() == source;
            if !self.interfaces[vcpu].written.lent(intid).is_some_and(|(_, register)| mine(register))
                || !self.interfaces[vcpu].make_pending(intid, false)?
            {
                return self.event(vcpu, Self::send);
            }
            if self.cleared.contains_key(&(vcpu, intid)) {
                // It may go with what another vCPU has cleared.
                self.owed.entry((Some(vcpu), intid, source)).or_default().credit += 1;
                return Ok(());
            }
        }
        self.happened((Some(target), intid, source));
        Ok(())
    }

    /// `vcpu` makes an SGI of any vCPU pending, or not pending, by a register: GICv3 only, where it is not told who sent it.
    fn write_pending(&mut self, vcpu: usize) {
        let (intid, target) = (self.random.below(4) as u32, self.random.below(self.interfaces.len() as u64) as usize);
        let event = (Some(target), intid, 0);
        let part = Part::Redistributor(id(target));
        if self.random.one_in(2) {
            self.happened(event);
            return self.access(vcpu, part, (0x1_0200, 4), 1 << intid);
        }
        // What came until now need not be taken any more. It may be, until the target has heard of it.
        self.access(vcpu, part, (0x1_0280, 4), 1 << intid);
        let owed = self.owed.entry(event).or_default();
        owed.fresh = false;
        if self.kicked.contains(id(target)) {
            self.cleared.insert((target, intid), owed.credit);
        } else {
            owed.credit = 0;
        }
    }

    /// `vcpu` changes what has no part in which SGIs are pending, but has list registers come back: a priority.
    fn reprioritise(&mut self, vcpu: usize) {
        let (offset, value) = (0x400 + 4 * self.random.below(2), self.random.bits() & 0xFFFF_FFFF);
        self.write_private(vcpu, offset, value);
    }

    fn acknowledge(&mut self, vcpu: usize) -> Result<(), String> {
        let Some(got) = self.interfaces[vcpu].acknowledge(&mut self.random) else { return Ok(()) };
        let event = ((got.intid < 32).then_some(vcpu), got.intid, got.source);
        self.nested[vcpu].push(got.intid);
        self.taken += 1;
        let owed = self.owed.entry(event).or_default();
        if owed.credit == 0 {
            return Err(format!("vCPU {vcpu} took {event:?}, which did not happen"));
        }
        let stale = self.cleared.get_mut(&(vcpu, got.intid));
        match stale.filter(|stale| **stale > 0) {
            Some(stale) => {
                owed.credit -= 1;
                *stale -= 1;
            }
            None => *owed = Owed { fresh: false, credit: (owed.credit - 1).min(1) },
        }
        Ok(())
    }

    fn end(&mut self, vcpu: usize) -> Result<(), String> {
        let Some(intid) = self.nested[vcpu].pop() else { return Ok(()) };
        self.interfaces[vcpu].end(intid);
        if !self.interfaces[vcpu].settings.split {
            return Ok(());
        }
        // GICC_DIR always traps.
        if !self.v3 || self.interfaces[vcpu].registers.maintenance.has(Maintenance::TRAP_DEACTIVATE) {
            return self.event(vcpu, |race, vcpu| {
                let kicks = race.vgic.deactivate(id(vcpu), intid);
                race.kicked = race.kicked.union(kicks);
            });
        }
        self.interfaces[vcpu].deactivate(intid);
        Ok(())
    }

    /// All kicks arrive and all interrupts are taken.
    fn drain(&mut self) -> Result<(), String> {
        for _ in 0..64 {
            for vcpu in 0..self.interfaces.len() {
                self.arrive(vcpu)?;
                while !self.nested[vcpu].is_empty() {
                    self.end(vcpu)?;
                }
                self.acknowledge(vcpu)?;
            }
        }
        match self.owed.iter().find(|(_, owed)| owed.fresh) {
            Some((event, _)) => Err(format!("{event:?} was lost")),
            None => Ok(()),
        }
    }
}
