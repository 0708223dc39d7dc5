//! The vCPUs that carry accesses out, each by its own interface and banked registers: one at a time, as the boot vCPU says.

use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicU8, AtomicU32, Ordering};

use bulkhead_guests::gic::Gic;
use bulkhead_guests::instruction::{self, Encoding};
use bulkhead_guests::trap::{self, Trapped, class};
use bulkhead_guests::{Machine, cpu, interrupt, memory, psci, read_register, smp};
use bulkhead_script::{Frame, Place, System};

use crate::reset;

/// What an access gave.
#[derive(Clone, Copy)]
pub enum Answer {
    Value(u64),
    Done,
    Abort(u64),
    Undefined,
}

/// What a vCPU does.
#[derive(Clone, Copy)]
pub enum Operation {
    Load(Place),
    Store(Place, u64),
    /// Its own part of the controller to the state that scripts begin in.
    Reset,
}

/// Reads of ISR_EL1 that a controller has to tell a vCPU what another did.
const SETTLING: u32 = 200;

/// How often RWP is looked at.
const LOOKS: u32 = 1000;

/// How far an operation of the other vCPU is.
const NONE: u32 = 0;
const ASKED: u32 = 1;
static STATE: AtomicU32 = AtomicU32::new(NONE);

/// Whether the other vCPU did what was done last, what is to be done, and what it gave.
struct Mail(UnsafeCell<(bool, Operation, Answer)>);

// SAFETY: the boot vCPU uses it while `STATE` is `NONE`, and the other one while it is `ASKED`.
unsafe impl Sync for Mail {}

static MAIL: Mail = Mail(UnsafeCell::new((false, Operation::Reset, Answer::Done)));

/// Starts the second vCPU.
///
/// # Panics
/// If it does not start.
pub fn start(machine: &Machine) {
    assert!(smp::start(machine, 1, serve) == psci::status::SUCCESS, "vCPU 1 does not start");
}

/// On the second vCPU: carries out what is asked for, with its interrupts masked.
fn serve(_: usize) {
    let gic = interrupt::controller();
    loop {
        while STATE.load(Ordering::Acquire) != ASKED {
            cpu::wait_for_event();
        }
        // SAFETY: see `Mail`.
        let mail = unsafe { &mut *MAIL.0.get() };
        mail.2 = perform(gic, mail.0, mail.1);
        STATE.store(NONE, Ordering::Release);
        cpu::send_event();
    }
}

/// Who did what was done last.
static LAST: AtomicU8 = AtomicU8::new(0);

/// Has vCPU `vcpu` do `operation`.
pub fn by(gic: &Gic, vcpu: u8, operation: Operation) -> Answer {
    let is_other = LAST.swap(vcpu, Ordering::Relaxed) != vcpu;
    if vcpu == 0 {
        return perform(gic, is_other, operation);
    }
    // SAFETY: see `Mail`.
    let mail = unsafe { &mut *MAIL.0.get() };
    (mail.0, mail.1) = (is_other, operation);
    STATE.store(ASKED, Ordering::Release);
    cpu::send_event();
    while STATE.load(Ordering::Acquire) != NONE {
        cpu::wait_for_event();
    }
    // SAFETY: see `Mail`.
    unsafe { (*MAIL.0.get()).2 }
}

/// Carries `operation` out; if another vCPU did the last one, what that did is let come to this one first.
fn perform(gic: &Gic, is_other: bool, operation: Operation) -> Answer {
    if is_other {
        (0..SETTLING).for_each(|_| _ = read_register!("isr_el1"));
    }
    match operation {
        Operation::Load(place) if place == Place::word(Frame::Distributor, 0) => load_when_done(gic, place),
        Operation::Load(place) => load(gic, place),
        Operation::Store(place, value) => store(gic, place, value),
        Operation::Reset => {
            reset::reset(gic);
            Answer::Done
        }
    }
}

/// GICD_CTLR of a GICv3 when its RWP says that what was changed has come to the other vCPU too, which may take its time (IHI
/// 0069H 12.9). The other one has its turn meanwhile.
fn load_when_done(gic: &Gic, place: Place) -> Answer {
    for _ in 0..LOOKS {
        match load(gic, place) {
            Answer::Value(value) if gic.version() == 3 && value >> 31 != 0 => {}
            answer => return answer,
        }
        cpu::send_event();
        cpu::wait_for_event();
    }
    load(gic, place)
}

fn load(gic: &Gic, place: Place) -> Answer {
    let (frame, offset, size) = match place {
        Place::System(register) => return of_register(instruction::read(encoding(register))),
        Place::Memory { frame, offset, size } => (frame, offset, size),
    };
    let (address, mut value) = (address(gic, frame, offset), 0);
    let trapped = trap::probe(|| value = memory::read(address, size));
    trapped.map_or(Answer::Value(value), of_trap)
}

fn store(gic: &Gic, place: Place, value: u64) -> Answer {
    let (frame, offset, size) = match place {
        Place::System(register) => {
            return instruction::write(encoding(register), value).map_or_else(of_trap, |()| Answer::Done);
        }
        Place::Memory { frame, offset, size } => (frame, offset, size),
    };
    let address = address(gic, frame, offset);
    let trapped = trap::probe(|| memory::write(address, size, value));
    trapped.map_or(Answer::Done, of_trap)
}

fn address(gic: &Gic, frame: Frame, offset: u32) -> usize {
    let base = match (frame, gic) {
        (Frame::CpuInterface, Gic::V2(gic)) => gic.cpu_interface,
        (Frame::Redistributor, Gic::V3(_)) => gic.private_frame() - 0x1_0000,
        (Frame::OthersPrivate, Gic::V3(_)) => gic.redistributor_of(1 - bulkhead_guests::cpu::index()) + 0x1_0000,
        (Frame::Private, _) => gic.private_frame(),
        _ => gic.distributor(),
    };
    base + offset as usize
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
