//! From an IRQ to the function that wants it.

use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use crate::gic::{self, Gic};
use crate::sync::SetOnce;
use crate::{Machine, println};

/// INTIDs that can have a handler: SGIs, PPIs and the first 96 SPIs.
const HANDLED: usize = 128;

static GIC: SetOnce<Gic> = SetOnce::new();
static HANDLERS: [AtomicUsize; HANDLED] = [const { AtomicUsize::new(0) }; HANDLED];
static UNEXPECTED: AtomicU32 = AtomicU32::new(0);

/// A function that serves an interrupt. It runs with IRQs masked and must neither print nor lock.
pub type Handler = fn(intid: u32);

/// Finds the interrupt controller of `machine`, initialises its distributor and this vCPU's interface.
pub fn initialise(machine: &Machine) -> &'static Gic {
    let gic = find(machine);
    gic.initialise_distributor();
    gic.initialise_cpu();
    gic
}

/// The interrupt controller of `machine`, as it is out of reset; [`initialise`] does the rest.
pub fn find(machine: &Machine) -> &'static Gic {
    GIC.get().unwrap_or_else(|| GIC.set(Gic::new(machine)))
}

/// The controller that [`initialise`] found.
///
/// # Panics
/// If it has not run.
pub fn controller() -> &'static Gic {
    GIC.get().expect("interrupt::initialise comes first")
}

/// Has `handler` called for `intid`, and enables it at the controller.
pub fn handle(intid: u32, handler: Handler) {
    HANDLERS[intid as usize].store(handler as usize, Ordering::SeqCst);
    controller().enable(intid);
}

/// Interrupts that arrived without a handler.
pub fn unexpected() -> u32 {
    UNEXPECTED.load(Ordering::SeqCst)
}

/// Serves every interrupt that is pending now.
pub(crate) fn dispatch() {
    let Some(gic) = GIC.get() else {
        println!("guest: an interrupt before there is a controller");
        crate::check::end_failed();
    };
    loop {
        let acknowledged = gic.acknowledge();
        if acknowledged.intid() >= gic::SPECIAL {
            return;
        }
        serve(acknowledged.intid());
        gic.end(acknowledged);
    }
}

fn serve(intid: u32) {
    let handler = HANDLERS.get(intid as usize).map_or(0, |slot| slot.load(Ordering::SeqCst));
    if handler == 0 {
        UNEXPECTED.fetch_add(1, Ordering::SeqCst);
        controller().disable(intid);
        return;
    }
    // SAFETY: only `handle` stores here, and it stores a `Handler`.
    let handler = unsafe { core::mem::transmute::<usize, Handler>(handler) };
    handler(intid);
}
