//! One access after the other, with what is to be remembered between them: the interrupts that were acknowledged.

use arrayvec::ArrayVec;
use bulkhead_guests::gic::{Gic, SPECIAL};
use bulkhead_script::{Access, Act, Frame, Group, Place, System};

use crate::hands::{self, Answer, Operation};

/// vCPUs that a script may have.
const VCPUS: usize = 2;
/// Interrupts that can be remembered. More are forgotten, by every machine alike.
const MOST: usize = 64;
/// The INTID that ends nothing (IHI 0048B 3.2.5, IHI 0069H 2.2.1).
const SPURIOUS: u64 = 1023;
/// GICC_EOIR, GICC_DIR.
const EOIR: u32 = 0x10;
const DIR: u32 = 0x1000;
/// ICC_CTLR_EL1.EOImode, GICC_CTLR.EOImode.
const EOI_MODE_V3: u64 = 1 << 1;
const EOI_MODE_V2: u64 = 1 << 9;

/// What acknowledging returned, and of which group it was.
#[derive(Clone, Copy)]
struct Acknowledged {
    value: u64,
    group: Group,
}

/// What is to be remembered of a vCPU.
#[derive(Default)]
struct Held {
    /// Interrupts that are to be ended, in the order in which they were acknowledged.
    active: ArrayVec<Acknowledged, MOST>,
    /// Those that were ended and not deactivated.
    ended: ArrayVec<Acknowledged, MOST>,
    /// Ending does not deactivate (EOImode).
    split: bool,
}

impl Held {
    fn is_idle(&self) -> bool {
        self.active.is_empty() && self.ended.is_empty()
    }
}

pub struct Driver<'g> {
    gic: &'g Gic,
    held: [Held; VCPUS],
    /// The vCPU that does it.
    vcpu: usize,
}

impl<'g> Driver<'g> {
    pub fn new(gic: &'g Gic) -> Self {
        Self { gic, held: Default::default(), vcpu: 0 }
    }

    pub fn carry_out(&mut self, access: Access) -> Answer {
        self.vcpu = access.vcpu.into();
        match access.act {
            Act::Load(place) => self.load(place),
            Act::Store(place, value) => self.store(place, value),
            Act::StoreIfIdle(place, value) if self.may_store(place) => self.store(place, value),
            Act::StoreIfIdle(place, _) => self.load(place),
            Act::Acknowledge(place, group) => self.acknowledge(place, group),
            Act::End => self.end(),
            Act::Deactivate(choice) => self.deactivate(choice.into()),
            Act::EndAll => self.end_all(),
        }
    }

    fn own(&mut self) -> &mut Held {
        &mut self.held[self.vcpu]
    }

    fn may_store(&self, place: Place) -> bool {
        match place {
            Place::System(_) | Place::Memory { frame: Frame::CpuInterface, .. } => self.held[self.vcpu].is_idle(),
            Place::Memory { .. } => self.held.iter().all(Held::is_idle),
        }
    }

    fn end_all(&mut self) -> Answer {
        for vcpu in 0..VCPUS {
            self.vcpu = vcpu;
            while !self.own().active.is_empty() {
                self.end();
            }
            while self.own().split && !self.own().ended.is_empty() {
                self.deactivate(0);
            }
        }
        Answer::Done
    }

    fn acknowledge(&mut self, place: Place, group: Group) -> Answer {
        let answer = self.load(place);
        if let Answer::Value(value) = answer
            && value as u32 & 0x3ff < SPECIAL
        {
            // A full list is one that no machine should come to: the answers tell.
            let _ = self.own().active.try_push(Acknowledged { value, group });
        }
        answer
    }

    fn end(&mut self) -> Answer {
        let Some(last) = self.own().active.pop() else { return self.store(self.end_register(Group::One), SPURIOUS) };
        if self.own().split {
            let _ = self.own().ended.try_push(last);
        }
        self.store(self.end_register(last.group), last.value)
    }

    fn deactivate(&mut self, choice: usize) -> Answer {
        let own = self.own();
        if own.ended.is_empty() || !own.split {
            return self.store(self.end_register(Group::One), SPURIOUS);
        }
        let ended = own.ended.swap_remove(choice % own.ended.len());
        let register = match self.gic {
            Gic::V2(_) => Place::word(Frame::CpuInterface, DIR),
            Gic::V3(_) => Place::System(System::Dir),
        };
        self.store(register, ended.value)
    }

    fn end_register(&self, group: Group) -> Place {
        match (self.gic, group) {
            (Gic::V2(_), _) => Place::word(Frame::CpuInterface, EOIR),
            (Gic::V3(_), Group::Zero) => Place::System(System::Eoir0),
            (Gic::V3(_), Group::One) => Place::System(System::Eoir1),
        }
    }

    fn load(&self, place: Place) -> Answer {
        hands::by(self.gic, self.vcpu as u8, Operation::Load(place))
    }

    fn store(&mut self, place: Place, value: u64) -> Answer {
        if place == Place::System(System::Ctlr) {
            self.own().split = value & EOI_MODE_V3 != 0;
        }
        if place == Place::word(Frame::CpuInterface, 0) {
            self.own().split = value & EOI_MODE_V2 != 0;
        }
        hands::by(self.gic, self.vcpu as u8, Operation::Store(place, value))
    }
}
