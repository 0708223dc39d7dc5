//! One access after the other, with what is to be remembered between them: the interrupts that were acknowledged.

use arrayvec::ArrayVec;
use bulkhead_guests::gic::{Gic, SPECIAL};
use bulkhead_guests::instruction::{self, Encoding};
use bulkhead_guests::memory::{read8, read16, read32, read64, write8, write16, write32, write64};
use bulkhead_guests::trap::{self, Trapped, class};
use bulkhead_script::{Access, Act, Frame, Group, Place, System};

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

/// What an access gave.
pub enum Answer {
    Value(u64),
    Done,
    Abort(u64),
    Undefined,
}

/// What acknowledging returned, and of which group it was.
#[derive(Clone, Copy)]
struct Acknowledged {
    value: u64,
    group: Group,
}

pub struct Driver<'g> {
    gic: &'g Gic,
    /// Interrupts that are to be ended, in the order in which they were acknowledged.
    active: ArrayVec<Acknowledged, MOST>,
    /// Those that were ended and not deactivated.
    ended: ArrayVec<Acknowledged, MOST>,
    /// Ending does not deactivate (EOImode).
    split: bool,
}

impl<'g> Driver<'g> {
    pub fn new(gic: &'g Gic) -> Self {
        Self { gic, active: ArrayVec::new(), ended: ArrayVec::new(), split: false }
    }

    pub fn carry_out(&mut self, access: Access) -> Answer {
        match access.act {
            Act::Load(place) => self.load(place),
            Act::Store(place, value) => self.store(place, value),
            Act::StoreIfIdle(place, value) if self.active.is_empty() && self.ended.is_empty() => {
                self.store(place, value)
            }
            Act::StoreIfIdle(place, _) => self.load(place),
            Act::Acknowledge(place, group) => self.acknowledge(place, group),
            Act::End => self.end(),
            Act::Deactivate(choice) => self.deactivate(choice.into()),
            Act::EndAll => self.end_all(),
        }
    }

    fn end_all(&mut self) -> Answer {
        while !self.active.is_empty() {
            self.end();
        }
        while self.split && !self.ended.is_empty() {
            self.deactivate(0);
        }
        Answer::Done
    }

    fn acknowledge(&mut self, place: Place, group: Group) -> Answer {
        let answer = self.load(place);
        if let Answer::Value(value) = answer
            && value as u32 & 0x3ff < SPECIAL
        {
            // A full list is one that no machine should come to: the answers tell.
            let _ = self.active.try_push(Acknowledged { value, group });
        }
        answer
    }

    fn end(&mut self) -> Answer {
        let Some(last) = self.active.pop() else { return self.store(self.end_register(Group::One), SPURIOUS) };
        if self.split {
            let _ = self.ended.try_push(last);
        }
        self.store(self.end_register(last.group), last.value)
    }

    fn deactivate(&mut self, choice: usize) -> Answer {
        if self.ended.is_empty() || !self.split {
            return self.store(self.end_register(Group::One), SPURIOUS);
        }
        let ended = self.ended.swap_remove(choice % self.ended.len());
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
        let (frame, offset, size) = match place {
            Place::System(register) => return of_register(instruction::read(encoding(register))),
            Place::Memory { frame, offset, size } => (frame, offset, size),
        };
        let (address, mut value) = (self.address(frame, offset), 0);
        let trapped = trap::probe(|| {
            value = match size {
                1 => read8(address).into(),
                2 => read16(address).into(),
                4 => read32(address).into(),
                _ => read64(address),
            }
        });
        trapped.map_or(Answer::Value(value), of_trap)
    }

    fn store(&mut self, place: Place, value: u64) -> Answer {
        let (frame, offset, size) = match place {
            Place::System(register) => {
                if register == System::Ctlr {
                    self.split = value & EOI_MODE_V3 != 0;
                }
                return instruction::write(encoding(register), value).map_or_else(of_trap, |()| Answer::Done);
            }
            Place::Memory { frame, offset, size } => (frame, offset, size),
        };
        if (frame, offset) == (Frame::CpuInterface, 0) {
            self.split = value & EOI_MODE_V2 != 0;
        }
        let address = self.address(frame, offset);
        let trapped = trap::probe(|| match size {
            1 => write8(address, value as u8),
            2 => write16(address, value as u16),
            4 => write32(address, value as u32),
            _ => write64(address, value),
        });
        trapped.map_or(Answer::Done, of_trap)
    }

    fn address(&self, frame: Frame, offset: u32) -> usize {
        let base = match (frame, self.gic) {
            (Frame::CpuInterface, Gic::V2(gic)) => gic.cpu_interface,
            (Frame::Redistributor, Gic::V3(_)) => self.gic.private_frame() - 0x1_0000,
            (Frame::Private, _) => self.gic.private_frame(),
            _ => self.gic.distributor(),
        };
        base + offset as usize
    }
}

const fn encoding(register: System) -> Encoding {
    let (crn, crm, op2) = register.encoding();
    Encoding::new(3, 0, crn, crm, op2)
}

fn of_register(read: Result<u64, Trapped>) -> Answer {
    read.map_or_else(of_trap, Answer::Value)
}

fn of_trap(trapped: Trapped) -> Answer {
    if trapped.class() == class::UNKNOWN { Answer::Undefined } else { Answer::Abort(trapped.fault_status()) }
}
